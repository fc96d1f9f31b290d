// `assayd run` as a child of the test, as a service manager starts it.
import Foundation

final class Foreground: Sendable {
  let folder: TemporaryFolder
  let socket: String
  let data: String
  private let process: Process

  init(_ arguments: [String] = [], environment: [String: String] = [:], folder: TemporaryFolder)
    throws
  {
    self.folder = folder
    socket = folder.file("run/assay.sock")
    data = folder.file("data")
    process = Process()
    process.executableURL = URL(fileURLWithPath: Programs.path("assayd"))
    process.arguments = ["run"] + arguments
    process.environment = ProcessInfo.processInfo.environment
      .merging(["ASSAY_SOCKET": socket, "ASSAY_DATA": data]) { $1 }
      .merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try folder.open("output")
    process.standardError = try folder.open("errors")
    try process.run()
  }

  var pid: pid_t { process.processIdentifier }

  var log: String { get throws { try folder.read("errors") } }

  func send(_ signal: Int32) { kill(pid, signal) }

  /// SIGTERM, and waits for its end.
  func stop() async throws {
    send(SIGTERM)
    try await eventually("assayd ends") { !self.process.isRunning }
  }

  /// For a test that failed.
  func end() { if process.isRunning { send(SIGKILL) } }
}
