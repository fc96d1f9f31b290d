// A folder of its own for a test, and the system's programs in it.

import Foundation
import Testing

struct TestFolder {
  let path: String

  /// Runs `body` with a folder that is removed afterwards.
  static func with(_ body: (TestFolder) throws -> Void) throws {
    let path = FileManager.default.temporaryDirectory.path + "/assay-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(TestFolder(path: path))
  }

  func file(_ name: String) -> String { path + "/" + name }

  func read(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: file(name))))
  }

  func write(_ name: String, _ bytes: [UInt8]) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
  }

  var files: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] }

  /// A shell command with the folder as its current one; answers its output if it succeeds.
  @discardableResult
  func shell(_ command: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> String
  {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", "(\(command)) > .out 2> .err"]
    process.currentDirectoryURL = URL(fileURLWithPath: path)
    process.environment = ["PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"]
    try process.run()
    process.waitUntilExit()
    let errors = String(decoding: try read(".err"), as: UTF8.self)
    #expect(process.terminationStatus == 0, "\(command): \(errors)", sourceLocation: sourceLocation)
    return String(decoding: try read(".out"), as: UTF8.self)
  }
}
