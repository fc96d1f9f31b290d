// Kills `assayd migrate` inside each migration, again and again, on a database of the schema before
// it that was made large enough to be caught in the middle: half of the time at a random instant,
// half of the time in one of its calls to the system. A kill counts only if it came after the
// program's word that it begins with the migration and before its word that it is done. What is left
// is the schema before or after, exactly, with all data.
import BenchSupport
import Dispatch
import Foundation
import Synchronization

enum Migrations {
  /// How many times as many series the database has.
  private static func growth(_ options: Options) -> Int { options.quick ? 2 : 10 }

  static func run(_ options: Options, _ figures: inout Figures) throws {
    let rounds = options.rounds(quick: 5, full: 100)
    let fixtures = try Fixtures.schemas()
    let findings = Findings()
    for fixture in fixtures { findings.add("fixture", try whole(fixture, options)) }
    guard let oldest = fixtures.first else { throw Trouble("there is no database to begin with") }
    let place = try Place(programs: options.programs)
    defer { place.remove() }
    let steps = try steps(from: oldest, in: place, options)
    let results = Mutex<[Int: Result<MigrationStep.Outcome, any Error>]>([:])
    let next = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: min(options.jobs, steps.count)) { _ in
      while true {
        let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard number < steps.count else { return }
        let random = Random(seed: options.seed, stream: number)
        let result = Result { try steps[number].run(kills: rounds, findings, random) }
        results.withLock { $0[number] = result }
        if let outcome = try? result.get() {
          say(
            "\(steps[number].name): \(outcome.inside) kills inside, \(outcome.outside) outside; "
              + "\(outcome.old) left the schema before it")
        }
      }
    }
    for (number, step) in steps.enumerated() {
      let label = step.name.replacing(".sql", with: "")
      guard let outcome = try results.withLock({ $0[number] })?.get() else { continue }
      figures.add(
        "kills_inside_\(label)", Double(outcome.inside), unit: "", goal: ">= \(rounds)",
        holds: outcome.inside >= rounds)
      figures.add(
        "left_old_of_\(label)", Double(outcome.old), unit: "", goal: "", holds: nil)
      let count = findings.count(step.name)
      figures.add(
        "findings_of_\(label)", Double(count), unit: "", goal: "0", holds: count == 0)
    }
    figures.add("fixtures", Double(fixtures.count), unit: "", goal: "", holds: nil)
    let count = findings.count("fixture")
    figures.add("fixture_findings", Double(count), unit: "", goal: "0", holds: count == 0)
  }

  /// What is wrong with an earlier schema's database after all migrations.
  private static func whole(_ fixture: String, _ options: Options) throws -> [String] {
    let place = try Place(programs: options.programs)
    defer { place.remove() }
    guard mkdir(place.data, 0o700) == 0 else { throw Trouble("cannot make \(place.data)") }
    try Files.copy(fixture, to: place.database)
    let before = try SchemaState(place.database)
    try MigrationStep.migrate(place, to: nil)
    let after = try SchemaState(place.database, columns: before.columns)
    return try before.differences(to: after) + StoreCheck.doctor(place)
      + StoreCheck.sqlite(place.database)
  }

  /// One per migration, each with a database of the schema before it.
  private static func steps(
    from fixture: String, in place: Place, _ options: Options
  ) throws -> [MigrationStep] {
    guard mkdir(place.data, 0o700) == 0 else { throw Trouble("cannot make \(place.data)") }
    try Files.copy(fixture, to: place.database)
    let first = try SchemaState.migrations(place.database).count
    try MigrationStep.migrate(place, to: nil)
    let names = try SchemaState.migrations(place.database)
    try MigrationStep.clear(place)
    try Files.copy(fixture, to: place.database)
    try Enlargement.enlarge(place.database, times: growth(options))
    var steps: [MigrationStep] = []
    for index in first..<names.count {
      let before = place.base + "/before-\(names[index]).db"
      try Files.copy(place.database, to: before)
      steps.append(
        MigrationStep(
          name: names[index], migrations: Array(names[...index]), before: before,
          options: options))
      try MigrationStep.migrate(place, to: names[index])
    }
    return steps
  }
}
