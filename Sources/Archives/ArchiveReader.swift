// Reads an archive. Opening one looks at its structure and version; `verify` compares every checksum.
// Nothing is ever written to the file system, so a member's name can lead nowhere.

import Checkpoints
import Foundation
import Wire

package final class ArchiveReader {
  package let about: AboutArchive
  /// By name.
  package let members: [String: ArchiveMember]
  /// SHA-256 by name, of all members but the list itself.
  package let sums: [String: String]
  private let file: ArchiveFile
  private static let pieceBytes = 1 << 20

  /// - Throws: `ArchiveError`: `not_an_archive`, `archive_newer`, `archive_truncated`,
  ///   `archive_damaged`, `archive_invalid`, `limit_exceeded`, `file_unreadable`.
  package init(path: String) throws {
    file = try ArchiveFile(path)
    // The version comes first, since a newer archive may be anything from there on.
    if let version = Self.version(file), version > ArchiveLayout.version {
      throw ArchiveError.newer(version: version)
    }
    let first = try file.read(at: 0, TarHeader.blockBytes)
    guard !first.isEmpty else {
      throw ArchiveError.notAnArchive(path: path, reason: "it is empty")
    }
    let isTar = first.count == TarHeader.blockBytes && first[257..<262].elementsEqual("ustar".utf8)
    guard
      isTar || ArchiveLayout.about.utf8.starts(with: first.prefix(ArchiveLayout.about.utf8.count))
    else { throw ArchiveError.notAnArchive(path: path, reason: "it is no tar file") }
    members = try TarIndex.members(of: file)
    guard let about = members[ArchiveLayout.about] else {
      throw ArchiveError.notAnArchive(path: path, reason: "it has no \(ArchiveLayout.about)")
    }
    let text = try Self.bytes(of: about, atMost: ArchiveLimits.aboutBytes, file)
    self.about = try Self.about(text)
    sums = try Self.sums(file, members)
  }

  /// Compares every member with its checksum.
  /// - Parameter progress: is told the bytes that were read since it was last called.
  /// - Throws: `archive_damaged`, naming the member.
  package func verify(progress: (Int64) -> Void = { _ in }) throws(ArchiveError) {
    for member in members.values.sorted(by: { $0.start < $1.start }) {
      guard let expected = sums[member.name] else { continue }
      var hash = ContentHash()
      var pieces = self.pieces(of: member)
      while case let piece = try pieces.next(), !piece.isEmpty {
        hash.update(piece)
        progress(Int64(piece.count))
      }
      let found = hash.hex
      guard found == expected else {
        throw .damaged(member: member.name, expected: expected, found: found)
      }
    }
  }

  /// - Throws: `archive_damaged` if there is none.
  package func member(_ name: String) throws(ArchiveError) -> ArchiveMember {
    guard let member = members[name] else { throw .memberMissing(member: name) }
    return member
  }

  package func bytes(
    of member: ArchiveMember, atMost limit: Int64
  ) throws(ArchiveError) -> [UInt8] {
    try Self.bytes(of: member, atMost: limit, file)
  }

  /// The member's bytes a mebibyte at a time.
  package func pieces(of member: ArchiveMember) -> ArchivePieces {
    ArchivePieces(file: file, member: member, size: Self.pieceBytes)
  }

  /// The lines of a member, each decoded from JSON.
  package func lines<Line: Decodable>(
    of member: ArchiveMember, as: Line.Type = Line.self
  ) -> ArchiveLines<Line> {
    ArchiveLines(pieces: pieces(of: member), member: member.name)
  }

  private static func bytes(
    of member: ArchiveMember, atMost limit: Int64, _ file: ArchiveFile
  ) throws(ArchiveError) -> [UInt8] {
    guard member.size <= limit else {
      throw .limit(member: member.name, what: "bytes", value: member.size, limit: limit)
    }
    let bytes = try file.read(at: member.start, Int(member.size))
    guard bytes.count == Int(member.size) else { throw .truncated(member: member.name) }
    return bytes
  }

  /// What the first member says, if the file begins as an archive does.
  private static func version(_ file: ArchiveFile) -> Int? {
    // Anything wrong here is found, and said, by the reading that follows.
    guard let block = try? file.read(at: 0, TarHeader.blockBytes),
      let header = try? TarHeader(block: block), header.name == ArchiveLayout.about,
      header.size <= ArchiveLimits.aboutBytes,
      let text = try? file.read(at: Int64(TarHeader.blockBytes), Int(header.size)),
      let version = try? WireCoding.decoder().decode(AboutArchive.Version.self, from: Data(text)),
      version.format == ArchiveLayout.format
    else { return nil }
    return version.version
  }

  private static func about(_ text: [UInt8]) throws(ArchiveError) -> AboutArchive {
    func invalid(_ reason: String) -> ArchiveError {
      .content(member: ArchiveLayout.about, line: nil, reason: reason)
    }
    let version: AboutArchive.Version
    do {
      version = try WireCoding.decoder().decode(AboutArchive.Version.self, from: Data(text))
    } catch {
      throw invalid(JSONReason.text(error))
    }
    guard version.format == ArchiveLayout.format else {
      throw invalid("its format is \"\(version.format.prefix(80))\"")
    }
    guard version.version <= ArchiveLayout.version else { throw .newer(version: version.version) }
    do {
      return try WireCoding.decoder().decode(AboutArchive.self, from: Data(text))
    } catch {
      throw invalid(JSONReason.text(error))
    }
  }

  /// The list names every member but itself, and no other.
  private static func sums(
    _ file: ArchiveFile, _ members: [String: ArchiveMember]
  ) throws(ArchiveError) -> [String: String] {
    guard let list = members[ArchiveLayout.sums] else {
      throw .memberMissing(member: ArchiveLayout.sums)
    }
    let bytes = try bytes(of: list, atMost: ArchiveLimits.sumsBytes, file)
    var sums: [String: String] = [:]
    func invalid(_ line: Int, _ reason: String) -> ArchiveError {
      .content(member: ArchiveLayout.sums, line: line, reason: reason)
    }
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    guard lines.last?.isEmpty ?? false else { throw .truncated(member: ArchiveLayout.sums) }
    for (index, line) in lines.dropLast().enumerated() {
      // Bytes, not characters: a name may begin with a combining mark.
      let hash = String(decoding: line.prefix(64), as: UTF8.self)
      guard ContentHash.isHex(hash), line.dropFirst(64).starts(with: "  ".utf8) else {
        throw invalid(index + 1, "it is no SHA-256, two spaces and a name")
      }
      let name = String(decoding: line.dropFirst(66), as: UTF8.self)
      guard members[name] != nil else {
        throw invalid(index + 1, "the archive has no \(name.prefix(120))")
      }
      guard sums.updateValue(hash, forKey: name) == nil else {
        throw invalid(index + 1, "\(name.prefix(120)) stands there twice")
      }
    }
    for name in members.keys.sorted() where sums[name] == nil && name != ArchiveLayout.sums {
      throw .content(
        member: ArchiveLayout.sums, line: nil, reason: "it has no checksum of \(name.prefix(120))")
    }
    return sums
  }
}

/// What is wrong with a piece of JSON, in a few words.
enum JSONReason {
  static func text(_ error: any Error) -> String {
    guard let error = error as? DecodingError else { return "\(error)" }
    switch error {
    case .keyNotFound(let key, _): return "\(key.stringValue) is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      let path = context.codingPath.map(\.stringValue).joined(separator: ".")
      return "\(path.isEmpty ? "it" : path) is of the wrong type"
    case .dataCorrupted(let context):
      let path = context.codingPath.map(\.stringValue).joined(separator: ".")
      return (path.isEmpty ? "" : path + ": ") + context.debugDescription
    @unknown default: return "it cannot be read"
    }
  }
}
