// The configuration file: what the flags say, with the same names, one `key = value` a line. A `#`
// begins a comment where a line begins or after a space. What is not understood is an error that
// names file and line, never passed over.

import Experiments
import Foundation
import Glibc

struct ConfigFile {
  struct Entry: Equatable {
    let value: String
    let file: String
    let line: Int

    func mistake(_ what: String, hint: String? = nil) -> Problem {
      ConfigFile.mistake(file, line, what, hint: hint)
    }
  }

  static let keys = [
    "data", "socket", "slots", "worker", "undo-days", "max-size", "resource", "listen",
    "log-level", "log-format",
  ]

  private static let mostBytes = 1 << 20

  /// The files that were read.
  private(set) var files: [String] = []
  private var entries: [String: Entry] = [:]

  subscript(key: String) -> Entry? { entries[key] }

  /// `explicit`, which must be there; else those that are there of /etc/assay/assayd.conf and the
  /// user's own, whose lines go before the machine's.
  /// - Throws: `Problem` (`config_unreadable`, `config_open`, `config_invalid`).
  static func read(
    explicit: String?, environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws -> ConfigFile {
    var config = ConfigFile()
    if let explicit {
      try config.add(explicit, isRequired: true)
    } else {
      for path in usualPaths(environment) { try config.add(path, isRequired: false) }
    }
    return config
  }

  /// The later ones go before the earlier ones.
  static func usualPaths(_ environment: [String: String]) -> [String] {
    let home = environment["HOME"] ?? NSHomeDirectory()
    let folder = environment["XDG_CONFIG_HOME"].flatMap { $0.isEmpty ? nil : $0 }
    return ["/etc/assay/assayd.conf", (folder ?? home + "/.config") + "/assay/assayd.conf"]
  }

  private mutating func add(_ path: String, isRequired: Bool) throws {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    if descriptor < 0, !isRequired, errno == ENOENT || errno == ENOTDIR { return }
    guard descriptor >= 0 else { throw Self.unreadable(path, String(cString: strerror(errno))) }
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    let real = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    let facts = try FileManager.default.attributesOfItem(atPath: real)
    guard facts[.type] as? FileAttributeType == .typeRegular else {
      throw Self.unreadable(path, "it is no file")
    }
    guard (facts[.size] as? NSNumber)?.intValue ?? 0 <= Self.mostBytes else {
      throw Self.unreadable(path, "it is too large")
    }
    // It names programs that are run.
    let owner = (facts[.ownerAccountID] as? NSNumber)?.uint32Value
    let mode = (facts[.posixPermissions] as? NSNumber)?.uint32Value ?? 0o777
    guard owner == 0 || owner == geteuid(), mode & 0o022 == 0 else {
      throw Problem(
        code: "config_open", message: "\(path) can be written by other users",
        hint: "close it with: chmod go-w \(path)")
    }
    let data = try handle.readToEnd() ?? Data()
    guard let text = String(data: data, encoding: .utf8) else {
      throw Self.unreadable(path, "it is not UTF-8 text")
    }
    try parse(text, path)
    files.append(path)
  }

  private mutating func parse(_ text: String, _ path: String) throws {
    var seen: [String: Int] = [:]
    for (index, whole) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      let number = index + 1
      let line = Self.withoutComment(whole).trimmingCharacters(in: .whitespaces)
      if line.isEmpty { continue }
      guard let sign = line.firstIndex(of: "=") else {
        throw Self.mistake(path, number, "\"\(line.prefix(80))\" is not of the form key = value")
      }
      let key = line[..<sign].trimmingCharacters(in: .whitespaces)
      let value = line[line.index(after: sign)...].trimmingCharacters(in: .whitespaces)
      guard Self.keys.contains(key) else {
        throw Self.mistake(
          path, number,
          "\"\(key.prefix(80))\" is unknown" + NearestName.question(for: key, among: Self.keys),
          hint: "known are \(Self.keys.joined(separator: ", "))")
      }
      if let first = seen[key] {
        throw Self.mistake(path, number, "\"\(key)\" is there already, on line \(first)")
      }
      guard !value.isEmpty else { throw Self.mistake(path, number, "\"\(key)\" has no value") }
      seen[key] = number
      entries[key] = Entry(value: Self.unquoted(value), file: path, line: number)
    }
  }

  private static func withoutComment(_ line: Substring) -> Substring {
    var before: Character = " "
    for index in line.indices {
      if line[index] == "#", before.isWhitespace { return line[..<index] }
      before = line[index]
    }
    return line
  }

  private static func unquoted(_ value: String) -> String {
    guard value.count >= 2, value.hasPrefix("\""), value.hasSuffix("\"") else { return value }
    return String(value.dropFirst().dropLast())
  }

  private static func mistake(
    _ file: String, _ line: Int, _ what: String, hint: String? = nil
  ) -> Problem {
    Problem(code: "config_invalid", message: "\(file):\(line): \(what)", hint: hint)
  }

  private static func unreadable(_ path: String, _ reason: String) -> Problem {
    Problem(code: "config_unreadable", message: "\(path) cannot be read: \(reason)")
  }
}
