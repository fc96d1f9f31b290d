// The command line of Assay: the tree of commands, and how a command ends.

import ArgumentParser
import Wire

@main
struct Assay: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "assay",
    abstract: "Train, record, compare and judge: the command line of the assayd daemon.",
    discussion: """
      Runs are named by their number (12), by @latest, by a baseline (@nightly), by a hex id, and \
      where several may stand by a range (2-6). Every command prints the API's JSON with --json.

      Begin with:
        assayd --background
        assay submit reference.yaml --follow

      Exit codes: 0 fine, 1 the job failed or something got worse, 2 an error, 3 not enough data.
      """,
    version: AssayVersion.text,
    groupedSubcommands: [
      CommandGroup(
        name: "Jobs",
        subcommands: [
          SubmitCommand.self, JobsCommand.self, CancelCommand.self, LogsCommand.self,
          LogCommand.self, WatchCommand.self, TopCommand.self, HoldCommand.self,
          ReleaseCommand.self, RetryCommand.self, EditCommand.self, QueueCommand.self,
        ]),
      CommandGroup(
        name: "Runs",
        subcommands: [
          OpenCommand.self, RenewCommand.self, EndCommand.self,
          RunsCommand.self, ShowCommand.self, MetricsCommand.self, CompareCommand.self,
          EvaluateCommand.self, CheckpointCommand.self, ArtifactCommand.self, TagCommand.self,
          NoteCommand.self, RenameCommand.self, RemoveCommand.self,
        ]),
      CommandGroup(
        name: "Moving",
        subcommands: [
          ExportCommand.self,
          ImportCommand.self,
        ]),
      CommandGroup(
        name: "Judging",
        subcommands: [
          BaselineCommand.self, CheckCommand.self, ChecksCommand.self, ScheduleCommand.self,
        ]),
      CommandGroup(
        name: "Daemon",
        subcommands: [
          StatusCommand.self, DoctorCommand.self, EventsCommand.self, HookCommand.self,
          DiskUsageCommand.self,
          GarbageCollectionCommand.self, VersionCommand.self,
        ]),
    ])

  static func main() async {
    do {
      var command = try await asyncParseAsRoot()
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    } catch {
      Ending.exit(after: error)
    }
  }
}
