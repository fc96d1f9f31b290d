// What programs send that record a run by themselves, without a job: opening it, its params, its
// metrics, its end. All of it may be sent again.

package import Experiments

/// `POST /api/v1/runs`: a run that someone else is doing. The same `uid` again is the same run.
package struct OpenRun: Codable, Sendable {
  /// Made by the client; without one every request opens another run.
  package var uid: Identifier?
  package var name: String?
  /// Made if there is none of that name; without one it is `default`.
  package var experiment: String?
  package var createdAt: Timestamp?
  package var startedAt: Timestamp?
  /// Scalars.
  package var params: [String: JSONValue]?
  package var tags: [String: String]?
  /// The run it belongs to, as people name it.
  package var parent: String?
  package var seed: Int64?
  package var note: String?
  /// The run is lost when nothing has been heard of it for so long; absent: never.
  package var leaseSeconds: Int?

  package init(
    uid: Identifier? = nil, name: String? = nil, experiment: String? = nil,
    createdAt: Timestamp? = nil, startedAt: Timestamp? = nil, params: [String: JSONValue]? = nil,
    tags: [String: String]? = nil, parent: String? = nil, seed: Int64? = nil, note: String? = nil,
    leaseSeconds: Int? = nil
  ) {
    self.uid = uid
    self.name = name
    self.experiment = experiment
    self.createdAt = createdAt
    self.startedAt = startedAt
    self.params = params
    self.tags = tags
    self.parent = parent
    self.seed = seed
    self.note = note
    self.leaseSeconds = leaseSeconds
  }
}

/// `POST /api/v1/runs/{run}/params`: a param keeps its first value.
package struct ParamsRequest: Codable, Sendable {
  package var params: [String: JSONValue]

  package init(params: [String: JSONValue]) { self.params = params }
}

/// `POST /api/v1/runs/{run}/end`.
package struct EndRun: Codable, Sendable {
  /// A final one.
  package var status: RunStatus
  /// Nil: now.
  package var endedAt: Timestamp?

  package init(status: RunStatus, endedAt: Timestamp? = nil) {
    self.status = status
    self.endedAt = endedAt
  }
}

/// How many points a request had, all of which are on disk now.
package struct PointsAdded: Codable, Sendable {
  package var points: Int

  package init(points: Int) { self.points = points }
}
