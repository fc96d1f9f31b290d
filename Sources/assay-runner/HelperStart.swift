// Starts `assay-worker`, which lies beside this program, for what needs compression and hashes.

import CLinux
import Experiments
import Glibc

enum HelperStart {
  /// - Parameter output: takes what it says; -1: nobody.
  static func start(
    _ task: String, folder: String, output: Int32
  ) throws(Failure) -> Int32 {
    let null = open("/dev/null", O_WRONLY | O_CLOEXEC)
    defer { close(null) }
    let output = output < 0 ? null : output
    var buffer = [CChar](repeating: 0, count: 4_096)
    let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
    let own = String(
      decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    guard let slash = own.lastIndex(of: "/") else {
      throw Failure(code: "worker_not_found", message: "where assay-runner lies is not known")
    }
    let program = own[..<slash] + "/assay-worker"
    var step = clinux_command_fork
    let pid = ProgramStart.withPointers([String(program), task, folder]) { argv in
      program.withCString { path in
        folder.withCString { directory in
          var command = clinux_command(
            program: path, argv: argv, envp: environ, directory: directory, output_fd: output,
            error_fd: output, cpu_seconds: -1, open_files: -1, file_bytes: -1, niceness: 0)
          return clinux_command_start(&command, &step)
        }
      }
    }
    if pid >= 0 { return pid }
    throw Failure(
      code: "worker_not_started",
      message: "\(program) cannot be started: \(SystemError.text(-pid))")
  }
}

/// What there is to know beside a program: the state of its git repository, its Python packages.
enum Surroundings {
  static func areWorthRecording(_ spec: CommandSpec) -> Bool {
    spec.isPython || isInRepository(spec.directory)
  }

  private static func isInRepository(_ folder: String) -> Bool {
    var folder = folder[...]
    while true {
      if access(folder + "/.git", F_OK) == 0 { return true }
      guard let slash = folder.lastIndex(of: "/") else { return false }
      folder = folder[..<slash]
    }
  }
}
