// What the robustness programs are told on their command line.
import BenchSupport

struct Options: Sendable {
  /// Which program of tools/robustness this is.
  let part: String
  /// Of all that is random; of two runs with the same one only the timing differs.
  let seed: UInt64
  let quick: Bool
  /// Instead of the program's own number of rounds.
  let rounds: Int?
  /// Whether the folders of rounds that failed stay, to be looked at.
  let keeps: Bool
  /// The folder of the programs under test.
  let programs: String

  static let usage =
    "tools/robustness/PART [--quick] [--seed N] [--rounds N] [--keep]"

  init(_ arguments: [String]) {
    var rest = Array(arguments.dropFirst())
    part = rest.isEmpty || rest[0].hasPrefix("-") ? "" : rest.removeFirst()
    var rounds: Int?
    if let index = rest.firstIndex(of: "--rounds"), index + 1 < rest.count,
      let number = Int(rest[index + 1]), number > 0
    {
      rounds = number
      rest.removeSubrange(index...index + 1)
    }
    self.rounds = rounds
    keeps = rest.contains("--keep")
    rest.removeAll { $0 == "--keep" }
    let bench = BenchOptions([part] + rest, usage: Self.usage)
    seed = bench.seed
    quick = bench.quick
    programs = bench.programs
  }

  /// The number of rounds that was asked for, or that of the short or the long form.
  func rounds(quick short: Int, full: Int) -> Int { rounds ?? (quick ? short : full) }
}
