// Where a job is submitted from: the folder, the user, and the state of the git repository around
// it. All of it is good to know and none of it needed: what cannot be found out quickly is left out.

import Experiments
import Glibc

enum GitContext {
  /// How long git may take; a huge tree on a slow disk must not hold up a submission.
  private static let patience = 2.0

  static func current() -> SubmitContext {
    let folder = LocalFile.currentFolder ?? "/"
    var context = SubmitContext(directory: folder, user: user)
    guard isInRepository(folder),
      let output = ChildOutput.read(
        ["git", "--no-optional-locks", "status", "--porcelain=v2", "--branch", "-uno"],
        patience: patience)
    else { return context }
    fill(&context, from: output)
    return context
  }

  /// Reads the output of `git status --porcelain=v2 --branch`.
  static func fill(_ context: inout SubmitContext, from output: String) {
    var isDirty = false
    for line in output.split(separator: "\n") {
      if let commit = value(of: "# branch.oid ", in: line) {
        context.gitCommit = commit == "(initial)" ? nil : commit
      } else if let branch = value(of: "# branch.head ", in: line) {
        context.gitBranch = branch == "(detached)" ? nil : branch
      } else if !line.hasPrefix("#") {
        isDirty = true
      }
    }
    if context.gitCommit != nil { context.gitDirty = isDirty }
  }

  private static func value(of key: String, in line: Substring) -> String? {
    line.hasPrefix(key) ? String(line.dropFirst(key.count)) : nil
  }

  private static var user: String {
    if let entry = getpwuid(getuid()), let name = entry.pointee.pw_name {
      return String(cString: name)
    }
    return String(getuid())
  }

  /// Whether there is a `.git` here or above; without one git need not be started.
  private static func isInRepository(_ folder: String) -> Bool {
    if getenv("GIT_DIR") != nil { return true }
    var folder = Substring(folder)
    while true {
      if access(folder + "/.git", F_OK) == 0 { return true }
      guard let slash = folder.lastIndex(of: "/") else { return false }
      folder = folder[..<slash]
    }
  }
}

/// The standard output of a short program.
enum ChildOutput {
  private static let limit = 1 << 20

  /// Nil if the program cannot be started, fails, says more than a megabyte or takes longer than
  /// `patience` seconds (it is then killed).
  static func read(_ arguments: [String], patience: Double) -> String? {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { return nil }
    // so that the child holds no reading end of its own
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    let child = start(arguments, output: ends[1])
    close(ends[1])
    defer { close(ends[0]) }
    guard let child else { return nil }
    let output = drain(ends[0], patience: patience)
    if output == nil { kill(child, SIGKILL) }
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 && errno == EINTR {}
    return status == 0 ? output : nil
  }

  private static func start(_ arguments: [String], output: Int32) -> pid_t? {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
    var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var child: pid_t = 0
    guard let program = words[0] else { return nil }
    return posix_spawnp(&child, program, &actions, nil, &words, environ) == 0 ? child : nil
  }

  private static func drain(_ descriptor: Int32, patience: Double) -> String? {
    let end = Moments.now().adding(seconds: patience)
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 16 << 10)
    while bytes.count < limit {
      let left = end.seconds(since: Moments.now())
      guard left > 0 else { return nil }
      var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&waiting, 1, Int32(left * 1_000) + 1) > 0 else { continue }
      let count = Glibc.read(descriptor, &piece, piece.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { return String(decoding: bytes, as: UTF8.self) }
      bytes.append(contentsOf: piece[..<count])
    }
    return nil
  }
}
