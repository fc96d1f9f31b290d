// Queues, and changing jobs that wait in them.

package import Experiments
package import Wire

extension AssayClient {
  package func queues() async throws -> Page<JobQueue> { try await get(APIPath("queues")) }

  /// Makes the queue if it is not there. `slots` nil: as many as the daemon runs.
  package func setQueue(_ name: String, slots: Int?) async throws -> JobQueue {
    try await put(APIPath("queues", name), QueueRequest(slots: slots))
  }

  package func setPaused(queue name: String, _ paused: Bool) async throws -> JobQueue {
    try await post(APIPath("queues", name, paused ? "pause" : "resume"))
  }

  package func removeQueue(_ name: String) async throws -> Acknowledged {
    try await delete(APIPath("queues", name))
  }

  /// Keeps a queued job from starting, or lets a held one go.
  /// - Parameter name: who holds it.
  package func setHeld(_ id: Int64, _ held: Bool, by name: String? = nil) async throws -> Job {
    try await post(
      APIPath("jobs", String(id), held ? "hold" : "release").query("by", held ? name : nil))
  }

  package func edit(_ id: Int64, _ change: JobChange) async throws -> Job {
    try await patch(APIPath("jobs", String(id)), change)
  }

  /// A new job like one that is over, or the next retry of one that waits for it.
  package func retry(_ id: Int64, uid: Identifier) async throws -> Job {
    try await post(APIPath("jobs", String(id), "retry"), RetryRequest(uid: uid))
  }
}
