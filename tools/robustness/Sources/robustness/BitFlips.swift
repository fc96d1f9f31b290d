// Flips single bits in the database's file. In the content of checkpoints and artifacts each must be
// noticed when the thing is read, and by the doctor, who name the run and the thing; what is not
// damaged is read as before. Anywhere else a flip may cost an answer, but never crash the daemon.
import BenchSupport
import Checkpoints
import Foundation

enum BitFlips {
  /// Flips that are looked at together; each of its own things.
  private static let perBatch = 100

  static func run(_ options: Options, _ figures: inout Figures) throws {
    let rounds = options.rounds(quick: 40, full: 1_000)
    let findings = Findings()
    var random = Random(seed: options.seed)
    try content(options, findings, flips: rounds, &random, &figures)
    try StrayFlips.run(options, findings, flips: rounds, &random, &figures)
  }

  struct Flip: Sendable, CustomStringConvertible {
    let chunk: FlipStore.Chunk
    /// In the file.
    let offset: Int
    let bit: UInt8

    var description: String { "bit \(bit) of byte \(offset), chunk \(chunk.id)" }
  }

  private static func content(
    _ options: Options, _ findings: Findings, flips: Int, _ random: inout Random,
    _ figures: inout Figures
  ) throws {
    let store = try FlipStore(options, &random)
    defer { store.place.remove() }
    let bytes = store.chunks.reduce(0) { $0 + $1.data.count }
    say("\(store.things.count) things, \(store.chunks.count) chunks of \(bytes) bytes")
    var detected = 0
    var harmless = 0
    var made = 0
    while made < flips {
      let batch = try choose(store, min(perBatch, flips - made), &random)
      let outcome = try Batch(store, batch, findings).run()
      made += batch.count
      detected += outcome.detected
      harmless += outcome.harmless
      say("\(made) flips in content, \(detected) detected, \(findings.total) findings")
    }
    figures.add("content_flips", Double(made), unit: "", goal: "", holds: nil)
    figures.add(
      "detected_by_reader_and_doctor", Double(detected), unit: "flips",
      goal: "all that change content", holds: detected == made - harmless)
    // The compression's format has a few bits that mean nothing: what is read is right.
    figures.add(
      "without_effect", Double(harmless) / Double(made), unit: "of flips", goal: "< 0.02",
      holds: harmless * 50 < made)
    for (name, kind) in [
      ("wrong_bytes_given_out", "wrong bytes"), ("unnamed_by_reader", "reader"),
      ("unnamed_by_doctor", "doctor"), ("innocents_accused", "innocent"),
      ("content_crashes", "exit"),
    ] {
      let found = findings.count(kind)
      figures.add(name, Double(found), unit: "", goal: "0", holds: found == 0)
    }
  }

  /// Bits of all bytes alike, no two of which damage the same thing.
  private static func choose(
    _ store: FlipStore, _ count: Int, _ random: inout Random
  ) throws -> [Flip] {
    let total = store.chunks.reduce(0) { $0 + $1.data.count }
    var flips: [Flip] = []
    var taken: Set<Int> = []
    for _ in 0..<count * 4 where flips.count < count {
      var byte = random.number(0...total - 1)
      let bit = UInt8(random.number(0...7))
      for chunk in store.chunks {
        if byte >= chunk.data.count {
          byte -= chunk.data.count
          continue
        }
        guard taken.isDisjoint(with: chunk.users) else { break }
        guard let offset = store.offset(of: byte, in: chunk) else { break }
        taken.formUnion(chunk.users)
        flips.append(Flip(chunk: chunk, offset: offset, bit: bit))
        break
      }
    }
    guard !flips.isEmpty else { throw Trouble("no place for a flip was found") }
    return flips
  }
}

/// A daemon on a file with some flipped bits, what it gives out, and what its doctor says.
private struct Batch {
  private struct Name: Hashable {
    let run: Int64
    let thing: String
  }

  private enum Answer {
    case right
    case wrong
    /// With the code and the message.
    case refused(String, String)
    /// Nobody can read it yet.
    case hidden
  }

  private let store: FlipStore
  private let flips: [BitFlips.Flip]
  private let findings: Findings

  init(_ store: FlipStore, _ flips: [BitFlips.Flip], _ findings: Findings) {
    self.store = store
    self.flips = flips
    self.findings = findings
  }

  func run() throws -> (detected: Int, harmless: Int) {
    var bytes = store.file
    for flip in flips { bytes[flip.offset] ^= 1 << flip.bit }
    try Data(bytes).write(to: URL(fileURLWithPath: store.place.database))
    let daemon = try DaemonProcess(store.place)
    let connection = HTTPConnection(store.place.socket)
    let answers = try store.things.map { try answer($0, connection) }
    let accused = try StoreCheck.problems(store.place)
    let exit = daemon.stop()
    if exit != .code(0) {
      findings.add("exit", "\(String(describing: exit)): \(store.place.logTail)")
    }
    return compare(answers, accused)
  }

  private func answer(_ thing: FlipStore.Thing, _ connection: HTTPConnection) throws -> Answer {
    if thing.isHidden { return .hidden }
    let reply = try connection.get(thing.path)
    guard reply.isSuccess else {
      let error = try reply.object()["error"] as? [String: Any]
      return .refused(reply.errorCode ?? "no code", error?["message"] as? String ?? "")
    }
    return ContentHash.sha256Hex(reply.body) == thing.sha256 ? .right : .wrong
  }

  private func compare(
    _ answers: [Answer], _ accused: [StoreCheck.Problem]
  ) -> (detected: Int, harmless: Int) {
    let named = Set(
      accused.compactMap { problem in problem.run.map { Name(run: $0, thing: problem.thing) } })
    var isDamaged = [Bool](repeating: false, count: store.things.count)
    var detected = 0
    var harmless = 0
    for flip in flips {
      let users = flip.chunk.users
      let hasEffect = users.contains { user in
        switch answers[user] {
        case .right, .hidden: false
        case .wrong, .refused: true
        }
      }
      guard hasEffect else {
        harmless += 1
        continue
      }
      for user in users { isDamaged[user] = true }
      if users.map({ isDetected(flip, $0, answers[$0], named) }).allSatisfy({ $0 }) {
        detected += 1
      }
    }
    innocents(answers, accused, isDamaged)
    return (detected, harmless)
  }

  /// By the reader, if there can be one, and by the doctor.
  private func isDetected(
    _ flip: BitFlips.Flip, _ user: Int, _ answer: Answer, _ named: Set<Name>
  ) -> Bool {
    let thing = store.things[user]
    let isNamed = named.contains(Name(run: thing.run, thing: thing.name))
    if !isNamed {
      findings.add("doctor", "\(flip): it does not name \(thing.name) of run \(thing.run)")
    }
    switch answer {
    case .hidden: return isNamed
    case .right:
      findings.add("reader", "\(flip): \(thing.path) is read as if nothing were")
    case .wrong:
      findings.add("wrong bytes", "\(flip): \(thing.path)")
    case .refused(let code, let message):
      if isRefusal(code, message, of: thing) { return isNamed }
      findings.add("reader", "\(flip): \(thing.path), \(thing.name): \(code): \(message)")
    }
    return false
  }

  /// It says what kind of thing is damaged, which one, and whose.
  private func isRefusal(_ code: String, _ message: String, of thing: FlipStore.Thing) -> Bool {
    ["checkpoint_damaged", "artifact_damaged"].contains(code)
      && message.contains("run \(thing.run)") && message.contains(thing.name)
  }

  private func innocents(
    _ answers: [Answer], _ accused: [StoreCheck.Problem], _ isDamaged: [Bool]
  ) {
    var guilty: Set<Name> = []
    for (index, thing) in store.things.enumerated() {
      if isDamaged[index] {
        guilty.insert(Name(run: thing.run, thing: thing.name))
      } else if case .refused(let code, let message) = answers[index] {
        findings.add("innocent", "\(thing.path): \(code): \(message)")
      } else if case .wrong = answers[index] {
        findings.add("wrong bytes", "no flip, but \(thing.path)")
      }
    }
    for problem in accused {
      guard let run = problem.run, guilty.contains(Name(run: run, thing: problem.thing)) else {
        findings.add("innocent", "the doctor: \(problem)")
        continue
      }
    }
  }
}
