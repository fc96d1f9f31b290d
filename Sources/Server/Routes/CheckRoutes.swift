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
          : try await core.store.resolveUsableRuns(body.runs)
        let comparison = try await core.judge.compare(
          reference: try await core.store.usableRuns(baseline: baseline.name), candidate: runs,
          metrics: nil)
        return try Reply.json(
          try await core.store.addCheck(
            baseline: baseline.name, scheduleId: nil, jobId: nil, comparison: comparison))
      },
    ]
  }

  /// The newest finished run of the baseline's series that is not in the baseline. Runs that belong
  /// to another one (evaluations, folds) are of another kind than a series has.
  private static func newest(after baseline: Baseline, _ core: Core) async throws -> Int64 {
    let ids = try await core.store.usableRuns(baseline: baseline.name)
    let wanted = Set(try await core.store.runs(ids).map(Series.init))
    let experiments = Set(wanted.map(\.experiment))
    let select = try RunSelection([])
    var cursor: String?
    repeat {
      let (runs, next) = try await core.store.runs(
        Store.RunQuery(
          experiment: experiments.count == 1 ? experiments.first : nil, statuses: [.finished],
          limit: 100, cursor: cursor, select: select))
      let isMeant = { (run: Run) in
        run.parentId == nil && wanted.contains(Series(run)) && !baseline.runIds.contains(run.id)
      }
      if let run = runs.first(where: isMeant) { return run.id }
      cursor = next
    } while cursor != nil
    throw ServerError.nothingToCheck(
      baseline: baseline.name,
      series: wanted.map(\.text).sorted().joined(separator: " or "))
  }
}

/// What runs have in common that may be compared without asking.
private struct Series: Hashable {
  let experiment: String
  let job: String
  let dataset: String?

  init(_ run: Run) {
    experiment = run.experiment
    job = run.name
    dataset = run.dataset?.name
  }

  var text: String {
    let on = dataset.map { " on dataset \"\($0)\"" } ?? ""
    return "job \"\(job)\" of experiment \"\(experiment)\"\(on)"
  }
}
