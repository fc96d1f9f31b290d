// Where the built programs and the files of the source tree are, and running programs to their end
// without blocking a thread of the pool.
import Foundation
import Synchronization

enum Programs {
  /// The folder of the build that this test belongs to, or `ASSAY_BIN_DIR`.
  static let folder: String = {
    if let folder = ProcessInfo.processInfo.environment["ASSAY_BIN_DIR"] { return folder }
    return source(".build/release")
  }()

  static func path(_ name: String) -> String { folder + "/" + name }

  /// A path of the source tree.
  static func source(_ relative: String) -> String {
    URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: relative).path
  }

  struct Result: Sendable {
    var status: Int32
    var output: String
    var errors: String
  }

  /// Runs a program to its end, its output kept in files rather than pipes, so that no amount of it
  /// can make anybody wait.
  static func run(
    _ program: String, _ arguments: [String], environment: [String: String] = [:],
    directory: String? = nil
  ) async throws -> Result {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
    let output = try folder.open("output")
    let errors = try folder.open("errors")
    process.standardOutput = output
    process.standardError = errors
    process.standardInput = FileHandle.nullDevice
    try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
      process.terminationHandler = { _ in done.resume() }
      do { try process.run() } catch { done.resume(throwing: error) }
    }
    return Result(
      status: process.terminationStatus, output: try folder.read("output"),
      errors: try folder.read("errors"))
  }
}

/// A folder of its own for a test, short enough for a socket's path.
struct TemporaryFolder: Sendable {
  let path: String

  init() throws {
    path = "/tmp/assay-" + UUID().uuidString.lowercased().prefix(13)
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
  }

  func remove() {
    try? FileManager.default.removeItem(atPath: path)  // a leftover in /tmp fails no test
  }

  func file(_ name: String) -> String { path + "/" + name }

  @discardableResult
  func write(_ name: String, _ text: String) throws -> String {
    try Data(text.utf8).write(to: URL(fileURLWithPath: file(name)))
    return file(name)
  }

  func read(_ name: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: file(name))), as: UTF8.self)
  }

  func open(_ name: String) throws -> FileHandle {
    try write(name, "")
    return try FileHandle(forWritingTo: URL(fileURLWithPath: file(name)))
  }
}
