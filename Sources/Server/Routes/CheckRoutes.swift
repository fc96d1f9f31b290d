// Comparisons with a baseline whose verdict is kept.

import Experiments
import HTTPTypes
import Store
import Wire

enum CheckRoutes {
  static func endpoints(_ core: Core) -> [Endpoint] {
    [
      Endpoint(.get, "/checks", query: ["limit", "cursor"]) { request in
        let limit = try request.limit()
        let checks = try await core.store.checks(
          limit: limit, before: try request.integer("cursor", in: 1...Int64.max))
        return try await Reply.json(
          large: Page(items: checks, next: Cursor.next(checks, limit: limit, id: \.id)),
          in: core.workshop)
      },
      Endpoint(.get, "/checks/{check}") { request in
        try Reply.json(try await core.store.check(try request.id("check")))
      },
      Endpoint(.post, "/checks", bodyLimit: Limits.specBytes) { request in
        let body = try await request.json(CheckRequest.self)
        let baseline = try await core.store.baseline(name: body.baseline)
        let runs =
          body.runs.isEmpty
          ? [try await Self.newest(after: baseline, core)]
          : try await core.store.resolveRuns(body.runs)
        let comparison = try await core.judge.compare(
          reference: baseline.runIds, candidate: runs, metrics: nil)
        return try Reply.json(
          try await core.store.addCheck(
            baseline: baseline.name, scheduleId: nil, jobId: nil, comparison: comparison))
      },
    ]
  }

  /// The newest finished run of the baseline's experiment that is not in the baseline. Runs that
  /// belong to another one (evaluations, folds) are of another kind than the baseline's.
  private static func newest(after baseline: Baseline, _ core: Core) async throws -> Int64 {
    guard let first = baseline.runIds.first else {
      throw ServerError.nothingToCheck(baseline: baseline.name, experiment: "")
    }
    let reference = try await core.store.run(first)
    var cursor: String?
    repeat {
      let (runs, next) = try await core.store.runs(
        Store.RunQuery(
          experiment: reference.experiment, statuses: [.finished], limit: 100, cursor: cursor))
      let isMeant = { (run: Run) in
        (run.parentId == nil) == (reference.parentId == nil) && !baseline.runIds.contains(run.id)
      }
      if let run = runs.first(where: isMeant) { return run.id }
      cursor = next
    } while cursor != nil
    throw ServerError.nothingToCheck(
      baseline: baseline.name, experiment: reference.experiment)
  }
}
