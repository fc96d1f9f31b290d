// A prepared statement driven by SQLite's own functions, for loops over points: there a `Row` or a
// list of arguments per line costs more than the line. Everything else uses the helpers of
// RowHelpers.swift. Whoever steps through rows calls `reset` at the end, also after an error: a
// statement that is left open keeps its snapshot alive.

import Experiments
import GRDB
import GRDBSQLite

struct DirectStatement {
  private let connection: OpaquePointer?
  /// Keeps `handle` alive.
  private let owner: Statement
  private let handle: OpaquePointer

  /// - Parameter isShared: whether it is kept prepared; false where two of the same text are open
  ///   at once.
  init(_ db: Database, _ sql: String, isShared: Bool = true) throws {
    owner = try isShared ? db.cachedStatement(sql: sql) : db.makeStatement(sql: sql)
    handle = owner.sqliteStatement
    connection = db.sqliteConnection
    // Where the same text was run as an ordinary statement before, it stands at its end, and nothing
    // can be bound to it there.
    sqlite3_reset(handle)
  }

  // Binding fails only for an index that the text does not have.
  func bind(_ index: Int32, _ value: Int64) { sqlite3_bind_int64(handle, index, value) }

  func bind(_ index: Int32, _ value: Int64?) {
    if let value { bind(index, value) } else { sqlite3_bind_null(handle, index) }
  }

  func bind(_ index: Int32, _ text: String) {
    var text = text
    text.withUTF8 { utf8 in
      utf8.withMemoryRebound(to: CChar.self) {
        _ = sqlite3_bind_text(handle, index, $0.baseAddress, Int32($0.count), Self.transient)
      }
    }
  }

  func bind(_ index: Int32, _ bytes: [UInt8]) {
    _ = bytes.withUnsafeBytes {
      sqlite3_bind_blob(handle, index, $0.baseAddress, Int32($0.count), Self.transient)
    }
  }

  /// A metric's value: SQLite has no NaN.
  func bind(_ index: Int32, value: Double) {
    if value.isNaN {
      bind(index, MetricValue.nan)
    } else {
      sqlite3_bind_double(handle, index, value)
    }
  }

  /// SQLite's mark for "make a copy of it".
  private static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

  /// - Returns: whether there is a row.
  @inline(__always)
  func step() throws -> Bool {
    let code = sqlite3_step(handle)
    if code == SQLITE_ROW { return true }
    if code == SQLITE_DONE { return false }
    throw failure(code)
  }

  /// Runs a statement without rows.
  /// - Returns: how many rows it changed.
  @discardableResult
  func execute() throws -> Int {
    let code = sqlite3_step(handle)
    defer { sqlite3_reset(handle) }
    guard code == SQLITE_DONE else { throw failure(code) }
    return Int(sqlite3_changes(connection))
  }

  func reset() { sqlite3_reset(handle) }

  private func failure(_ code: Int32) -> any Error {
    // A read whose task was cancelled.
    if code & 0xFF == SQLITE_INTERRUPT { return CancellationError() }
    return DatabaseError(
      resultCode: ResultCode(rawValue: code),
      message: sqlite3_errmsg(connection).map { String(cString: $0) })
  }

  // MARK: Columns of the current row, from 0

  @inline(__always)
  func int64(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

  @inline(__always)
  func optionalInt64(_ column: Int32) -> Int64? {
    sqlite3_column_type(handle, column) == SQLITE_NULL ? nil : int64(column)
  }

  /// The column's bytes, as long as the row is current.
  func withBytes<Value>(_ column: Int32, _ body: (UnsafeRawBufferPointer) throws -> Value)
    rethrows -> Value
  {
    let start = sqlite3_column_blob(handle, column)
    return try body(
      UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))))
  }

  /// A metric's value.
  /// - Throws: `database_damaged` if there is something else.
  @inline(__always)
  func value(_ column: Int32) throws -> Double {
    if sqlite3_column_type(handle, column) == SQLITE_FLOAT {
      return sqlite3_column_double(handle, column)
    }
    return try otherValue(column)
  }

  private func otherValue(_ column: Int32) throws -> Double {
    switch sqlite3_column_type(handle, column) {
    case SQLITE_INTEGER: return Double(int64(column))
    case SQLITE_TEXT:
      let isNaN = withBytes(column) { $0.elementsEqual(MetricValue.nan.utf8) }
      if isNaN { return .nan }
    default: break
    }
    throw StoreError.databaseDamaged(
      "something else is stored where a metric value belongs: "
        + withBytes(column) { String(decoding: $0.prefix(40), as: UTF8.self) })
  }
}
