// Records once per attempt what is around a program: the changes in its git repository that are in no
// commit, and its Python packages. assay-runner starts this beside the program. All of it is good to
// know and none of it needed: what cannot be had in time is left out.
import Client
import Experiments
import Foundation
import Jobs
import Synchronization

struct CaptureSurroundings {
  let folder: AttemptFolder

  private static let patience = 20.0
  private static let mostBytes = 1 << 20

  func run() async throws -> Int32 {
    guard let order = try folder.readOrder() else { throw WorkerError.noOrder(folder.path) }
    guard case .command(let spec) = try JobSpec.parse(order.spec).work else { return 0 }
    ThreadPriority.lower()
    let client = AssayClient(socketPath: order.socketPath, token: order.token)
    let run = String(order.runId)
    if let changes = output(
      ["git", "--no-optional-locks", "diff", "--no-ext-diff", "--no-color", "HEAD"], spec),
      !changes.isEmpty
    {
      try await client.putArtifact(
        run: run, path: "assay/git.diff", mediaType: "text/x-diff", bytes: changes)
    }
    if spec.isPython,
      let packages = output(
        [spec.command[0], "-m", "pip", "--disable-pip-version-check", "freeze"], spec),
      !packages.isEmpty
    {
      try await client.putArtifact(
        run: run, path: "assay/pip-freeze.txt", mediaType: "text/plain", bytes: packages)
    }
    return 0
  }

  /// The beginning of a program's output; nil if it fails or takes too long.
  private func output(_ command: [String], _ spec: CommandSpec) -> [UInt8]? {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.currentDirectoryURL = URL(fileURLWithPath: spec.directory)
    process.environment = ProcessInfo.processInfo.environment.merging(spec.env) { $1 }
    let pipe = Pipe()
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    do {
      try process.run()
    } catch {
      return nil
    }
    let end = DispatchTime.now() + Self.patience
    let timer = DispatchSource.makeTimerSource(queue: .global())
    timer.schedule(deadline: end)
    timer.setEventHandler { kill(process.processIdentifier, SIGKILL) }
    timer.activate()
    defer { timer.cancel() }
    var bytes: [UInt8] = []
    while let piece = try? pipe.fileHandleForReading.read(upToCount: 64 << 10), !piece.isEmpty {
      if bytes.count < Self.mostBytes { bytes.append(contentsOf: piece) }
    }
    process.waitUntilExit()
    guard process.terminationReason == .exit, process.terminationStatus == 0 else { return nil }
    guard bytes.count > Self.mostBytes else { return bytes }
    return bytes.prefix(Self.mostBytes) + Array("\n[cut here: there is more]\n".utf8)
  }
}
