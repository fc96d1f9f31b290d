// assay-worker runs one attempt of a job, told by the files in the attempt's folder. assayd starts
// it and it outlives assayd; nothing of it is for people to call.
import CLinux
import Experiments
import Foundation
import Jobs

@main
struct AssayWorker {
  static func main() async {
    // A vanished reader and a file-size limit are errors to handle, not reasons to die.
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    // States are taken, coded and sent over and over: the memory for one is that of the one before.
    _ = clinux_keep_freed_memory(32 << 20)
    // What a child leaves behind comes to this process and not to init.
    clinux_set_child_subreaper()
    let arguments = Array(CommandLine.arguments.dropFirst())
    do {
      switch arguments.count {
      case 1 where !arguments[0].hasPrefix("-"):
        exit(try await AttemptRunner(folder: AttemptFolder(path: arguments[0])).run())
      case 2 where arguments[0] == "--flush":
        exit(try await SpoolFlush(folder: AttemptFolder(path: arguments[1])).run())
      case 2 where arguments[0] == "--keep":
        exit(try await KeepFiles(folder: AttemptFolder(path: arguments[1])).run())
      case 2 where arguments[0] == "--capture":
        exit(try await CaptureSurroundings(folder: AttemptFolder(path: arguments[1])).run())
      case 2 where arguments[0] == "rebuild":
        exit(try Rebuild(orderPath: arguments[1]).run())
      default:
        throw WorkerError.usage
      }
    } catch {
      let failure = Failures.describe(error)
      WorkerLog.write("\(failure.code): \(failure.message)")
      exit(2)
    }
  }
}
