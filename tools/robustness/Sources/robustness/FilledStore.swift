// A store with some of everything, made through the daemon.

enum FilledStore {
  private static let writes = 6

  /// Leaves the place with its daemon stopped.
  static func fill(_ place: Place, _ ledger: Ledger, seed: UInt64) throws {
    let daemon = try DaemonProcess(place)
    var random = Random(seed: seed)
    let connection = HTTPConnection(place.socket)
    for maker: any WriteMaker in [
      PointMaker(.columns(200), Random(seed: random.next())),
      RunMaker(Random(seed: random.next())), ContentMaker(Random(seed: random.next())),
    ] {
      for _ in 0..<writes { try ledger.acknowledge(send(maker, connection)) }
    }
    // Something to collect: a deleted run with content.
    let doomed = ContentMaker(Random(seed: random.next()))
    for _ in 0..<4 { _ = try send(doomed, connection) }
    if let run = doomed.run {
      _ = try connection.send(Request("PATCH", "/runs/\(run)", json: "{\"deleted\": true}"))
    }
    _ = daemon.stop()
  }

  /// One write, which must succeed.
  static func send(_ maker: any WriteMaker, _ connection: HTTPConnection) throws -> Ledger.Fact {
    var replies: [HTTPConnection.Reply] = []
    for request in try maker.next() {
      let reply = try connection.send(request)
      guard reply.isSuccess else { throw Trouble("\(request.path): \(reply.text)") }
      replies.append(reply)
    }
    return try maker.acknowledged(replies)
  }
}
