// Clients that send a header or a body one byte at a time, or ask and never read the answer. Each
// must be sent away within half a minute, and nobody else may notice.
import BenchSupport
import Foundation

enum SlowClients {
  private static let patience = 30.0

  private enum Kind: Int, CaseIterable {
    case dripsHeader, dripsBody, dripsChunks, dripsAfterAnswer, readsNothing, readsNothingLarge
    case saysNothing
  }

  private final class Client {
    let kind: Kind
    let socket: RawSocket
    let begun = Moment.now
    private var rest: ArraySlice<UInt8>
    private var next: Double
    private let pause: Double
    private(set) var closedAfter: Double?

    init(_ kind: Kind, _ place: Place, _ random: inout Random) throws {
      self.kind = kind
      socket = try RawSocket(place.socket)
      pause = Double(random.number(100...1_000)) / 1_000
      next = Moment.now + pause
      let (atOnce, dripped) = Self.content(kind)
      _ = socket.send(Array(atOnce.utf8))
      rest = Array(dripped.utf8)[...]
    }

    /// What is sent at once, and what follows byte by byte.
    private static func content(_ kind: Kind) -> (String, String) {
      let post = "POST /api/v1/runs HTTP/1.1\r\nHost: assay\r\nContent-Type: application/json\r\n"
      let filler = String(repeating: "x", count: 10_000)
      return switch kind {
      case .dripsHeader: ("", "GET /api/v1/health HTTP/1.1\r\nHost: assay\r\nX-Filler: \(filler)")
      case .dripsBody: (post + "Content-Length: 10000\r\n\r\n", filler)
      case .dripsChunks: (post + "Transfer-Encoding: chunked\r\n\r\n2710\r\n", filler)
      case .dripsAfterAnswer:
        // Answered at once, since nobody has such a run; its body still comes.
        ("POST /api/v1/nothing HTTP/1.1\r\nHost: assay\r\nContent-Length: 10000\r\n\r\n", filler)
      case .readsNothing: ("GET /api/v1/health HTTP/1.1\r\nHost: assay\r\n\r\n", "")
      case .readsNothingLarge:
        (
          String(
            repeating: "GET /api/v1/schemas/openapi HTTP/1.1\r\nHost: assay\r\n\r\n", count: 20), ""
        )
      case .saysNothing: ("", "")
      }
    }

    /// Goes on; to be called often.
    func step() {
      guard closedAfter == nil else { return }
      let now = Moment.now
      if socket.isHungUp { return closedAfter = now - begun }
      guard now >= next, let byte = rest.popFirst() else { return }
      next = now + pause
      if case .end = socket.send([byte]) { closedAfter = now - begun }
    }
  }

  static func run(_ options: Options, _ figures: inout Figures) throws {
    let count = options.rounds(quick: 70, full: 500)
    var random = Random(seed: options.seed, stream: 1)
    let findings = Findings()
    let place = try Place(programs: options.programs)
    defer { place.remove() }
    let daemon = try DaemonProcess(place)
    let honest = HonestClients.usual(place, findings: findings)
    Moment.sleep(options.quick ? 1 : 5)
    let before = honest.end()

    let crowded = HonestClients.usual(place, findings: findings)
    var clients: [Client] = []
    for number in 0..<count {
      let kind = Kind.allCases[number % Kind.allCases.count]
      clients.append(try Client(kind, place, &random))
    }
    let end = Moment.now + patience + 15
    while Moment.now < end, clients.contains(where: { $0.closedAfter == nil }) {
      for client in clients { client.step() }
      usleep(10_000)
    }
    let during = crowded.end()
    if daemon.hasEnded { findings.add("exit", "the daemon has ended: \(place.logTail)") }
    let exit = daemon.stop()
    if exit != .code(0) { findings.add("exit", "after SIGTERM: \(String(describing: exit))") }

    var slowest = 0.0
    var late = 0
    for kind in Kind.allCases {
      let own = clients.filter { $0.kind == kind }.map { $0.closedAfter ?? .infinity }
      let worst = own.max() ?? 0
      say("\(own.count) × \(kind): the last one closed after \(Figures.rounded(worst)) s")
      slowest = max(slowest, worst)
      late += own.count { $0 > patience }
    }
    figures.add("slow_clients", Double(count), unit: "", goal: "", holds: nil)
    figures.add(
      "slow_clients_closed_after", slowest, unit: "s", goal: "<= 30", holds: slowest <= patience)
    figures.add("slow_clients_left", Double(late), unit: "", goal: "0", holds: late == 0)
    let p99 = HonestClients.percentile(0.99, of: during) * 1_000
    figures.add(
      "honest_p99_alone", HonestClients.percentile(0.99, of: before) * 1_000, unit: "ms", goal: "",
      holds: nil)
    figures.add("honest_requests", Double(during.count), unit: "", goal: "", holds: nil)
    figures.add(
      "honest_p99_beside_slow", p99, unit: "ms", goal: "<= 20",
      holds: options.quick ? nil : p99 <= 20)
    for (name, kind) in [("honest_failures", "honest"), ("slow_unexpected_ends", "exit")] {
      let number = findings.count(kind)
      figures.add(name, Double(number), unit: "", goal: "0", holds: number == 0)
    }
  }
}
