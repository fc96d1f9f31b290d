// Reading a row whose columns are not what the schema says, as after a flipped bit, must be an error
// and no crash. GRDB's `row[0]` traps there: it takes such a row for a mistake of the programmer. So
// the store's own `row[0]` comes before it: it notes the damage, answers a zero in its place, and
// whoever runs the transaction throws `database_damaged` at its end instead of giving the result.

import Experiments
import Foundation
import GRDB
import Glibc
import Synchronization

enum Damage {
  /// By thread: a transaction runs on one from its beginning to its end.
  private static let notes = Mutex<[UInt: String]>([:])
  /// Most processes never see any, and then never lock.
  private static let seen = Atomic(false)

  private static var thread: UInt { UInt(pthread_self()) }

  static func note(_ reason: String) {
    notes.withLock { notes in
      if notes[thread] == nil { notes[thread] = reason }
    }
    seen.store(true, ordering: .releasing)
  }

  /// Runs `body`, which is synchronous, and throws if it met damage, whatever it made of it.
  static func watching<Value>(_ body: () throws -> Value) throws -> Value {
    let outer = take()
    let result = Result { try body() }
    let met = take()
    if let outer { note(outer) }
    if let met { throw StoreError.databaseDamaged(met) }
    return try result.get()
  }

  private static func take() -> String? {
    guard seen.load(ordering: .acquiring) else { return nil }
    return notes.withLock { $0.removeValue(forKey: thread) }
  }

  /// What stands for a value that is not there.
  fileprivate static func substitute<Value: DatabaseValueConvertible>(
    _ error: any Error, _ row: Row
  ) -> Value {
    let reason = (error as? RowDecodingError)?.description ?? "\(error)"
    note("a column is not what it should be: \(reason.prefix(300))")
    for zero in [Int64(0).databaseValue, "".databaseValue, Data().databaseValue, .null] {
      if let value = Value.fromDatabaseValue(zero) { return value }
    }
    // Every type that the store reads is made of one of these.
    preconditionFailure("\(Value.self) can be none of SQLite's types")
  }
}

extension Row {
  subscript<Value: DatabaseValueConvertible>(_ index: Int) -> Value {
    do {
      return try decode(Value.self, atIndex: index)
    } catch {
      return Damage.substitute(error, self)
    }
  }

  subscript<Value: DatabaseValueConvertible & StatementColumnConvertible>(_ index: Int) -> Value {
    do {
      return try decode(Value.self, atIndex: index)
    } catch {
      return Damage.substitute(error, self)
    }
  }
}
