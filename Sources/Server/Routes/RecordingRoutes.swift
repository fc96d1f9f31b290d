// Runs that someone else does: opening them, adding params, ending them. Their metrics are in
// `MetricsRoutes`.

import Experiments
import HTTPTypes
import Hummingbird
import Store
import Wire

enum RecordingRoutes {
  static func endpoints(_ core: Core) -> [Endpoint] {
    [
      Endpoint(.post, "/runs", bodyLimit: Limits.requestBytes) { request in
        let body = try await request.json(OpenRun.self, hasSpec: true)
        var new = try await newRun(body, core)
        if let scope = request.scope {
          let parent = new.parentId ?? scope.run
          try await TokenGuard.check(parent, in: scope, core)
          new.parentId = parent
        }
        let (run, isNew) = try await core.store.openRun(new)
        return try Reply.json(run, status: isNew ? .created : .ok)
      },
      Endpoint(.post, "/runs/{run}/params", bodyLimit: Limits.requestBytes) { request in
        let body = try await request.json(ParamsRequest.self, hasSpec: true)
        let id = try await core.givenRun(try request.text("run"))
        try await core.store.addParams(run: id, body.params)
        return try Reply.acknowledged
      },
      Endpoint(.post, "/runs/{run}/renew") { request in
        let id = try await core.givenRun(try request.text("run"))
        return try Reply.json(try await core.store.renewLease(run: id))
      },
      Endpoint(.post, "/runs/{run}/end", bodyLimit: Limits.specBytes) { request in
        let body = try await request.json(EndRun.self)
        let id = try await core.givenRun(try request.text("run"))
        return try Reply.json(
          try await core.store.endRun(id, status: body.status, endedAt: body.endedAt))
      },
    ]
  }

  private static func newRun(_ body: OpenRun, _ core: Core) async throws -> Store.NewRun {
    var run = Store.NewRun(
      uid: body.uid, createdAt: body.createdAt, startedAt: body.startedAt,
      params: body.params ?? [:], tags: body.tags ?? [:], seed: body.seed, note: body.note ?? "",
      leaseSeconds: body.leaseSeconds)
    if let name = body.name { run.name = name }
    if let experiment = body.experiment { run.experiment = experiment }
    if let parent = body.parent { run.parentId = try await core.givenRun(parent) }
    return run
  }
}
