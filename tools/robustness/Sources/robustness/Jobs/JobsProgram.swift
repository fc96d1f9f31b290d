// The daemon as a keeper of jobs under everything that clients, other daemons, other users and jobs
// themselves may do to it. Each part is a file of its own.
import BenchSupport

enum JobsProgram {
  static func run(_ options: Options, _ figures: inout Figures) throws {
    let chosen = parts.filter { part in options.only.map { part.name.contains($0) } ?? true }
    guard !chosen.isEmpty else {
      throw Trouble("--only names none of \(parts.map(\.name).joined(separator: ", "))")
    }
    for part in chosen {
      say("-- \(part.name)")
      try part.run(options, &figures)
    }
  }

  private typealias Part = (
    name: String, run: (Options, inout Figures) throws -> Void
  )

  private static var parts: [Part] {
    [
      ("slow", SlowClients.run), ("malformed", MalformedRequests.run),
      ("startrace", StartRace.run), ("access", OtherUsers.run), ("storm", JobStorm.run),
      ("losses", LossStorm.run), ("adversary", Adversary.run), ("ends", HardEnds.run),
    ]
  }
}
