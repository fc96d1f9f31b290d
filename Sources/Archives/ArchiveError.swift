// What can be wrong with an archive, or with writing one. Every case names the file's member, and the
// line where there is one.

package enum ArchiveError: Error, Sendable, Equatable {
  case cannotOpen(path: String, reason: String)
  case cannotRead(path: String, reason: String)
  case cannotWrite(path: String, reason: String)
  /// It is not a tar file, or not one of Assay.
  case notAnArchive(path: String, reason: String)
  /// Written by an Assay that this one does not know.
  case newer(version: Int)
  /// The file ends before what it promises.
  case truncated(member: String)
  /// The tar file's own structure is wrong.
  case structure(member: String, reason: String)
  case memberMissing(member: String)
  case memberTwice(member: String)
  /// Its bytes are not what SHA256SUMS says.
  case damaged(member: String, expected: String, found: String)
  /// Its content is not what it must be; lines count from 1.
  case content(member: String, line: Int?, reason: String)
  case limit(member: String, what: String, value: Int64, limit: Int64)
}

extension ArchiveError {
  /// Stable; what programs compare with.
  package var code: String {
    switch self {
    case .cannotOpen, .cannotRead: "file_unreadable"
    case .cannotWrite: "file_error"
    case .notAnArchive: "not_an_archive"
    case .newer: "archive_newer"
    case .truncated: "archive_truncated"
    case .structure, .memberMissing, .memberTwice, .damaged: "archive_damaged"
    case .content: "archive_invalid"
    case .limit: "limit_exceeded"
    }
  }

  package var message: String {
    switch self {
    case .cannotOpen(let path, let reason), .cannotRead(let path, let reason):
      "\(path) cannot be read: \(reason)"
    case .cannotWrite(let path, let reason): "\(path) cannot be written: \(reason)"
    case .notAnArchive(let path, let reason): "\(path) is no archive of Assay: \(reason)"
    case .newer(let version):
      "\(ArchiveLayout.about) says format version \(version); this Assay reads up to "
        + "\(ArchiveLayout.version)"
    case .truncated(let member): "the archive ends in the middle of \(shown(member))"
    case .structure(let member, let reason): "\(shown(member)) \(reason)"
    case .memberMissing(let member): "the archive has no \(shown(member))"
    case .memberTwice(let member): "the archive has \(shown(member)) twice"
    case .damaged(let member, let expected, let found):
      "\(shown(member)) is damaged: its SHA-256 is \(found.prefix(16))… where "
        + "\(ArchiveLayout.sums) says \(expected.prefix(16))…"
    case .content(let member, let line, let reason):
      line.map { "\(shown(member)), line \($0): \(reason)" } ?? "\(shown(member)): \(reason)"
    case .limit(let member, let what, let value, let limit):
      "\(shown(member)) has \(value) \(what); the limit is \(limit)"
    }
  }

  package var hint: String? {
    switch self {
    case .newer: "import it with a newer Assay"
    case .truncated: "was it copied completely? nothing of it was imported"
    case .structure, .memberMissing, .memberTwice, .damaged:
      "nothing of it was imported; use another copy, or export it again"
    case .notAnArchive: "archives are made by: assay export"
    case .cannotOpen, .cannotRead, .cannotWrite, .content, .limit: nil
    }
  }

  /// Names come from outside, so a message shows no more than their beginning.
  private func shown(_ name: String) -> String {
    let shown = name.prefix(120)
    return shown.endIndex == name.endIndex ? name : shown + "…"
  }
}

extension ArchiveError: CustomStringConvertible {
  package var description: String { "\(code): \(message)" }
}
