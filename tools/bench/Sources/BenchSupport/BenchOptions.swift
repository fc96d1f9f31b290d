// What every program under tools/bench and tools/robustness is told on its command line.
import Foundation

package struct BenchOptions: Sendable {
  /// The short form: small sizes and few rounds; outcomes are asserted, times only printed.
  package var quick = false
  /// Where peers are installed; nil leaves them out.
  package var peers: String?
  /// Where filled stores are kept for the next run; nil removes them at the end.
  package var keep: String?
  /// Of all that is random.
  package var seed: UInt64 = 1
  /// The parts to run; empty for all.
  package var only: [String] = []
  /// The folder of the programs under test: the one of this program.
  package let programs: String

  /// Reads `--quick`, `--peers DIR`, `--keep DIR`, `--seed N` and `--only PART,PART`; ends the
  /// program with status 2 and the usage on anything else.
  package init(_ arguments: [String], usage: String) {
    programs =
      URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
      .deletingLastPathComponent().path
    var rest = arguments.dropFirst()
    func refuse(_ reason: String) -> Never {
      print("\(reason)\nusage: \(usage)")
      exit(2)
    }
    func value(of option: String) -> String {
      guard let value = rest.popFirst() else { refuse("\(option) needs a value") }
      return value
    }
    while let argument = rest.popFirst() {
      switch argument {
      case "--quick": quick = true
      case "--peers": peers = value(of: argument)
      case "--keep": keep = value(of: argument)
      case "--seed":
        let text = value(of: argument)
        guard let number = UInt64(text) else { refuse("--seed \(text) is not a whole number") }
        seed = number
      case "--only": only += value(of: argument).split(separator: ",").map(String.init)
      case "--help", "-h":
        print("usage: \(usage)")
        exit(0)
      default: refuse("unknown argument \(argument)")
      }
    }
  }

  package func wants(_ part: String) -> Bool { only.isEmpty || only.contains(part) }
}
