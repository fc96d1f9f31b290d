// `GET /metrics`: how the daemon is, for Prometheus. Each look reads the store once, on a reader, and
// holds up nobody.

import CLinux
import Experiments
import Foundation
import Glibc
import HTTPTypes
import Store
import Wire

enum ExpositionRoutes {
  static func endpoints(_ core: Core) -> [Endpoint] {
    [
      Endpoint(.get, root: "/metrics") { _ in
        var text = PrometheusText()
        build(core.facts, &text)
        await jobs(core, &text)
        store(try await core.store.gauges(), now: core.clock.now(), &text)
        requests(core.meter, &text)
        process(core.facts, &text)
        return Reply.bytes(Array(text.text.utf8), contentType: PrometheusText.contentType)
      }
    ]
  }

  private static func build(_ facts: DaemonFacts, _ text: inout PrometheusText) {
    text.family("assay_build_info", .gauge, "Version of the daemon and of its libraries; always 1.")
    let libraries = facts.libraries.sorted { $0.key < $1.key }
      .map { (label($0.key), $0.value) }
    text.sample("assay_build_info", [("version", AssayVersion.text)] + libraries, 1)
  }

  private static func label(_ name: String) -> String {
    String(name.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
  }

  private static func jobs(_ core: Core, _ text: inout PrometheusText) async {
    text.single(
      "assay_slots", .gauge, "Jobs that may run at once.", Double(await core.supervisor.slots))
    text.single(
      "assay_slots_in_use", .gauge, "Jobs that hold a slot.",
      Double(await core.supervisor.slotsInUse))
  }

  private static func store(
    _ gauges: Store.Gauges, now: Timestamp, _ text: inout PrometheusText
  ) {
    text.family("assay_jobs", .gauge, "Jobs by state.")
    for state in JobState.allCases {
      text.sample(
        "assay_jobs", [("state", state.rawValue)], Double(gauges.jobsByState[state] ?? 0))
    }
    text.single(
      "assay_queue_depth", .gauge, "Jobs that wait in the queue.",
      Double(gauges.jobsByState[.queued] ?? 0))
    text.single(
      "assay_queue_oldest_seconds", .gauge, "Age of the job that has waited longest.",
      gauges.oldestQueuedAt.map { max(0, now.seconds(since: $0)) } ?? 0)
    text.family("assay_attempts", .gauge, "Attempts by state.")
    for (state, count) in gauges.attemptsByState.sorted(by: { $0.key < $1.key }) {
      text.sample("assay_attempts", [("state", state)], Double(count))
    }
    text.single("assay_runs", .gauge, "Runs that are not deleted.", Double(gauges.runs))
    text.single("assay_schedules", .gauge, "Schedules.", Double(gauges.schedules))
    text.single(
      "assay_schedules_broken", .gauge, "Schedules that cannot fire.",
      Double(gauges.brokenSchedules))
    text.single("assay_events_total", .counter, "Events so far.", Double(gauges.lastEventId))
    text.single(
      "assay_points_taken_total", .counter, "Metric points taken in since the daemon started.",
      Double(gauges.pointsTaken))
    text.single(
      "assay_store_bytes", .gauge, "Size of the database file.", Double(gauges.fileBytes))
    text.single(
      "assay_store_wal_bytes", .gauge, "Size of its write-ahead log.", Double(gauges.walBytes))
    text.single(
      "assay_store_writes_waiting", .gauge, "Writes that wait for the writer.",
      Double(gauges.writesWaiting))
  }

  private static func requests(_ meter: RequestMeter, _ text: inout PrometheusText) {
    let all = meter.all
    text.family("assay_http_requests_total", .counter, "Requests by route and status.")
    for (route, counts) in all {
      for (status, count) in counts.byStatus.sorted(by: { $0.key < $1.key }) {
        text.sample(
          "assay_http_requests_total", labels(route) + [("status", String(status))], Double(count))
      }
    }
    let name = "assay_http_request_seconds"
    text.family(name, .histogram, "Time until the answer began.")
    for (route, counts) in all {
      var sum: UInt64 = 0
      for (bound, count) in zip(RequestMeter.bounds + [.infinity], counts.buckets) {
        sum += count
        text.sample(
          name + "_bucket", labels(route) + [("le", PrometheusText.number(bound))], Double(sum))
      }
      text.sample(name + "_sum", labels(route), counts.seconds)
      text.sample(name + "_count", labels(route), Double(sum))
    }
  }

  private static func labels(_ route: RequestMeter.Route) -> [(String, String)] {
    [("method", route.method), ("path", route.path)]
  }

  private static func process(_ facts: DaemonFacts, _ text: inout PrometheusText) {
    var user = 0.0
    var system = 0.0
    if clinux_cpu_seconds(0, &user, &system) == 0 {
      text.single(
        "process_cpu_seconds_total", .counter, "CPU time of the daemon.", user + system)
    }
    let pages = FileManager.default.contents(atPath: "/proc/self/statm")
      .map { String(decoding: $0, as: UTF8.self).split(separator: " ").compactMap { Double($0) } }
    if let pages, pages.count > 1 {
      let page = Double(sysconf(Int32(_SC_PAGESIZE)))
      text.single(
        "process_virtual_memory_bytes", .gauge, "Address space of the daemon.", pages[0] * page)
      text.single(
        "process_resident_memory_bytes", .gauge, "Memory of the daemon.", pages[1] * page)
    }
    // What cannot be counted is left out.
    if let open = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count {
      text.single("process_open_fds", .gauge, "Open descriptors of the daemon.", Double(open))
    }
    text.single(
      "process_start_time_seconds", .gauge, "When the daemon started, since 1970.",
      Double(facts.startedAt.microseconds) / 1e6)
  }
}
