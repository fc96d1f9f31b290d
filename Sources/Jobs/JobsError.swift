// What can go wrong around processes, their folders and schedules. Every case has a stable code, a
// sentence with the value that was refused, and, where there is one, what to do about it.

import Foundation
import Glibc

package enum JobsError: Error, Sendable, Equatable {
  /// A call on a file failed: `operation` in words ("write", "rename"), `errno` as the kernel said.
  case file(operation: String, path: String, errno: Int32)
  /// A file is there, but its content is not what it must be.
  case damaged(path: String, reason: String)
  /// Another process holds the lock; `holder` is the note it left (its pid), empty if none.
  case lockHeld(path: String, holder: String)
  /// The folder of an attempt that was started before.
  case attemptFolderExists(path: String)
  /// A worker could not be started; `step` is what failed ("run", "enter the folder of").
  case spawn(program: String, step: String, errno: Int32)
  /// A call on a process or the watcher failed.
  case process(operation: String, pid: Int32, errno: Int32)
  /// Processes that were killed and are still there.
  case survivors(pids: [Int32])
  /// A cron expression; `field` is "minute", "day of month", … or "expression".
  case cron(field: String, value: String, reason: String)
  case timeZone(name: String)

  package var code: String {
    switch self {
    case .file(_, _, let number):
      switch number {
      case ENOSPC, EDQUOT: "disk_full"
      case EACCES, EPERM, EROFS: "permission_denied"
      default: "file_failed"
      }
    case .damaged: "file_damaged"
    case .lockHeld: "lock_held"
    case .attemptFolderExists: "attempt_folder_exists"
    case .spawn: "worker_not_started"
    case .process: "process_call_failed"
    case .survivors: "processes_survive"
    case .cron: "cron_invalid"
    case .timeZone: "time_zone_unknown"
    }
  }

  package var message: String {
    switch self {
    case .file(let operation, let path, let number):
      "cannot \(operation) \(path): \(Self.text(of: number))"
    case .damaged(let path, let reason): "\(path) is damaged: \(reason)"
    case .lockHeld(let path, let holder):
      holder.isEmpty
        ? "\(path) is locked by another process" : "\(path) is locked by process \(holder)"
    case .attemptFolderExists(let path): "\(path) is the folder of an attempt started before"
    case .spawn(let program, let step, let number):
      "cannot \(step) \(program): \(Self.text(of: number))"
    case .process(let operation, let pid, let number):
      "cannot \(operation) process \(pid): \(Self.text(of: number))"
    case .survivors(let pids):
      "still there after SIGKILL: process \(pids.map(String.init).joined(separator: ", "))"
    case .cron(let field, let value, let reason):
      field == "expression" ? "\"\(value)\" \(reason)" : "\(field): \"\(value)\" \(reason)"
    case .timeZone(let name): "\"\(name)\" is not a known time zone"
    }
  }

  package var hint: String? {
    switch self {
    case .file(_, let path, ENOSPC), .file(_, let path, EDQUOT):
      "free some space on the file system of \(path); nothing recorded so far is lost"
    case .file(_, let path, EACCES), .file(_, let path, EPERM):
      "the folder must belong to the user who runs assayd: ls -ld \(path)"
    case .spawn(_, _, ENOENT):
      "assay-worker must lie beside assayd; install or build the programs again"
    case .spawn(_, _, EACCES): "make it executable: chmod +x"
    case .spawn(_, _, EAGAIN), .spawn(_, _, ENOMEM):
      "too many processes or too little memory: use fewer slots, or raise ulimit -u"
    case .process(_, _, EMFILE), .file(_, _, EMFILE): "raise the limit of open files: ulimit -n"
    case .lockHeld: "wait for it to end, or end it"
    case .survivors: "they wait in the kernel, mostly for a file system that does not answer"
    case .cron: "five fields: minute hour day-of-month month day-of-week, e.g. \"0 2 * * *\""
    case .timeZone: "use an IANA name such as Europe/Berlin or UTC"
    case .file, .damaged, .attemptFolderExists, .spawn, .process: nil
    }
  }

  private static func text(of number: Int32) -> String { String(cString: strerror(number)) }
}

extension JobsError: LocalizedError {
  package var errorDescription: String? { message }
}
