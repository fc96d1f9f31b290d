// Runs a program to its end and keeps what it prints.
import Foundation

package enum Processes {
  package static func run(
    _ program: String, _ arguments: [String], _ environment: [String: String]
  ) async throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let path = "/tmp/assay-bench-output-\(getpid())"
    try Data().write(to: URL(fileURLWithPath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }  // only a temporary file
    process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    process.standardInput = FileHandle.nullDevice
    try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
      process.terminationHandler = { _ in done.resume() }
      do { try process.run() } catch { done.resume(throwing: error) }
    }
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
  }
}
