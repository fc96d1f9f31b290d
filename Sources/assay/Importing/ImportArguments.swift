// What all imports have in common: their options, and how one goes.

import ArgumentParser
import Client
import Dispatch
import Experiments
import Imports
import Synchronization
import Wire

struct ImportArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Put all runs into this experiment; by default where the source says.", valueName: "name"))
  var experiment: String?

  @Flag(help: "Read everything and say what would be imported; write nothing.")
  var dryRun = false

  /// Imports all of `source` and prints what came of it.
  func run(_ source: any ImportSource, title: String, common: CommonOptions) async throws {
    if let experiment { try Self.check(name: experiment, option: "--experiment") }
    let report = try await common.withClient { client in
      let sink: any RunSink = dryRun ? DrySink(client: client) : ClientSink(client: client)
      var report = try await Self.transfer(source, to: sink, title: title, isSilent: common.json)
      report.dryRun = dryRun
      if dryRun { report.runs = [] }
      return report
    }
    try common.print(report) { Terminal.print(report.lines) }
  }

  /// The path from the root.
  static func absolute(_ path: String) -> String {
    LocalFile.absolute(path, in: LocalFile.currentFolder ?? "/")
  }

  static func check(name: String, option: String) throws(CommandError) {
    guard (1...Limits.nameCharacters).contains(name.count) else {
      throw .badArgument(
        "\(option) has \(name.count) characters; 1 to \(Limits.nameCharacters) are possible",
        hint: nil)
    }
  }

  private static func transfer(
    _ source: any ImportSource, to sink: any RunSink, title: String, isSilent: Bool
  ) async throws -> ImportReport {
    let total = try failing { () throws(ImportError) in try source.total() }
    let pipe = ImportPipe { emit in
      try source.read(known: { try Self.signature(of: $0, in: sink) }, emit: emit)
    }
    var bar = ProgressBar(title, isSilent: isSilent)
    var upload = RunUpload(to: sink)
    var done: Int64 = 0
    defer { bar.end() }
    do {
      while let item = try await pipe.next() {
        if case .progress(let position) = item { done = position }
        try await upload.write(item)
        bar.show(
          total > 0 ? Double(done) / Double(total) : nil, detail: upload.report.progress)
      }
    } catch {
      pipe.close()
      throw Self.commandError(error)
    }
    return upload.report
  }

  /// What the run was imported whole from. Called on the reader's thread, which waits for the answer.
  private static func signature(
    of uid: Identifier, in sink: any RunSink
  ) throws -> String? {
    let answer = Mutex<Result<String?, any Error>>(.success(nil))
    let isThere = DispatchSemaphore(value: 0)
    Task {
      do {
        let run = try await sink.find(uid)
        answer.withLock { $0 = .success(run?.tags[RunUpload.signatureTag]) }
      } catch {
        answer.withLock { $0 = .failure(error) }
      }
      isThere.signal()
    }
    isThere.wait()
    return try answer.withLock { $0 }.get()
  }

  static func failing<Result>(_ body: () throws(ImportError) -> Result) throws -> Result {
    do { return try body() } catch { throw commandError(error) }
  }

  private static func commandError(_ error: any Error) -> any Error {
    guard let error = error as? ImportError else { return error }
    return CommandError.answered(
      ErrorBody(code: error.code, message: error.message, hint: error.hint))
  }
}
