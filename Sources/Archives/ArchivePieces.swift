// A member's bytes in pieces, and its lines: as much in memory at a time as one piece and one line.

import Foundation
import Wire

package struct ArchivePieces {
  let file: ArchiveFile
  let member: ArchiveMember
  let size: Int
  private var done: Int64 = 0

  init(file: ArchiveFile, member: ArchiveMember, size: Int) {
    self.file = file
    self.member = member
    self.size = size
  }

  /// Empty at the end.
  package mutating func next() throws(ArchiveError) -> [UInt8] {
    let count = Int(min(Int64(size), member.size - done))
    guard count > 0 else { return [] }
    let piece = try file.read(at: member.start + done, count)
    guard piece.count == count else { throw .truncated(member: member.name) }
    done += Int64(count)
    return piece
  }
}

package struct ArchiveLines<Line: Decodable> {
  private var pieces: ArchivePieces
  private let member: String
  private var rest: [UInt8] = []
  /// Where the next line begins in `rest`.
  private var start = 0
  /// Of the line that was given last, from 1.
  package private(set) var number = 0
  private let decoder = WireCoding.decoder()

  init(pieces: ArchivePieces, member: String) {
    self.pieces = pieces
    self.member = member
  }

  /// Nil at the end.
  /// - Throws: `archive_invalid`, naming member and line.
  package mutating func next() throws(ArchiveError) -> Line? {
    var searched = start
    while true {
      if let end = rest[searched...].firstIndex(of: UInt8(ascii: "\n")) {
        defer { start = end + 1 }
        number += 1
        return try decode(rest[start..<end])
      }
      searched = rest.count
      guard rest.count - start <= ArchiveLimits.lineBytes else {
        throw .content(
          member: member, line: number + 1,
          reason: "it has more than \(ArchiveLimits.lineBytes) bytes")
      }
      let piece = try pieces.next()
      if piece.isEmpty {
        guard start == rest.count else {
          throw .content(member: member, line: number + 1, reason: "it has no end")
        }
        return nil
      }
      rest.removeFirst(start)
      searched -= start
      start = 0
      rest += piece
    }
  }

  private func decode(_ bytes: ArraySlice<UInt8>) throws(ArchiveError) -> Line {
    do {
      return try decoder.decode(Line.self, from: Data(bytes))
    } catch {
      throw .content(member: member, line: number, reason: JSONReason.text(error))
    }
  }
}
