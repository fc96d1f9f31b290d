// The data folder's lock for a verb of assayd that works on the folder itself while no daemon does.
// Its note names the verb, so that it is not taken for a daemon.

import Foundation
import Jobs

package struct OfflineLock: Sendable {
  private let lock: FileLock

  /// What a verb's note has where a daemon's has its socket.
  fileprivate static let mark = "offline:"

  /// Takes the lock, making the folder (0700) if there is none; nil if somebody holds it.
  /// - Parameter verb: as on the command line: `restore`.
  /// - Throws: `ServerError`: `folder_unusable`, `folder_open`; `JobsError`.
  package static func acquire(dataFolder: String, verb: String) throws -> OfflineLock? {
    try DaemonLock.makeFolder(dataFolder, option: "--data")
    let lock = try FileLock.acquire(
      DaemonLock.path(dataFolder: dataFolder),
      note: DaemonLock.Holder.note(socketPath: mark + verb))
    return lock.map { OfflineLock(lock: $0) }
  }

  /// As `acquire`, with the error that names the holder.
  package static func require(dataFolder: String, verb: String) throws -> OfflineLock {
    if let lock = try acquire(dataFolder: dataFolder, verb: verb) { return lock }
    guard let holder = try DaemonLock.holder(dataFolder: dataFolder) else {
      throw ServerError.dataFolderBusy(pid: "?", verb: nil)
    }
    throw ServerError.dataFolderBusy(pid: String(holder.process.pid), verb: holder.offlineVerb)
  }
}

extension DaemonLock.Holder {
  /// The verb that works on the folder; nil for a daemon.
  package var offlineVerb: String? {
    let mark = OfflineLock.mark
    return socketPath.hasPrefix(mark) ? String(socketPath.dropFirst(mark.count)) : nil
  }
}
