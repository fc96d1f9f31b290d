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
  /// How many daemons are ill-treated at once, where a program has many that know nothing of each
  /// other: mostly they wait for the disk.
  let jobs: Int
  /// Of many trials only those whose name has this text in it, to repeat one that failed.
  let only: String?
  /// The folder of the programs under test.
  let programs: String

  static let usage =
    "tools/robustness/PART [--quick] [--seed N] [--rounds N] [--jobs N] [--keep] [--only TEXT]"

  init(_ arguments: [String]) {
    var rest = Array(arguments.dropFirst())
    part = rest.isEmpty || rest[0].hasPrefix("-") ? "" : rest.removeFirst()
    rounds = Self.number("--rounds", &rest)
    let jobs = Self.number("--jobs", &rest)
    only = Self.text("--only", &rest)
    keeps = rest.contains("--keep")
    rest.removeAll { $0 == "--keep" }
    let bench = BenchOptions([part] + rest, usage: Self.usage)
    seed = bench.seed
    quick = bench.quick
    self.jobs = jobs ?? (bench.quick ? 2 : 4)
    programs = bench.programs
  }

  /// Takes the option and its number out of the arguments; what is no number is left for others to
  /// refuse.
  private static func number(_ name: String, _ arguments: inout [String]) -> Int? {
    guard let index = arguments.firstIndex(of: name), index + 1 < arguments.count,
      let number = Int(arguments[index + 1]), number > 0
    else { return nil }
    arguments.removeSubrange(index...index + 1)
    return number
  }

  private static func text(_ name: String, _ arguments: inout [String]) -> String? {
    guard let index = arguments.firstIndex(of: name), index + 1 < arguments.count else {
      return nil
    }
    defer { arguments.removeSubrange(index...index + 1) }
    return arguments[index + 1]
  }

  /// The number of rounds that was asked for, or that of the short or the long form.
  func rounds(quick short: Int, full: Int) -> Int { rounds ?? (quick ? short : full) }
}
