// Proves the store's promises on the real daemon through its real socket, by killing it, cutting its
// power, failing its system calls, filling its disk and damaging its file. Run by the scripts in
// tools/robustness. Each part is a file of its own.
import BenchSupport
import Foundation

@main
struct Robustness {
  static func main() {
    if CommandLine.arguments.dropFirst() == [Adversary.word] { Adversary.be() }
    signal(SIGPIPE, SIG_IGN)
    let options = Options(CommandLine.arguments)
    guard let run = parts[options.part] else {
      say("unknown part \(options.part); there are \(parts.keys.sorted().joined(separator: ", "))")
      exit(2)
    }
    say("== \(options.part), seed \(options.seed)")
    var figures = Figures()
    do {
      try run(options, &figures)
    } catch {
      say("\(options.part) broke off: \(error)")
      exit(2)
    }
    exit(figures.failures == 0 ? 0 : 1)
  }

  private static let parts: [String: @Sendable (Options, inout Figures) throws -> Void] = [
    "killstorm": KillStorm.run, "migrations": Migrations.run, "powercut": PowerCut.run,
    "faults": Faults.run, "diskfull": DiskFull.run, "bitflips": BitFlips.run,
    "backups": Backups.run, "jobs": JobsProgram.run,
  ]
}
