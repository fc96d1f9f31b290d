// `assay submit`: queues the job of a spec file, or several that differ in their seed, and follows
// them if it is asked to.

import ArgumentParser
import Client
import Experiments
import Wire

struct SubmitCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "submit",
    abstract: "Queue the job of a spec file, or a program.",
    usage: """
      assay submit FILE [--follow | --wait] [options]
      assay submit [--follow | --wait] [options] -- PROGRAM [ARGUMENT ...]
      """,
    discussion: """
      After -- stands a program with its arguments: it runs in the current folder, with little of \
      the environment of this shell (see --env), and what it prints is the log of its run. With \
      --follow its output is shown, and its exit code is that of this command.

      FILE is YAML, or JSON if its name ends in .json; - reads YAML from standard input. All \
      mistakes are told at once, and then nothing is queued. A relative dataset.path is meant from \
      the file's folder, one given by --set from the current one.

      Examples:
        assay submit reference.yaml --follow
        assay submit reference.yaml --set epochs=20 --seeds 5 --wait
        assay submit --follow -- python train.py --lr 0.1
        assay submit --env DATA=/srv/data --keep results --memory 8GB -- ./run.sh

      Ctrl-C while following leaves the job running.
      """)

  @Argument(help: "The job spec.", completion: .file(extensions: ["yaml", "yml", "json"]))
  var file: String?

  @Argument(parsing: .postTerminator, help: "A program and its arguments, after --.")
  var program: [String] = []

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Change one value of the spec; may be repeated.", valueName: "path=value"))
  var settings: [String] = []

  @Option(help: "Submit this many jobs, whose seeds count up from the spec's.")
  var seeds: Int?

  @Flag(help: "Show how far the jobs are until they have ended.")
  var follow = false

  @Flag(help: "Wait until the jobs have ended.")
  var wait = false

  @Option(help: "Name of the job, in place of the spec's.")
  var name: String?

  @Option(help: "Experiment, in place of the spec's.")
  var experiment: String?

  @Option(help: "Place in the queue: higher goes first.")
  var priority: Int?

  @Option(
    name: .customLong("tag"),
    help: ArgumentHelp("Tag of the run; may be repeated.", valueName: "key=value"))
  var tags: [Assignment] = []

  @OptionGroup(title: "When it starts and how long it may take")
  var policy: PolicyOptions

  @OptionGroup(title: "Options of programs") var command: CommandOptions

  @OptionGroup var common: CommonOptions

  func validate() throws {
    if file == nil, program.isEmpty {
      throw ValidationError("name a spec file, or a program after --")
    }
    if let file, !program.isEmpty {
      throw ValidationError("there is a spec file, \(file), and a program; one of them is needed")
    }
    if let seeds, !(1...Limits.jobsPerSubmission).contains(seeds) {
      throw ValidationError("--seeds \(seeds) is not from 1 to \(Limits.jobsPerSubmission)")
    }
    if follow, wait { throw ValidationError("--follow and --wait exclude each other") }
  }

  func run() async throws {
    let specs = try specs()
    let secrets = try command.secrets()
    let request = SubmitRequest(
      jobs: specs.map {
        SubmittedJob(uid: Identifier(at: Moments.now()), spec: $0.value, secrets: secrets)
      },
      context: GitContext.current())
    try await common.withClient { client in
      let reply = try await client.submit(request)
      let waits = follow || wait
      guard waits else {
        return try common.print(reply) { Terminal.print(reply.jobs.map(Self.line)) }
      }
      if follow, !common.json, reply.jobs.count == 1, reply.jobs[0].kind == .command {
        return try await CommandFollow.follow(reply.jobs[0], client: client)
      }
      try await JobEnding.await(
        reply.jobs, client: client, mode: follow && !common.json ? .show : .wait,
        json: common.json)
    }
  }

  private func specs() throws -> [SpecFile] {
    var spec =
      if let file { try SpecFile(path: file) } else { try command.spec(of: program) }
    try command.change(&spec)
    for setting in settings { try spec.set(setting) }
    if let name { spec.set("name", to: .string(name)) }
    if let experiment { spec.set("experiment", to: .string(experiment)) }
    if let priority { spec.set("priority", to: .int(Int64(priority))) }
    try policy.apply(to: &spec)
    for tag in tags { spec.setTag(tag.key, to: tag.value) }
    // the specs differ in nothing but their seed: one stands for all
    try spec.checked()
    guard let seeds else { return [spec] }
    let specs = try spec.withSeeds(seeds)
    try specs.last?.checked()
    return specs
  }

  /// `job 1  run 1  reference`
  static func line(_ job: Job) -> String {
    (["job \(job.id)"]
      + [job.runId.map { "run \($0)" }, ShownText.line(job.name)].compactMap { $0 })
      .joined(separator: "  ")
  }
}
