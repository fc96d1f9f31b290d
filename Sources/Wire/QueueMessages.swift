// What is asked about queues and about jobs that wait in them.

package import Experiments

/// `PUT /api/v1/queues/{queue}`: makes the queue if it is not there.
package struct QueueRequest: Codable, Sendable {
  /// How many of its jobs run at once; nil: as many as the daemon runs.
  package var slots: Int?

  package init(slots: Int?) { self.slots = slots }
}

/// `PATCH /api/v1/jobs/{job}`: values of the spec by their dotted path; null removes a key.
package struct JobChange: Codable, Sendable {
  package var set: [String: JSONValue]

  package init(set: [String: JSONValue]) { self.set = set }
}

/// `POST /api/v1/jobs/{job}/retry`. Sending it again changes nothing.
package struct RetryRequest: Codable, Sendable {
  /// Of the new job; made by the client.
  package var uid: Identifier

  package init(uid: Identifier) { self.uid = uid }
}
