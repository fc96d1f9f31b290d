// The folder of one attempt: what its worker needs, what it says about itself, and how it ended.
// Everything in it is written whole or not at all; the folder is 0700, its files are 0600.

import Experiments
import Foundation
import Glibc

package struct AttemptFolder: Sendable, Equatable {
  package let path: String
  private let files: DurableFile

  package init(path: String, files: DurableFile = DurableFile()) {
    self.path = path
    self.files = files
  }

  package static func == (a: Self, b: Self) -> Bool { a.path == b.path }

  /// `AttemptOrder`: what the worker is told.
  package var orderPath: String { path + "/attempt.json" }
  /// Locked for as long as the worker lives.
  package var lockPath: String { path + "/lock" }
  /// Whoever makes it first decides whether the work begins.
  package var claimPath: String { path + "/claim" }
  /// `ProcessIdentity` of the worker.
  package var processPath: String { path + "/process.json" }
  /// `ExitRecord`: how it ended.
  package var exitPath: String { path + "/exit.json" }
  /// What the worker's process itself wrote to its standard output and error.
  package var outputPath: String { path + "/output" }
  /// What the daemon has not yet confirmed.
  package var spoolPath: String { path + "/spool" }

  /// Makes the folder and its spool. The parent must exist. Throws `attemptFolderExists`: the ids
  /// of attempts are never used twice.
  package func create() throws(JobsError) {
    if mkdir(path, 0o700) < 0 {
      let number = errno
      if number == EEXIST { throw .attemptFolderExists(path: path) }
      throw .file(operation: "create", path: path, errno: number)
    }
    if mkdir(spoolPath, 0o700) < 0 {
      throw .file(operation: "create", path: spoolPath, errno: errno)
    }
    try files.syncFolder(of: path)
  }

  /// Durable.
  package func write(_ order: AttemptOrder) throws(JobsError) {
    try files.replace(orderPath, with: AttemptCoding.encode(order, path: orderPath))
  }

  /// Nil if the start did not get that far.
  package func readOrder() throws(JobsError) -> AttemptOrder? {
    guard let bytes = try files.read(orderPath) else { return nil }
    return try AttemptCoding.decode(
      AttemptOrder.self, from: bytes, path: orderPath, floatsAsText: false)
  }

  /// Atomic but not fsynced: after a power cut the process is gone anyway, and its boot id shows it.
  package func write(_ process: ProcessIdentity) throws(JobsError) {
    try files.replace(
      processPath, with: AttemptCoding.encode(process, path: processPath), durable: false)
  }

  /// Nil if there is none, or if a power cut left it empty.
  package func readProcess() throws(JobsError) -> ProcessIdentity? {
    guard let bytes = try files.read(processPath), !bytes.isEmpty else { return nil }
    return try AttemptCoding.decode(
      ProcessIdentity.self, from: bytes, path: processPath, floatsAsText: false)
  }

  /// Durable: once this returns, the result is what every later daemon finds. May be repeated (a
  /// flush clears `unsent`).
  package func write(_ exit: ExitRecord) throws(JobsError) {
    try files.replace(exitPath, with: AttemptCoding.encode(exit, path: exitPath))
  }

  /// Nil if the worker has not ended by itself.
  package func readExit() throws(JobsError) -> ExitRecord? {
    guard let bytes = try files.read(exitPath) else { return nil }
    return try AttemptCoding.decode(
      ExitRecord.self, from: bytes, path: exitPath, floatsAsText: true)
  }

  /// Called by the worker before it begins the work, that is before anything it does can be seen
  /// from outside. False: the attempt was revoked (or claimed before) and nothing may be done.
  package func claim() throws(JobsError) -> Bool {
    try files.create(claimPath, with: Claim.claimed.rawValue.utf8)
  }

  /// Called by the daemon to make sure that the work never begins, whatever a slow worker does
  /// later. False: it has begun. True also if it was revoked before.
  package func revoke() throws(JobsError) -> Bool {
    if try files.create(claimPath, with: Claim.revoked.rawValue.utf8) { return true }
    return try readClaim() == .revoked
  }

  /// Nil as long as nobody has decided.
  package func readClaim() throws(JobsError) -> Claim? {
    guard let bytes = try files.read(claimPath) else { return nil }
    // Whatever else it holds: someone began.
    return Claim(rawValue: String(decoding: bytes, as: UTF8.self)) ?? .claimed
  }

  package enum Claim: String, Sendable {
    /// The worker has begun, or may have.
    case claimed
    /// It never will.
    case revoked
  }

  /// Opens the file that takes the worker's own output, for appending. Closed by the caller.
  func openOutput() throws(JobsError) -> Int32 {
    let descriptor = open(outputPath, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    if descriptor < 0 { throw .file(operation: "open", path: outputPath, errno: errno) }
    return descriptor
  }
}
