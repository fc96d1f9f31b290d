// Starting the job's program: where it is found, what its environment is, and in words why it could
// not be started.

import CLinux
import Experiments
import Glibc

struct ProgramStart {
  let spec: CommandSpec
  let order: Order
  /// Of the daemon's environment a program gets these.
  private static let base = [
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TERM", "TMPDIR",
    "XDG_RUNTIME_DIR",
  ]
  private static let markVariable = "ASSAY_ATTEMPT_MARK"

  /// The program's process, its own group's leader, with output to the given descriptors.
  func start(output: Int32, errors: Int32) throws(Failure) -> Int32 {
    let environment = environment
    if let missing = spec.secretEnv.first(where: { order.secrets[$0] == nil }) {
      throw Failure(
        code: "secret_missing",
        message: "the value of the secret variable \(missing) is not there: it is given with each "
          + "submission, and is in no backup and no schedule")
    }
    try checkDirectory()
    let program = try resolve(environment)
    var step = clinux_command_fork
    let pid = Self.withPointers(spec.command) { argv in
      Self.withPointers(environment.map { "\($0.key)=\($0.value)" }.sorted()) { envp in
        program.withCString { program in
          spec.directory.withCString { directory in
            var command = clinux_command(
              program: program, argv: argv, envp: envp, directory: directory, output_fd: output,
              error_fd: errors, cpu_seconds: Self.limit(spec.limits.cpuTime),
              open_files: Self.limit(spec.limits.openFiles),
              file_bytes: Self.limit(spec.limits.fileSize), niceness: Int32(spec.nice))
            return clinux_command_start(&command, &step)
          }
        }
      }
    }
    if pid >= 0 { return pid }
    throw failure(program, step, -pid)
  }

  private static func limit(_ value: Int?) -> Int64 { value.map { Int64($0) } ?? -1 }

  var environment: [String: String] {
    var variables: [String: String] = [:]
    var pointer = environ
    while let entry = pointer.pointee {
      pointer += 1
      let text = String(cString: entry)
      guard let sign = text.firstIndex(of: "=") else { continue }
      let name = String(text[..<sign])
      guard
        Self.base.contains(name) || name.hasPrefix("LC_") || name == Self.markVariable
          || Self.isHandedOut(name)
      else { continue }
      variables[name] = String(text[text.index(after: sign)...])
    }
    if variables["PATH"] == nil { variables["PATH"] = "/usr/local/bin:/usr/bin:/bin" }
    variables.merge(spec.env) { _, own in own }
    variables.merge(order.secrets) { _, own in own }
    // The working directory as shells tell it.
    variables["PWD"] = spec.directory
    variables["ASSAY_SOCKET"] = order.socketPath
    variables["ASSAY_RUN_ID"] = String(order.run)
    variables["ASSAY_JOB_ID"] = String(order.job)
    variables["ASSAY_ATTEMPT"] = String(order.number)
    variables["ASSAY_TOKEN"] = order.token
    return variables
  }

  /// Which of the daemon's counted resources are the job's.
  private static func isHandedOut(_ name: String) -> Bool {
    name == "CUDA_VISIBLE_DEVICES" || name.hasPrefix("ASSAY_RESOURCE_")
  }

  private func checkDirectory() throws(Failure) {
    var info = stat()
    guard stat(spec.directory, &info) != 0 else {
      guard info.st_mode & S_IFMT == S_IFDIR else {
        throw Failure(
          code: "directory_missing", message: "the directory \(spec.directory) is a file")
      }
      return
    }
    throw directoryFailure(errno)
  }

  private func directoryFailure(_ number: Int32) -> Failure {
    number == ENOENT || number == ENOTDIR
      ? Failure(
        code: "directory_missing",
        message: "the directory \(spec.directory) is not there (any more)")
      : Failure(
        code: "directory_unusable",
        message: "the directory \(spec.directory) cannot be entered: \(SystemError.text(number))")
  }

  /// The program's file: a name with a slash is meant from the directory, others are looked for in
  /// the job's own PATH.
  private func resolve(_ environment: [String: String]) throws(Failure) -> String {
    let name = spec.command[0]
    if name.contains("/") {
      let path = name.hasPrefix("/") ? name : spec.directory + "/" + name
      var info = stat()
      guard stat(path, &info) == 0 else {
        throw Failure(
          code: "program_not_found", message: "the program \(path): \(SystemError.text(errno))")
      }
      guard info.st_mode & S_IFMT == S_IFREG, access(path, X_OK) == 0 else {
        throw notExecutable(path)
      }
      return path
    }
    let path = environment["PATH"] ?? ""
    var unusable: String?
    for folder in path.split(separator: ":") {
      let absolute = folder.hasPrefix("/") ? String(folder) : spec.directory + "/" + folder
      let file = absolute + "/" + name
      var info = stat()
      guard stat(file, &info) == 0, info.st_mode & S_IFMT == S_IFREG else { continue }
      if access(file, X_OK) == 0 { return file }
      unusable = unusable ?? file
    }
    if let unusable { throw notExecutable(unusable) }
    throw Failure(
      code: "program_not_found",
      message: "there is no program \(name) in PATH (\(path)); set the job's with --env PATH")
  }

  private func notExecutable(_ path: String) -> Failure {
    Failure(
      code: "program_not_executable",
      message: "\(path) is not a file that may be executed (chmod +x makes it one)")
  }

  private func failure(
    _ program: String, _ step: clinux_command_step, _ number: Int32
  ) -> Failure {
    if step == clinux_command_directory { return directoryFailure(number) }
    if step == clinux_command_exec {
      switch number {
      case EACCES: return notExecutable(program)
      case ENOEXEC:
        return Failure(
          code: "program_not_executable",
          message: "\(program) is neither a program nor a script that begins with #!")
      case ENOENT, ENOTDIR:
        return Failure(
          code: "program_not_found",
          message: "\(program) is there, but not the interpreter that it names")
      case E2BIG:
        return Failure(
          code: "program_not_started",
          message: "the arguments and the environment of \(program) are too long")
      default: break
      }
    }
    return Failure(
      code: "program_not_started",
      message: "\(program) cannot be started: \(SystemError.text(number))")
  }

  /// The texts as a C array with a null pointer at its end.
  static func withPointers<Result>(
    _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    var pointers: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) }
    pointers.append(nil)
    defer { for pointer in pointers { free(pointer) } }
    return pointers.withUnsafeBufferPointer { buffer in
      // Never nil: there is at least the closing null pointer.
      guard let base = buffer.baseAddress else { return body([nil]) }
      return body(base)
    }
  }
}
