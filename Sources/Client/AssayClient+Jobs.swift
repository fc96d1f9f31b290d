// Jobs and schedules.

package import Experiments
package import Wire

extension AssayClient {
  /// Queues all of the jobs, or none. Sending the same uids again changes nothing.
  package func submit(_ request: SubmitRequest) async throws -> SubmitReply {
    try await post(APIPath("jobs"), request)
  }

  /// Newest first. `states` empty: all.
  package func jobs(
    states: [JobState] = [], limit: Int? = nil, cursor: String? = nil
  ) async throws -> Page<Job> {
    let list = states.isEmpty ? nil : states.map(\.rawValue).joined(separator: ",")
    return try await get(
      APIPath("jobs").query("state", list).query("limit", limit).query("cursor", cursor))
  }

  package func job(_ id: Int64) async throws -> Job {
    try await get(APIPath("jobs", String(id)))
  }

  /// Answers as soon as the wish is on disk; the job ends within its grace period.
  package func cancel(_ id: Int64) async throws -> Job {
    try await post(APIPath("jobs", String(id), "cancel"))
  }

  package func schedules() async throws -> Page<Schedule> {
    try await get(APIPath("schedules"))
  }

  package func schedule(_ id: Int64) async throws -> Schedule {
    try await get(APIPath("schedules", String(id)))
  }

  package func addSchedule(_ request: ScheduleRequest) async throws -> Schedule {
    try await post(APIPath("schedules"), request)
  }

  package func changeSchedule(_ id: Int64, _ change: ScheduleChange) async throws -> Schedule {
    try await patch(APIPath("schedules", String(id)), change)
  }

  package func deleteSchedule(_ id: Int64) async throws -> Acknowledged {
    try await delete(APIPath("schedules", String(id)))
  }

  /// When it fires next, `limit` times.
  package func scheduleTimes(_ id: Int64, limit: Int = 5) async throws -> Page<ScheduleTime> {
    try await get(APIPath("schedules", String(id), "times").query("limit", limit))
  }

  /// What became of its firings, newest first.
  package func scheduleHistory(
    _ id: Int64, limit: Int = 20, cursor: String? = nil
  ) async throws -> Page<FiringRecord> {
    try await get(
      APIPath("schedules", String(id), "history").query("limit", limit)
        .query("cursor", cursor))
  }

  /// Fires the schedule at once, as if it were due now.
  package func runSchedule(_ id: Int64) async throws -> ScheduleFiring {
    try await post(APIPath("schedules", String(id), "run"))
  }
}
