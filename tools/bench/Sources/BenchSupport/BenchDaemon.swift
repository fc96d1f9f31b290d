// A daemon of its own for a benchmark, in a temporary folder, started and ended by its process id.
import Foundation
import Glibc

package struct StoreBenchFailure: Error, CustomStringConvertible {
  package let description: String
  package init(_ description: String) { self.description = description }
}

package final class BenchDaemon {
  package let folder: String
  /// From the start of the process to its word that it is ready.
  package let readySeconds: Double
  private let process: Process
  package var socketPath: String { Self.socketPath(folder) }
  package var dataFolder: String { Self.dataFolder(folder) }
  package var pid: Int32 { process.processIdentifier }

  package static func dataFolder(_ folder: String) -> String { folder + "/data" }
  package static func socketPath(_ folder: String) -> String { folder + "/run/assay.sock" }

  /// A new folder, open to its owner alone.
  package static func newFolder() throws -> String {
    let path = "/tmp/assay-bench-" + UUID().uuidString.lowercased().prefix(8)
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    return path
  }

  /// Starts `assayd` on the store in `folder` and returns once it is ready.
  /// - Parameter arguments: further ones for `assayd`.
  package init(folder: String, programs: String, arguments: [String] = []) async throws {
    self.folder = folder
    process = Process()
    process.executableURL = URL(fileURLWithPath: programs + "/assayd")
    process.arguments = ["run"] + arguments
    process.environment = ProcessInfo.processInfo.environment.merging(
      [
        "ASSAY_DATA": Self.dataFolder(folder), "ASSAY_SOCKET": Self.socketPath(folder),
      ]) { $1 }
    let output = Pipe()
    process.standardOutput = output
    process.standardInput = FileHandle.nullDevice
    let start = ContinuousClock.now
    try process.run()
    let word = try await onThread { output.fileHandleForReading.availableData }
    readySeconds = (ContinuousClock.now - start) / .seconds(1)
    guard String(decoding: word, as: UTF8.self).contains("is ready") else {
      throw StoreBenchFailure("assayd did not start in \(folder)")
    }
  }

  package func stop() async throws {
    process.terminate()
    let process = process
    try await onThread { process.waitUntilExit() }
  }

  /// Runs `body` with a daemon in a new folder, and removes everything.
  package static func with<Value>(
    _ options: BenchOptions, _ body: (BenchDaemon) async throws -> Value
  ) async throws -> Value {
    let folder = try newFolder()
    // a leftover fails no measurement
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let daemon = try await BenchDaemon(folder: folder, programs: options.programs)
    do {
      let value = try await body(daemon)
      try await daemon.stop()
      return value
    } catch {
      try? await daemon.stop()  // what went wrong before matters more
      throw error
    }
  }

  /// A field of `/proc/PID/status`, in bytes.
  package func memory(_ field: String) throws -> Double {
    let text = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
    let line = text.split(separator: "\n").first { $0.hasPrefix(field + ":") }
    guard let line, let number = Double(line.filter(\.isNumber)) else {
      throw StoreBenchFailure("/proc has no \(field)")
    }
    return number * 1_024
  }
}

extension BenchDaemon {
  /// Processor time that the daemon has used, in seconds.
  package func processorSeconds() throws -> Double {
    let text = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
    let fields = text.drop { $0 != ")" }.split(separator: " ")
    guard fields.count > 13, let user = Double(fields[12]), let system = Double(fields[13]) else {
      throw StoreBenchFailure("/proc/\(pid)/stat is not as expected")
    }
    return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
  }
}

/// Runs what blocks on a thread of its own.
@discardableResult
package func onThread<Value: Sendable>(
  _ body: @escaping @Sendable () throws -> Value
) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
  }
}

/// Runs `body` on so many threads at once.
package func onThreads<Value: Sendable>(
  _ count: Int, _ body: @escaping @Sendable (Int) throws -> Value
) async throws -> [Value] {
  try await withThrowingTaskGroup(of: Value.self) { group in
    for index in 0..<count { group.addTask { try await onThread { try body(index) } } }
    var values: [Value] = []
    for try await value in group { values.append(value) }
    return values
  }
}

/// Times, in rising order.
package struct Times {
  package let sorted: [Double]
  package init(_ seconds: [Double]) { sorted = seconds.sorted() }

  package func percentile(_ share: Double) -> Double {
    guard !sorted.isEmpty else { return .nan }
    return sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
  }
  package var median: Double { percentile(0.5) }
}

package func seconds(_ body: () async throws -> Void) async rethrows -> Double {
  let start = ContinuousClock.now
  try await body()
  return (ContinuousClock.now - start) / .seconds(1)
}
