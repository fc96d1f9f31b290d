// One small disk with a store, filled and given room again.
import Checkpoints
import Foundation
import GRDB

final class DiskRound {
  /// Who takes the space: a file beside the store; the store itself; or half of it a file, and the
  /// store the rest while somebody reads, so that far more waits in the write-ahead log than there
  /// is room for in the database.
  enum Filler: CaseIterable, Sendable { case foreign, own, ownLog }

  /// Seconds that each write took until it was refused.
  private(set) var refusals: [Double] = []
  /// Seconds from the space's return to the first write.
  private(set) var resumptions: [Double] = []

  private let findings: Findings
  private var place: Place
  private let disk: ScratchDisk
  private let daemon: DaemonProcess
  private let connection: HTTPConnection
  private let ledger = Ledger()
  private let crew: WriterCrew
  /// What is written, by name, and a run with much content that will be removed.
  private let makers: [(name: String, maker: any WriteMaker)]
  private let doomed: ContentMaker
  private let bulk: ContentMaker
  private let refusalsPerMaker = 8

  init(_ options: Options, _ findings: Findings, megabytes: Int, _ random: inout Random) throws {
    self.findings = findings
    place = try Place(programs: options.programs)
    disk = try ScratchDisk.memory(place.base, megabytes: megabytes)
    place.data = disk.mountPoint + "/data"
    daemon = try DaemonProcess(place)
    connection = HTTPConnection(place.socket)
    crew = WriterCrew(
      place, ledger: ledger, findings: findings, tolerated: ["disk_full"], pause: 0...20_000)
    makers = [
      ("a point", PointMaker(.single, Random(seed: random.next()))),
      ("points as rows", PointMaker(.rows(40), Random(seed: random.next()))),
      ("points in columns", PointMaker(.columns(2_000), Random(seed: random.next()))),
      ("points as bytes", PointMaker(.binary(2_000), Random(seed: random.next()))),
      ("runs", RunMaker(Random(seed: random.next()))),
      ("jobs", JobMaker(Random(seed: random.next()))),
      ("content", ContentMaker(Random(seed: random.next()))),
    ]
    doomed = ContentMaker(words: 60_000, Random(seed: random.next()))
    bulk = ContentMaker(words: 60_000, Random(seed: random.next()))
    before = random.number(2...40)
    crewSeeds = (0..<3).map { _ in random.next() }
  }

  private let before: Int
  private let crewSeeds: [UInt64]

  var logTail: String { place.logTail }

  func run(_ filler: Filler) throws {
    for (_, maker) in makers { for _ in 0..<3 { try acknowledged(maker) } }
    for _ in 0..<before { try acknowledged(doomed) }
    crew.start(seed: crewSeeds[0]) { PointMaker(.single, $0) }
    crew.start(seed: crewSeeds[1]) { PointMaker(.columns(200), $0) }
    crew.start(seed: crewSeeds[2]) { RunMaker($0) }
    let foreign = disk.mountPoint + "/somebody-else"
    switch filler {
    case .foreign: try fill(foreign)
    case .own: while try write(bulk) == nil {}
    case .ownLog:
      try fill(foreign, upTo: 32 << 20)
      let reader = try DatabaseQueue(path: place.database)
      try reader.inDatabase { db in
        try db.execute(sql: "BEGIN; SELECT count(*) FROM runs")
        while try write(bulk) == nil {}
        try db.execute(sql: "COMMIT")
      }
      try reader.close()
      say("\(Files.size(place.database + "-wal") >> 20) MiB of write-ahead log")
    }
    // What is left, whoever has taken most.
    try refuseAll()
    if filler == .foreign { try fill(foreign) }
    try readAll()
    try refuseAll()
    try remove(doomed)
    try readAll()
    switch filler {
    case .foreign, .ownLog: resume { unlink(foreign) }
    case .own:
      resume { try? self.remove(self.bulk) }  // a refusal is a finding already
    }
    for (name, maker) in makers {
      for _ in 0..<3 {
        if let refusal = try write(maker) {
          findings.add("resumption", "\(name), with room again: \(refusal)")
        }
      }
    }
    if !crew.finish() { findings.add("silence", "the writers did not finish: \(logTail)") }
    try readAll()
  }

  /// Stops the daemon and compares.
  func end(keeps: Bool) throws {
    if !crew.leave() { findings.add("silence", "the writers did not leave: \(logTail)") }
    if daemon.hasEnded { findings.add("exit", "it ended by itself: \(logTail)") }
    let exit = daemon.stop()
    if exit != .code(0) { findings.add("exit", "after SIGTERM: \(String(describing: exit))") }
    place.endWorkers()
    findings.add("doctor", try StoreCheck.doctor(place))
    findings.add("doctor", try StoreCheck.sqlite(place.database))
    let check = try LedgerCheck(database: place.database, ledger.contents, isExact: true)
    findings.add("missing", check.missing)
    findings.add("doubled", check.surplus)
    if keeps {
      // The mount goes with this process.
      let kept = place.base + "/kept"
      try Files.copy(place.data, to: kept)
      return say("kept: \(kept)")
    }
    try disk.unmount()
    place.remove()
  }

  // MARK: Writing

  private func acknowledged(_ maker: any WriteMaker) throws {
    if let refusal = try write(maker) { throw Trouble("with room on the disk: \(refusal)") }
  }

  /// - Returns: the refusal's code; nil if it was acknowledged.
  private func write(_ maker: any WriteMaker) throws -> String? {
    var replies: [HTTPConnection.Reply] = []
    for request in try maker.next() {
      let begin = Moment.now
      let reply = try connection.send(request)
      guard reply.isSuccess else {
        let code = reply.errorCode ?? "no code"
        if code == "disk_full" {
          refusals.append(Moment.now - begin)
        } else {
          findings.add(
            "unexpected", "\(request.method) \(request.path): \(reply.status) \(reply.text)")
        }
        return code
      }
      replies.append(reply)
    }
    ledger.acknowledge(try maker.acknowledged(replies))
    return nil
  }

  /// Writes of every kind until none of them finds room any more, and then some.
  private func refuseAll() throws {
    for (name, maker) in makers {
      // A small write may still find a free page.
      var refused = 0
      var tries = 0
      while refused < refusalsPerMaker, tries < 2_000 {
        if try write(maker) != nil { refused += 1 }
        tries += 1
      }
      if refused < refusalsPerMaker {
        findings.add("never refused", "\(name): \(refused) of \(tries) on a full disk")
      }
    }
  }

  /// To the last byte; it may be full of itself from before.
  private func fill(_ path: String, upTo limit: Int = .max) throws {
    let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw Trouble("cannot write \(path)") }
    defer { close(file) }
    for size in [256 << 10, 4_096] {
      let bytes = [UInt8](repeating: 0x5A, count: size)
      while Int(lseek(file, 0, SEEK_END)) + size <= limit, Glibc.write(file, bytes, size) == size {}
    }
  }

  private func resume(_ makeRoom: () -> Void) {
    makeRoom()
    let start = Moment.now
    while Moment.now - start < 20 {
      if (try? write(makers[0].maker)) == .some(nil) {
        return resumptions.append(Moment.now - start)
      }
      usleep(5_000)
    }
    findings.add("resumption", "no write for 20 s after there was room again: \(logTail)")
  }

  // MARK: Deleting and reading

  /// For good, and collects what it has left.
  private func remove(_ maker: ContentMaker) throws {
    guard let run = maker.run else { throw Trouble("there is no run to remove") }
    for request in [Request("DELETE", "/runs/\(run)"), Request("POST", "/gc?now=true")] {
      let reply = try connection.send(request)
      guard reply.isSuccess else {
        return findings.add("deletion", "\(request.method) \(request.path): \(reply.text)")
      }
    }
    ledger.forget(run: run)
    let reply = try connection.get("/runs/\(run)")
    if reply.isSuccess { findings.add("deletion", "run \(run) is still there") }
  }

  /// Everything that only this round writes.
  private func readAll() throws {
    let known = ledger.contents
    func expect(_ path: String, _ isRight: (HTTPConnection.Reply) throws -> Bool) throws {
      let reply = try connection.get(path)
      guard try reply.isSuccess && isRight(reply) else {
        return findings.add("read", "\(path): \(reply.status) \(reply.text.prefix(300))")
      }
    }
    try expect("/runs") { _ in true }
    try expect("/status") { _ in true }
    for run in known.runs.values { try expect("/runs/\(run)/detail") { _ in true } }
    for (series, points) in known.points {
      // The crew writes meanwhile.
      try expect("/runs/\(series.run)/metrics/\(series.key)") { reply in
        (try reply.object()["steps"] as? [Any])?.count ?? 0 >= points.count
      }
    }
    for (place, sha256) in known.artifacts {
      try expect("/runs/\(place.run)/artifacts/\(place.name)") {
        ContentHash.sha256Hex($0.body) == sha256
      }
    }
    for (place, sha256) in known.checkpoints {
      try expect("/runs/\(place.run)/checkpoints/\(place.name)/file") {
        ContentHash.sha256Hex($0.body) == sha256
      }
    }
  }
}
