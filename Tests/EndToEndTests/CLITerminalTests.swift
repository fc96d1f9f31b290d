import Foundation
import Testing

/// Following on a terminal, and Ctrl-C.
@Suite struct CLITerminalTests {
  @Test(arguments: [40, 80, 200]) func theLiveLineFitsTheTerminal(_ columns: Int) async throws {
    let daemon = try CannedDaemon()
    defer { daemon.close() }
    try daemon.folder.write("spec.yaml", CLISpecs.good)
    let terminal = try PseudoTerminal(columns: columns)
    let process = try Self.start(["submit", "spec.yaml", "--follow"], daemon, terminal.slave)
    let text = try await terminal.readToEnd(of: process)
    #expect(process.terminationStatus == 0)
    #expect(text.contains("\u{1B}[J"), "the line is drawn over itself")
    let lines = text.replacing(/\u{1B}\[\d*[A-Za-z]/, with: "").split { $0.isNewline }
    let live = lines.filter { $0.contains("run 1") && $0.contains("━") }
    #expect(!live.isEmpty)
    #expect(live.allSatisfy { $0.count <= columns }, "\(live)")
    #expect(live.last?.contains("10/10") == true)
    #expect(lines.contains { $0.hasPrefix("finished in 0.5 s") })
  }

  /// Of a short job there is no progress report at all, only its epochs and its end.
  @Test(arguments: [40, 100, 200]) func aFastJobKeepsItsLineToo(_ columns: Int) async throws {
    let daemon = try CannedDaemon(changes: ["GET /jobs/1/follow": "fast-follow-1.sse"])
    defer { daemon.close() }
    try daemon.folder.write("spec.yaml", CLISpecs.good)
    let terminal = try PseudoTerminal(columns: columns)
    let process = try Self.start(["submit", "spec.yaml", "--follow"], daemon, terminal.slave)
    let text = try await terminal.readToEnd(of: process)
    let lines = text.replacing(/\u{1B}\[\d*[A-Za-z]/, with: "").split { $0.isNewline }
    let end = try #require(lines.firstIndex { $0.hasPrefix("finished in") })
    let last = try #require(end > 0 ? lines[end - 1] : nil)
    #expect(last.contains("━━━━ 10/10  loss 0.20"))
    #expect(last.count <= columns)
    if columns >= 100 { #expect(last.contains("val_loss 0.30")) }
  }

  @Test func theBarShrinksBeforeTheNumbersGo() async throws {
    let daemon = try CannedDaemon()
    defer { daemon.close() }
    try daemon.folder.write("spec.yaml", CLISpecs.good)
    let terminal = try PseudoTerminal(columns: 100)
    let process = try Self.start(["submit", "spec.yaml", "--follow"], daemon, terminal.slave)
    let text = try await terminal.readToEnd(of: process)
    let lines = text.replacing(/\u{1B}\[\d*[A-Za-z]/, with: "").split { $0.isNewline }
    let last = try #require(lines.last { $0.contains("10/10") })
    for part in ["loss 0.20", "val_loss 0.30", "samples/s"] { #expect(last.contains(part)) }
  }

  @Test func ctrlCLeavesTheJobRunningAndSaysHowToCancel() async throws {
    let daemon = try CannedDaemon(changes: ["GET /jobs/1/follow": "open-follow-1.sse"])
    defer { daemon.close() }
    try daemon.folder.write("spec.yaml", CLISpecs.good)
    let output = try daemon.folder.open("output")
    let errors = try daemon.folder.open("errors")
    let process = try Self.start(
      ["submit", "spec.yaml", "--follow"], daemon, output, errors: errors)
    try await eventually("the first epoch is shown") {
      try daemon.folder.read("output").contains("epoch 1/10")
    }
    kill(process.processIdentifier, SIGINT)
    try await eventually("it has ended") { !process.isRunning }
    #expect(process.terminationReason == .exit)
    #expect(process.terminationStatus == 130)
    #expect(
      try daemon.folder.read("errors")
        == "job 1 goes on; see assay jobs, or cancel with: assay cancel 1\n")
    #expect(!daemon.bodies.contains { $0.contains("cancel") })
  }

  private static func start(
    _ arguments: [String], _ daemon: CannedDaemon, _ output: FileHandle, errors: FileHandle? = nil
  ) throws -> Process {
    let process = Process()
    process.executableURL = URL(filePath: Programs.path("assay"))
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging([
      "ASSAY_SOCKET": daemon.socketPath, "TERM": "xterm", "TZ": "UTC",
    ]) { $1 }
    process.currentDirectoryURL = URL(filePath: daemon.folder.path)
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = errors ?? output
    try process.run()
    return process
  }
}

/// A terminal that nobody sits at.
struct PseudoTerminal {
  let slave: FileHandle
  private let master: Int32

  // `posix_openpt` and its kin are not visible to Swift; these are what they call. The requests are
  // TIOCSPTLCK (unlock) and TIOCGPTN (the number of the other end) of <asm-generic/ioctls.h>.
  private static let unlock: UInt = 0x4004_5431
  private static let number: UInt = 0x8004_5430

  init(columns: Int) throws {
    master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK)
    var zero: Int32 = 0
    var index: UInt32 = 0
    guard master >= 0, ioctl(master, Self.unlock, &zero) == 0,
      ioctl(master, Self.number, &index) == 0
    else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    let descriptor = open("/dev/pts/\(index)", O_RDWR | O_NOCTTY)
    guard descriptor >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    slave = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    var size = winsize(ws_row: 24, ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
    guard ioctl(descriptor, UInt(TIOCSWINSZ), &size) == 0 else {
      throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
    }
  }

  /// All that is shown until the process has ended.
  func readToEnd(of process: Process) async throws -> String {
    defer { close(master) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4_096)
    try await eventually("the command has ended") {
      let hasEnded = !process.isRunning
      while true {
        let count = read(master, &piece, piece.count)
        guard count > 0 else { break }
        bytes += piece[..<count]
      }
      return hasEnded
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
