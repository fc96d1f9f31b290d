// What can be seen of the daemon's places in the file system: who may enter, and how much room there is.

import Experiments
import Foundation
import Glibc
import Wire

/// What a path is.
private struct PathFacts {
  private let kind: FileAttributeType?
  private let owner: uid_t?
  private let mode: UInt32

  /// Nil if there is nothing, or it cannot be looked at.
  init?(_ path: String) {
    let real = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    guard let facts = try? FileManager.default.attributesOfItem(atPath: real) else { return nil }
    kind = facts[.type] as? FileAttributeType
    owner = (facts[.ownerAccountID] as? NSNumber)?.uint32Value
    mode = (facts[.posixPermissions] as? NSNumber)?.uint32Value ?? 0o777
  }

  var isSocket: Bool { kind == .typeSocket }
  /// Root may look after somebody else's.
  var isOwn: Bool { owner == geteuid() || geteuid() == 0 }
  var isClosed: Bool { mode & 0o077 == 0 }
  var permissions: String { "mode \(String(mode, radix: 8))" }
}

enum SocketChecks {
  static func look(at path: String, _ findings: inout Findings) {
    let folder = (path as NSString).deletingLastPathComponent
    guard let socket = PathFacts(path) else {
      return findings.add(
        "socket", .fail, "there is none at \(path)",
        "start the daemon with: assayd --background; or name its socket with ASSAY_SOCKET")
    }
    guard socket.isSocket else {
      return findings.add("socket", .fail, "\(path) is not a socket", "name another one")
    }
    guard socket.isOwn else {
      return findings.add(
        "socket", .fail, "\(path) is another user's",
        "each user has a daemon of their own; start yours with: assayd --background")
    }
    findings.add("socket", .ok, path)
    if let facts = PathFacts(folder), !facts.isClosed || !socket.isClosed {
      let (open, which) = facts.isClosed ? (path, socket) : (folder, facts)
      findings.add(
        "permissions", .fail, "\(open) is open to other users (\(which.permissions))",
        "close it with: chmod go-rwx \(ShellText.word(open))")
    }
  }
}

enum HostChecks {
  private static let little: Int64 = 1_000_000_000
  private static let tooLittle: Int64 = 100_000_000

  static func look(at status: DaemonStatus, _ findings: inout Findings) {
    permissions(status.dataFolder, &findings)
    disk(status.dataFolder, &findings)
    worker(Int32(clamping: status.pid), &findings)
  }

  private static func permissions(_ folder: String, _ findings: inout Findings) {
    let paths = [folder, folder + "/assay.db", folder + "/assayd.token"]
    let open = paths.first { PathFacts($0).map { !$0.isClosed } ?? false }
    guard let open else {
      return findings.add("permissions", .ok, "\(folder) is closed to other users")
    }
    findings.add(
      "permissions", .fail, "\(open) is open to other users",
      "close it with: chmod go-rwx \(ShellText.word(open))")
  }

  private static func disk(_ folder: String, _ findings: inout Findings) {
    let facts = try? FileManager.default.attributesOfFileSystem(forPath: folder)
    guard let free = (facts?[.systemFreeSize] as? NSNumber)?.int64Value else {
      return findings.add("disk", .warn, "the file system of \(folder) cannot be looked at")
    }
    let text = "\(Quantities.bytes(free)) free in \(folder)"
    switch free {
    case ..<tooLittle:
      findings.add("disk", .fail, text, "make room; assay du and assay gc tell what can go")
    case ..<little:
      findings.add("disk", .warn, text, "make room; assay du and assay gc tell what can go")
    default: findings.add("disk", .ok, text)
    }
  }

  /// Beside the daemon's own program, where it looks for it by itself.
  private static func worker(_ pid: Int32, _ findings: inout Findings) {
    let link = "/proc/\(pid)/exe"
    guard let program = try? FileManager.default.destinationOfSymbolicLink(atPath: link) else {
      return findings.add("worker", .warn, "the daemon's program cannot be found out")
    }
    let gone = " (deleted)"
    if program.hasSuffix(gone) {
      return findings.add(
        "worker", .warn, "the daemon's program \(program.dropLast(gone.count)) was replaced",
        "start the new one: assayd stop && assayd --background (running jobs go on)")
    }
    let worker = (program as NSString).deletingLastPathComponent + "/assay-worker"
    if access(worker, X_OK) == 0 {
      findings.add("worker", .ok, worker)
    } else {
      findings.add(
        "worker", .warn, "there is no \(worker)",
        "fine if assayd was started with --worker; otherwise install it there")
    }
  }
}
