// What runs and what waits now, with what each job takes of the machine.

import Experiments
import Foundation
import HTTPTypes
import Jobs
import Store
import Wire

enum TopRoutes {
  static func endpoints(_ core: Core) -> [Endpoint] {
    [
      Endpoint(.get, "/top", query: ["waiting"]) { request in
        let waiting = try request.integer("waiting", in: 1...Limits.pageItems) ?? 20
        let usage = await core.supervisor.usage()
        let running = try await core.store.activeAttempts().map {
          TopJob(job: $0.job, usage: usage[$0.attempt.id].map(Self.usage))
        }
        let counts = try await core.store.status()
        return try await Reply.json(
          large: TopReply(
            at: core.clock.now(), slots: await core.supervisor.slots,
            slotsInUse: await core.supervisor.slotsInUse, host: HostMeter.load(),
            jobsByState: Dictionary(
              uniqueKeysWithValues: counts.jobsByState.map { ($0.key.rawValue, $0.value) }),
            running: running, waiting: try await core.store.nextQueued(limit: waiting)),
          in: core.workshop)
      }
    ]
  }

  private static func usage(_ usage: WorkerUsage) -> JobUsage {
    JobUsage(
      pid: usage.pid, processes: usage.processes, cpuSeconds: usage.cpuSeconds,
      residentBytes: usage.residentBytes)
  }
}

/// What the machine says of itself; what it does not say is 0.
private enum HostMeter {
  static func load() -> HostLoad {
    let memory = text("/proc/meminfo")
    return HostLoad(
      cores: ProcessInfo.processInfo.activeProcessorCount,
      load: text("/proc/loadavg").split(separator: " ").first.flatMap { Double($0) } ?? 0,
      memoryBytes: bytes("MemTotal:", memory), availableBytes: bytes("MemAvailable:", memory))
  }

  private static func bytes(_ key: String, _ text: String) -> Int64 {
    for line in text.split(separator: "\n") where line.hasPrefix(key) {
      let words = line.split(separator: " ")
      return words.count > 1 ? (Int64(words[1]) ?? 0) * 1_024 : 0
    }
    return 0
  }

  private static func text(_ path: String) -> String {
    do {
      // A file of the kernel, without length.
      let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
      defer { try? file.close() }  // only read
      return String(decoding: try file.read(upToCount: 64 << 10) ?? Data(), as: UTF8.self)
    } catch {
      return ""
    }
  }
}
