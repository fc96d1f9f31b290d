// Reads small files and file beginnings with errors that name the file, and knows paths.

import Glibc

enum LocalFile {
  /// At most `limit` bytes of the file, `-` being standard input.
  static func beginning(of path: String, limit: Int) throws(CommandError) -> [UInt8] {
    let isInput = path == "-"
    let descriptor = isInput ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw unreadable(path) }
    defer { if !isInput { close(descriptor) } }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 64 << 10)
    while bytes.count < limit {
      let count = read(descriptor, &piece, min(piece.count, limit - bytes.count))
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw unreadable(path) }
      if count == 0 { break }
      bytes.append(contentsOf: piece[..<count])
    }
    return bytes
  }

  /// The whole file, if it has no more than `limit` bytes.
  static func whole(_ path: String, limit: Int) throws(CommandError) -> [UInt8] {
    let bytes = try beginning(of: path, limit: limit + 1)
    guard bytes.count <= limit else { throw .tooLarge(path: path, limit: limit) }
    return bytes
  }

  /// Nil if it was deleted meanwhile.
  static var currentFolder: String? {
    guard let path = getcwd(nil, 0) else { return nil }
    defer { free(path) }
    return String(cString: path)
  }

  static var home: String? { getenv("HOME").map { String(cString: $0) } }

  /// Whether `absolute` needs a folder for the path.
  static func isRelative(_ path: String) -> Bool {
    !path.hasPrefix("/") && path != "~" && !path.hasPrefix("~/")
  }

  /// The folder that a file lies in; nil if that depends on a current folder that is not there.
  static func folder(of path: String) -> String? {
    let folder = currentFolder
    if folder == nil && isRelative(path) { return nil }
    let path = absolute(path, in: folder ?? "/")
    guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
    return String(path[..<slash])
  }

  /// `path` from `folder`, with `~` as the home folder and without `.` and `..`.
  static func absolute(_ path: String, in folder: String) -> String {
    var full = path
    if path == "~" || path.hasPrefix("~/"), let home { full = home + path.dropFirst() }
    if !full.hasPrefix("/") { full = folder + "/" + full }
    var parts: [Substring] = []
    for part in full.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }

  /// The path's last part.
  static func name(of path: String) -> String {
    path == "-" ? "standard input" : path.split(separator: "/").last.map(String.init) ?? path
  }

  /// Refuses to write over a file unless that is wanted.
  static func checkThatAbsent(
    _ path: String, unless force: Bool, option: String = "--output"
  ) throws(CommandError) {
    guard !force, access(path, F_OK) == 0 else { return }
    throw .badArgument(
      "\(path) exists already", hint: "replace it with --force, or choose another \(option)")
  }

  static func size(_ path: String) throws(CommandError) -> Int64 {
    var info = stat()
    guard stat(path, &info) == 0 else { throw unreadable(path) }
    return Int64(info.st_size)
  }

  static func unreadable(_ path: String) -> CommandError {
    .unreadable(path: path, reason: String(cString: strerror(errno)))
  }
}
