// The folder of one daemon under test: its data, its socket, and what it prints.
import Foundation

struct Place: Sendable {
  /// 0700, short enough for a socket's path.
  let base: String
  var data: String
  let programs: String
  var socket: String { base + "/run/assay.sock" }
  var log: String { base + "/assayd.log" }
  /// What is started instead of a worker: it takes the job and never does anything.
  var idleWorker: String { base + "/idle-worker" }

  /// - Parameter data: where the data lies, if not in the folder itself.
  init(programs: String, data: String? = nil, under parent: String = "/tmp") throws {
    var generator = SystemRandomNumberGenerator()
    let name = String(UInt64.random(in: 0...UInt64.max, using: &generator), radix: 36)
    base = parent + "/assay-robust-" + name
    self.data = data ?? base + "/data"
    self.programs = programs
    guard mkdir(base, 0o700) == 0 else {
      throw Trouble("cannot make \(base): \(String(cString: strerror(errno)))")
    }
    try Data("#!/bin/sh\nexec sleep 100000\n".utf8).write(to: URL(fileURLWithPath: idleWorker))
    chmod(idleWorker, 0o700)
  }

  func program(_ name: String) -> String { programs + "/" + name }

  var database: String { data + "/assay.db" }

  /// Ends the idle workers: processes that work in this place's folders.
  func endWorkers() {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    for pid in names.compactMap({ pid_t($0) }) where pid != getpid() {
      // A process that has gone meanwhile is none of them.
      let folder = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/cwd")
      guard let folder, folder.hasPrefix(base + "/") || folder.hasPrefix(data + "/") else {
        continue
      }
      kill(pid, SIGKILL)
    }
  }

  func remove() {
    endWorkers()
    try? FileManager.default.removeItem(atPath: base)  // a leftover in /tmp spoils no result
  }

  /// The end of what the daemon has printed.
  var logTail: String {
    guard let bytes = FileManager.default.contents(atPath: log) else { return "(no log)" }
    return String(decoding: bytes.suffix(1_500), as: UTF8.self)
  }
}
