// assay-runner runs the program of one attempt of a command job, told by the files in the attempt's
// folder. assayd starts it and it outlives assayd; nothing of it is for people to call. It has no
// HTTP library, no BLAS and no Foundation: it is to cost a program that lives a millisecond little
// more than that. What needs more is done by assay-worker, which it starts.

import CLinux
import Experiments
import Glibc

@main
enum AssayRunner {
  static func main() {
    // A vanished reader and a file-size limit are errors to handle, not reasons to die.
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    let arguments = CommandLine.arguments
    guard arguments.count == 2, !arguments[1].hasPrefix("-") else {
      RunnerLog.write("usage: assay-runner FOLDER (assayd starts it)")
      exit(2)
    }
    do {
      var attempt = try CommandAttempt(files: AttemptFiles(folder: arguments[1]))
      exit(try attempt.run())
    } catch {
      RunnerLog.write("\(error.code): \(error.message)")
      exit(2)
    }
  }
}

/// The runner's own words, for the attempt's output file.
enum RunnerLog {
  static func write(_ text: String) {
    let line = Array("assay-runner: \(text)\n".utf8)
    // A line that cannot be written is no reason to stop working.
    _ = Glibc.write(STDERR_FILENO, line, line.count)
  }
}

enum SystemError {
  static func text(_ number: Int32) -> String { String(cString: strerror(number)) }
}
