// One migration, on a database that it is the next for.
import Foundation

struct MigrationStep: Sendable {
  struct Outcome: Sendable {
    /// Kills between the beginning and the end of the migration, and how many left the old schema.
    var inside = 0
    var old = 0
    /// Kills that came too early or too late.
    var outside = 0
  }

  private static let everyKind: Int64 = 1 | 2 | 4 | 8 | 16 | 32
  private static let triesPerKill = 20

  let name: String
  /// All up to this one.
  let migrations: [String]
  /// The database before it.
  let before: String
  let options: Options

  static func clear(_ place: Place) throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: place.data) {
      try FileManager.default.removeItem(atPath: place.data + "/" + name)
    }
  }

  /// To its end.
  /// - Parameter name: the migration to end with; nil for the newest.
  static func migrate(_ place: Place, to name: String?) throws {
    let result = try ChildProcess.run(
      place.program("assayd"),
      ["migrate", "--data", place.data] + (name.map { ["--to", $0] } ?? []),
      output: place.base + "/migrate.out")
    guard result.exit == .code(0) else { throw Trouble("assayd migrate: \(result.output)") }
  }

  func run(kills: Int, _ findings: Findings, _ random: Random) throws -> Outcome {
    var random = random
    let place = try Place(programs: options.programs)
    defer { place.remove() }
    guard mkdir(place.data, 0o700) == 0 else { throw Trouble("cannot make \(place.data)") }
    let control = try FaultControl(place)
    try reset(place)
    let old = try SchemaState(place.database)
    let seconds = try undisturbed(place, control)
    let calls = Int(control.calls)
    let new = try SchemaState(place.database, columns: old.columns)
    findings.add(name, old.differences(to: new))
    try reset(place)
    var outcome = Outcome()
    while outcome.inside < kills, outcome.inside + outcome.outside < kills * Self.triesPerKill {
      let isInside =
        random.oneIn(2)
        ? try kill(place, after: seconds * Double(random.number(0...1_000)) / 1_000)
        : try kill(place, inCall: random.number(1...calls), control)
      guard isInside else {
        outcome.outside += 1
        if try SchemaState.migrations(place.database) == migrations { try reset(place) }
        continue
      }
      outcome.inside += 1
      if try look(place, old, new, findings, &random) { outcome.old += 1 }
    }
    return outcome
  }

  private func reset(_ place: Place) throws {
    try Self.clear(place)
    try Files.copy(before, to: place.database)
  }

  /// - Returns: whether it is the old schema.
  private func look(
    _ place: Place, _ old: SchemaState, _ new: SchemaState, _ findings: Findings,
    _ random: inout Random
  ) throws -> Bool {
    // Half of the time SQLite brings the file in order first, half of the time Assay.
    let doctorsFirst = random.oneIn(2)
    if doctorsFirst { findings.add(name, try complaints(place)) }
    let found = try SchemaState(place.database, columns: old.columns)
    let isOld = found.migrations == old.migrations
    let expected = isOld ? old : new
    if found.migrations != expected.migrations { findings.add(name, "\(found.migrations)") }
    if found.schema != expected.schema {
      findings.add(name, "the schema is neither the old nor the new: \(found.schema)")
    }
    findings.add(name, old.differences(to: found))
    findings.add(name, found.problems)
    if !doctorsFirst { findings.add(name, try complaints(place)) }
    if isOld, random.oneIn(4) {
      try Self.migrate(place, to: name)
      let after = try SchemaState(place.database, columns: old.columns)
      if after.schema != new.schema { findings.add(name, "after the next try: \(after.schema)") }
      findings.add(name, old.differences(to: after) + after.problems)
      try reset(place)
    } else if !isOld {
      try reset(place)
    }
    return isOld
  }

  /// Of the doctor's, all but that a schema is not the newest.
  private func complaints(_ place: Place) throws -> [String] {
    try StoreCheck.doctor(place).filter { !$0.hasPrefix("schema_old") }
  }

  // MARK: One life of the program

  private func start(_ place: Place, _ control: FaultControl?) throws -> ChildProcess {
    unlink(output(place))
    return try ChildProcess(
      place.program("assayd"), ["migrate", "--data", place.data, "--to", name],
      environment: control?.environment(place) ?? [:], output: output(place))
  }

  private func output(_ place: Place) -> String { place.base + "/migrate.out" }

  private func said(_ word: String, _ place: Place) -> Bool {
    guard let bytes = FileManager.default.contents(atPath: output(place)) else { return false }
    return String(decoding: bytes, as: UTF8.self).contains("\(word) \(name)\n")
  }

  /// - Returns: false if the program has ended before.
  private func waits(for word: String, _ place: Place, _ process: ChildProcess) -> Bool {
    while !said(word, place) {
      if process.wait(seconds: 0) != nil { return said(word, place) }
      usleep(20)
    }
    return true
  }

  /// - Returns: how long the migration takes, from its first word to its last.
  private func undisturbed(_ place: Place, _ control: FaultControl) throws -> Double {
    control.count(Self.everyKind)
    let process = try start(place, control)
    guard waits(for: "applying", place, process) else { throw Trouble("\(name) did not begin") }
    let begin = Moment.now
    guard waits(for: "applied", place, process) else {
      throw Trouble("\(name): \(try Files.text(output(place)))")
    }
    let seconds = Moment.now - begin
    guard process.wait(seconds: 60) == .code(0) else { throw Trouble("\(name) ended badly") }
    return seconds
  }

  private func kill(_ place: Place, after seconds: Double) throws -> Bool {
    let process = try start(place, nil)
    guard waits(for: "applying", place, process) else { throw Trouble("\(name) did not begin") }
    let end = Moment.now + seconds
    // A sleep of less than a tenth of a millisecond takes longer than it says.
    while Moment.now < end { if end - Moment.now > 0.000_2 { usleep(50) } }
    process.kill()
    return isInside(place, process)
  }

  private func kill(_ place: Place, inCall number: Int, _ control: FaultControl) throws -> Bool {
    control.armKill(which: Int64(number))
    let process = try start(place, control)
    if process.wait(seconds: 60) == nil {
      process.kill()
      throw Trouble("\(name) hangs")
    }
    return isInside(place, process)
  }

  private func isInside(_ place: Place, _ process: ChildProcess) -> Bool {
    process.wait(seconds: 0) == .signal(SIGKILL) && said("applying", place)
      && !said("applied", place)
  }
}
