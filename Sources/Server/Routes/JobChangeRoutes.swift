// Changing jobs that wait, and trying again what failed.

import Experiments
import HTTPTypes
import Store
import Wire

enum JobChangeRoutes {
  static func endpoints(_ core: Core) -> [Endpoint] {
    [
      Endpoint(.post, "/jobs/{job}/hold", query: ["by"]) { request in
        let job = try await core.store.setHeld(
          job: try request.id("job"), true, by: try holder(request.query("by")))
        return try Reply.json(try await core.supervisor.explained(job))
      },
      Endpoint(.post, "/jobs/{job}/release") { request in
        let job = try await core.store.setHeld(job: try request.id("job"), false)
        return try Reply.json(try await core.supervisor.explained(job))
      },
      Endpoint(.patch, "/jobs/{job}", bodyLimit: Limits.specBytes) { request in
        let change = try await request.json(JobChange.self, hasSpec: true)
        let job = try await edit(try request.id("job"), change, core)
        return try Reply.json(try await core.supervisor.explained(job))
      },
      Endpoint(.post, "/jobs/{job}/retry", bodyLimit: Limits.specBytes) { request in
        let wish = try await request.json(RetryRequest.self)
        let job = try await retry(try request.id("job"), wish, core)
        return try Reply.json(try await core.supervisor.explained(job))
      },
    ]
  }

  private static func holder(_ name: String?) throws -> String? {
    guard let name else { return nil }
    guard (1...Limits.nameCharacters).contains(name.count) else {
      throw ServerError.badParameter(
        name: "by", value: name, expected: "1 to \(Limits.nameCharacters) characters")
    }
    return name
  }

  /// The spec as it is now with the changes, checked as a whole, as long as it is still that spec.
  private static func edit(_ id: Int64, _ change: JobChange, _ core: Core) async throws -> Job {
    guard !change.set.isEmpty else {
      throw ServerError.badJSON(field: "set", reason: "it is empty")
    }
    let job = try await core.store.job(id)
    var json = job.spec
    for (path, value) in change.set.sorted(by: { $0.key < $1.key }) {
      json =
        value == .null
        ? json.removing(path.split(separator: ".").map(String.init)[...])
        : try json.setting(path, to: value)
    }
    let spec = try await Submission(core).checked(json)
    return try await core.store.edit(job: id, from: job.spec, to: spec)
  }

  /// A job that is over is submitted again; one that waits for its next retry starts it now.
  private static func retry(_ id: Int64, _ wish: RetryRequest, _ core: Core) async throws -> Job {
    let job = try await core.store.job(id)
    guard job.state.isFinal else {
      if let job = try await core.store.endPause(job: id) { return job }
      throw StoreError.conflict(
        "job \(id) is \(job.state.rawValue); only a job that is over can be tried again")
    }
    // It has waited, and was held, already.
    let json = job.spec.removing(["after"]).removing(["hold"])
    let spec = try await Submission(core).checked(json)
    let jobs = try await core.store.submit([
      Store.NewJob(
        uid: wish.uid, spec: spec, context: try await core.store.context(job: id), retryOf: id)
    ])
    return jobs[0]
  }
}

extension JSONValue {
  /// Without the member at a path of keys, if it is there.
  fileprivate func removing(_ keys: ArraySlice<String>) -> JSONValue {
    guard let key = keys.first, var members = objectValue else { return self }
    members[key] = keys.count == 1 ? nil : members[key]?.removing(keys.dropFirst())
    return .object(members)
  }
}
