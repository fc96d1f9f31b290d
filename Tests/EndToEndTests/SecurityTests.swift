// Who gets in: other users by no way, the network with the token alone, and nothing is readable by
// others at any moment.
import Client
import Experiments
import Foundation
import Glibc
import Synchronization
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(3)))
struct SecurityTests {
  /// Asks as user `nobody`; prints how many connections were refused, and how many answered.
  private static let stranger = """
    import os, socket, sys
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
    refused = answered = 0
    for _ in range(100):
        s = socket.socket(socket.AF_UNIX)
        try:
            s.connect(sys.argv[1])
            s.sendall(b"GET /api/v1/health HTTP/1.1\\r\\nHost: assay\\r\\n\\r\\n")
            if s.recv(100): answered += 1
            else: refused += 1
        except OSError:
            refused += 1
        s.close()
    print(refused, answered)
    """

  @Test(.enabled(if: geteuid() == 0, "needs root, to be somebody else"))
  func aSecondUserIsRefused() async throws {
    try await TestDaemon.with { daemon async throws in
      func ask() async throws -> String {
        let result = try await Programs.run(
          "/usr/bin/env", ["python3", "-c", Self.stranger, daemon.socket])
        #expect(result.status == 0, "\(result.errors)")
        return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
      }
      // By the modes,
      #expect(try await ask() == "100 0")
      // and by the kernel's word, where somebody has loosened those.
      chmod(daemon.folder.path, 0o755)
      chmod(daemon.folder.file("run"), 0o755)
      chmod(daemon.socket, 0o666)
      #expect(try await ask() == "100 0")
      #expect(try await daemon.client.health().ok)
    }
  }

  @Test func nothingIsEverOpenToOthers() async throws {
    let daemon = try TestDaemon()
    let sampler = ModeSampler([daemon.data, daemon.folder.file("run")])
    try await daemon.start()
    let job = try await daemon.submit(Specs.synthetic(epochs: 2))
    _ = try await daemon.end(of: job)
    _ = try await daemon.assayd("stop")
    try await daemon.start()
    try await daemon.close(showLog: false)
    let (rounds, open) = sampler.stop()
    #expect(rounds > 10)
    #expect(open.isEmpty, "\(open.sorted())")
  }

  @Test func overTheNetworkTheTokenIsNeeded() async throws {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let port = try Self.freePort()
    let daemon = try Foreground(["--listen", "127.0.0.1:\(port)"], folder: folder)
    defer { daemon.end() }
    let local = AssayClient(socketPath: daemon.socket)
    try await eventually("it answers") { (try? await local.health().ok) == true }
    let file = daemon.data + "/assayd.token"
    let mode =
      try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? NSNumber
    #expect(mode?.uint16Value == 0o600)
    let token = try String(contentsOfFile: file, encoding: .utf8)
      .trimmingCharacters(in: .whitespacesAndNewlines)
    #expect(token.count == 64)
    let url = "http://127.0.0.1:\(port)"
    for wrong in ["x", String(token.dropLast()), token + "0", String(repeating: "0", count: 64)] {
      let client = AssayClient(url: url, token: wrong)
      for attempt in [
        { _ = try await client.health() },
        { try await client.appendMetrics(run: "1", PointsBody(points: [])) },
      ] as [() async throws -> Void] {
        do {
          try await attempt()
          Issue.record("\(wrong) was let in")
        } catch let error as ClientError {
          #expect(error.body.code == "access_denied", "\(error)")
        }
      }
      await client.shutdown()
    }
    let client = AssayClient(url: url, token: token)
    #expect(try await client.status().socket == daemon.socket)
    let run = try await client.openRun(OpenRun(name: "remote"))
    let point = MetricPoint(
      key: "loss", step: 1, epoch: nil, time: Timestamp(microseconds: 1_800_000_000_000_000),
      value: 1)
    for _ in 0..<3 {
      try await client.appendMetrics(run: String(run.id), PointsBody(points: [point]))
    }
    #expect(try await client.history(String(run.id), key: "loss").values == [1])
    await client.shutdown()
    // The command line takes it from a file.
    func assay(_ variables: [String: String]) async throws -> Programs.Result {
      try await Programs.run(
        Programs.path("assay"), ["status"],
        environment: ["ASSAY_SOCKET": folder.file("none.sock")].merging(variables) { $1 })
    }
    let named = try await assay(["ASSAY_URL": url, "ASSAY_TOKEN_FILE": file])
    #expect(named.status == 0, "\(named.errors)")
    let unnamed = try await assay(["ASSAY_URL": url])
    #expect(unnamed.status == 2 && unnamed.errors.contains("ASSAY_TOKEN_FILE"))
    await local.shutdown()
    try await daemon.stop()
    // The token stays the same, unless others can read it.
    chmod(file, 0o644)
    let refused = try await Programs.run(
      Programs.path("assayd"), ["--background", "--listen", "127.0.0.1:\(port)"],
      environment: ["ASSAY_SOCKET": daemon.socket, "ASSAY_DATA": daemon.data])
    #expect(refused.status == 1 && refused.errors.contains("open to other users"))
  }

  private static func freePort() throws -> Int {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 ? getsockname(descriptor, $0, &length) : -1
      }
    }
    try #require(result == 0)
    return Int(UInt16(bigEndian: address.sin_port))
  }
}

/// Looks at all below some folders again and again, on a thread of its own.
private final class ModeSampler: Sendable {
  private struct State {
    var rounds = 0
    var open: Set<String> = []
    var isOver = false
  }

  private let state = Mutex(State())

  init(_ folders: [String]) {
    Thread.detachNewThread { [self] in
      while !state.withLock({ $0.isOver }) {
        var open: [String] = []
        for folder in folders { Self.look(folder, &open) }
        state.withLock { state in
          state.rounds += 1
          state.open.formUnion(open)
        }
        usleep(500)
      }
    }
  }

  func stop() -> (rounds: Int, open: Set<String>) {
    state.withLock { state in
      state.isOver = true
      return (state.rounds, state.open)
    }
  }

  private static func look(_ path: String, _ open: inout [String]) {
    // Also of what goes away at this moment.
    guard let facts = try? FileManager.default.attributesOfItem(atPath: path),
      let kind = facts[.type] as? FileAttributeType, kind != .typeSymbolicLink,
      let mode = (facts[.posixPermissions] as? NSNumber)?.uint32Value
    else { return }
    if mode & 0o077 != 0 { open.append("\(path) \(String(mode, radix: 8))") }
    guard kind == .typeDirectory else { return }
    for name in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] {
      look(path + "/" + name, &open)
    }
  }
}
