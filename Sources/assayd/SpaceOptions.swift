// The options that say how much space the store may take and when it gives some back.

import ArgumentParser

struct SpaceOptions: ParsableArguments {
  @Option(help: "Days in which a deleted run can be brought back (default: 30).")
  var undoDays: Double?

  static let usualUndoDays = 30.0
  static let undoRange = 0.0...36_500

  @Option(
    help: ArgumentHelp(
      "Take no more checkpoints and artifacts when the store is this large, e.g. 20GB.",
      valueName: "size"))
  var maxSize: ByteSize?

  func validate() throws {
    if let undoDays, !Self.undoRange.contains(undoDays) {
      throw ValidationError("--undo-days is \(undoDays); it must be from 0 to 36500.")
    }
  }

  /// For another start of this program.
  var arguments: [String] {
    (undoDays.map { ["--undo-days", String($0)] } ?? [])
      + (maxSize.map { ["--max-size", String($0.bytes)] } ?? [])
  }
}

/// A number of bytes: `500000000`, `500MB`, `1.5TB`, `2GiB`.
struct ByteSize: ExpressibleByArgument, Equatable {
  let bytes: Int64

  private static let units: [(name: String, bytes: Double)] = [
    ("kib", 1024), ("mib", 1_048_576), ("gib", 1_073_741_824), ("tib", 1_099_511_627_776),
    ("kb", 1e3), ("mb", 1e6), ("gb", 1e9), ("tb", 1e12), ("k", 1e3), ("m", 1e6), ("g", 1e9),
    ("t", 1e12), ("b", 1), ("", 1),
  ]

  init?(argument: String) {
    let text = argument.lowercased().filter { $0 != " " }
    guard let unit = Self.units.first(where: { text.hasSuffix($0.name) }),
      let number = Double(text.dropLast(unit.name.count)), number * unit.bytes >= 1,
      number * unit.bytes < 1e18
    else { return nil }
    bytes = Int64(number * unit.bytes)
  }
}
