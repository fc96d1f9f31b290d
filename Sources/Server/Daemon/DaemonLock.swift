// One daemon per data folder and one per socket: two locks, taken before anything else is touched,
// so that the socket of a living daemon is never removed. The note in a lock tells who holds it.

import Experiments
import Foundation
import Glibc
package import Jobs
import Wire

package struct DaemonLock: Sendable {
  private let data: FileLock
  private let socket: FileLock

  /// Who holds a data folder's lock.
  package struct Holder: Sendable, Equatable {
    package let process: ProcessIdentity
    package let socketPath: String

    fileprivate init?(note: String) {
      let parts = note.split(separator: " ", maxSplits: 3).map(String.init)
      guard parts.count == 4, let pid = Int32(parts[0]), let ticks = UInt64(parts[1]) else {
        return nil
      }
      process = ProcessIdentity(pid: pid, startTicks: ticks, bootId: parts[2])
      socketPath = parts[3]
    }

    static func note(socketPath: String) -> String {
      let own = ProcessIdentity.current
      return "\(getpid()) \(own?.startTicks ?? 0) \(own?.bootId ?? "-") \(socketPath)"
    }
  }

  package static func path(dataFolder: String) -> String { dataFolder + "/assayd.lock" }

  /// Makes the folders that are missing (0700) and takes both locks.
  /// - Throws: `ServerError`: `daemon_already_running`, `folder_unusable`, `folder_open`,
  ///   `socket_path_taken`, `socket_unusable`, `data_folder_busy`; `JobsError`.
  package init(dataFolder: String, socketPath: String) throws {
    try SocketFile.check(socketPath)
    try Self.makeFolder(dataFolder, option: "--data")
    let runFolder = (socketPath as NSString).deletingLastPathComponent
    try Self.makeFolder(runFolder, option: "--socket")
    let note = Holder.note(socketPath: socketPath)
    data = try Self.take(Self.path(dataFolder: dataFolder), note: note, socketPath: socketPath)
    socket = try Self.take(socketPath + ".lock", note: note, socketPath: socketPath)
  }

  /// The daemon that runs on this data folder; nil if there is none.
  package static func holder(dataFolder: String) throws -> Holder? {
    let path = path(dataFolder: dataFolder)
    // Between taking the lock and writing the note there is a moment.
    for _ in 0..<50 {
      guard try FileLock.isHeld(path) else { return nil }
      if let holder = Holder(note: try FileLock.note(path)), holder.process.isAlive {
        return holder
      }
      usleep(10_000)
    }
    return nil
  }

  private static func take(
    _ path: String, note: String, socketPath: String
  ) throws -> FileLock {
    if let lock = try FileLock.acquire(path, note: note) { return lock }
    let holder = Holder(note: try FileLock.note(path))
    if let holder, let verb = holder.offlineVerb {
      throw ServerError.dataFolderBusy(pid: String(holder.process.pid), verb: verb)
    }
    throw ServerError.daemonAlreadyRunning(
      pid: holder.map { String($0.process.pid) } ?? "?",
      socket: holder?.socketPath ?? socketPath)
  }

  /// Only its owner may enter it. One that is open to others is somebody's for another purpose, so it
  /// is refused and not changed.
  static func makeFolder(_ path: String, option: String) throws {
    let manager = FileManager.default
    if !manager.fileExists(atPath: path) { try makeFolders(path) }
    let attributes: [FileAttributeKey: Any]
    do {
      let real = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
      attributes = try manager.attributesOfItem(atPath: real)
    } catch {
      throw ServerError.folder(path: path, reason: error.localizedDescription)
    }
    guard attributes[.type] as? FileAttributeType == .typeDirectory else {
      throw ServerError.folder(path: path, reason: "it is not a folder")
    }
    let owner = (attributes[.ownerAccountID] as? NSNumber)?.uint32Value
    guard owner == geteuid() else {
      throw ServerError.folder(path: path, reason: "it belongs to another user")
    }
    let mode = (attributes[.posixPermissions] as? NSNumber)?.uint32Value ?? 0o777
    guard mode & 0o077 == 0 else {
      throw ServerError.folderOpen(path: path, mode: mode, option: option)
    }
  }

  /// Makes the folder and those above it that are missing, each for its owner alone.
  private static func makeFolders(_ path: String) throws {
    if mkdir(path, 0o700) == 0 { return }
    var number = errno
    let parent = (path as NSString).deletingLastPathComponent
    if number == ENOENT, !parent.isEmpty, parent != path {
      try makeFolders(parent)
      if mkdir(path, 0o700) == 0 { return }
      number = errno
    }
    // Somebody else may have made it meanwhile.
    guard number == EEXIST else { throw unusable(path, number) }
  }

  private static func unusable(_ path: String, _ number: Int32) -> ServerError {
    .folder(path: path, reason: String(cString: strerror(number)))
  }
}
