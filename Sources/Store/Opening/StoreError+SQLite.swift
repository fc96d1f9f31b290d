// Which of the store's errors an error of SQLite is. Damage and a full disk are conditions that
// people can act upon, so they are told apart from everything else.

import Checkpoints
import GRDB

extension StoreError {
  /// `error` as a `StoreError`; cancellation stays what it is.
  static func wrapping(_ error: any Error) -> any Error {
    switch error {
    case let error as StoreError: error
    case let error as CheckpointError: StoreError.content(error)
    case let error as DatabaseError: StoreError(error)
    case let error as RowDecodingError:
      StoreError.databaseDamaged("a column is not what it should be: \(error)")
    case is CancellationError: error
    default: StoreError.internal("\(error)")
    }
  }

  init(_ error: DatabaseError) {
    let reason = error.message ?? "SQLite error \(error.extendedResultCode.rawValue)"
    switch error.resultCode {
    case .SQLITE_FULL: self = .diskFull
    case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .databaseDamaged(reason)
    case .SQLITE_IOERR, .SQLITE_CANTOPEN:
      self = .inputOutput("\(reason) (SQLite \(error.extendedResultCode.rawValue))")
    case .SQLITE_BUSY, .SQLITE_LOCKED: self = .databaseBusy
    case .SQLITE_MISUSE: self = .storeClosed(reason: "the database has been closed")
    default: self = .internal("\(error)")
    }
  }
}
