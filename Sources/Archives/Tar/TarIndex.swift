// The members of a tar file: their names and where their bytes are. Reads headers only. Whatever is
// between them (padding, the end) must be zeros, so that no bit of the file goes unchecked.

/// A member's place in its file.
package struct ArchiveMember: Sendable, Equatable {
  package var name: String
  package var start: Int64
  package var size: Int64
}

struct TarIndex {
  private let file: ArchiveFile
  private var offset: Int64 = 0
  private var members: [String: ArchiveMember] = [:]
  private var previous = "the first header"
  /// A pax header is this long at most.
  private static let maxPaxBytes: Int64 = 64 << 10

  /// - Throws: `archive_damaged`, `archive_truncated`, `limit_exceeded`, `file_unreadable`.
  static func members(of file: ArchiveFile) throws(ArchiveError) -> [String: ArchiveMember] {
    var index = TarIndex(file: file)
    var records: [String: String] = [:]
    while let header = try index.nextHeader() {
      records = try index.take(header, records)
    }
    try index.checkEnd()
    return index.members
  }

  private init(file: ArchiveFile) { self.file = file }

  /// Nil at the block of zeros that ends the file.
  private mutating func nextHeader() throws(ArchiveError) -> TarHeader? {
    let block = try file.read(at: offset, TarHeader.blockBytes)
    guard block.count == TarHeader.blockBytes else { throw .truncated(member: lost) }
    if block.allSatisfy({ $0 == 0 }) { return nil }
    offset += Int64(TarHeader.blockBytes)
    do {
      return try TarHeader(block: block)
    } catch {
      throw .structure(member: "the header after \(previous)", reason: error.reason)
    }
  }

  /// - Parameter records: of the pax header before this one.
  /// - Returns: those for the next.
  private mutating func take(
    _ header: TarHeader, _ records: [String: String]
  ) throws(ArchiveError) -> [String: String] {
    var header = header
    if let path = records["path"] { header.name = path }
    if let text = records["size"] {
      guard let size = Int64(text), size >= 0 else {
        throw .structure(member: header.name, reason: "has the size \"\(text.prefix(40))\"")
      }
      header.size = size
    }
    let start = offset
    let name = header.name.hasPrefix("./") ? String(header.name.dropFirst(2)) : header.name
    guard name.utf8.count <= ArchiveLimits.memberNameBytes else {
      throw .limit(
        member: name, what: "bytes in its name", value: Int64(name.utf8.count),
        limit: Int64(ArchiveLimits.memberNameBytes))
    }
    let padding = TarHeader.padding(after: header.size)
    guard header.size <= file.size - start, start + header.size + Int64(padding) <= file.size
    else { throw .truncated(member: name) }
    let zeros = try file.read(at: start + header.size, padding)
    guard zeros.allSatisfy({ $0 == 0 }) else {
      throw .structure(member: name, reason: "is not followed by zeros")
    }
    offset = start + header.size + Int64(padding)
    previous = name
    switch header.kind {
    case .extended: return try pax(header, at: start)
    case .directory, .global: return [:]
    case .file: break
    }
    let member = ArchiveMember(name: name, start: start, size: header.size)
    guard members.updateValue(member, forKey: name) == nil else { throw .memberTwice(member: name) }
    guard members.count <= ArchiveLimits.members else {
      throw .limit(
        member: "the archive", what: "members", value: Int64(members.count),
        limit: Int64(ArchiveLimits.members))
    }
    return [:]
  }

  private func pax(
    _ header: TarHeader, at start: Int64
  ) throws(ArchiveError) -> [String: String] {
    guard header.size <= Self.maxPaxBytes else {
      throw .limit(
        member: "a pax header", what: "bytes", value: header.size, limit: Self.maxPaxBytes)
    }
    do {
      return try PaxRecords.parse(try file.read(at: start, Int(header.size)))
    } catch let error as TarMistake {
      throw .structure(member: "a pax header", reason: error.reason)
    } catch let error as ArchiveError {
      throw error
    } catch {
      throw .structure(member: "a pax header", reason: "\(error)")
    }
  }

  /// Two blocks of zeros at least, and nothing else up to the end.
  private func checkEnd() throws(ArchiveError) {
    guard file.size - offset >= Int64(2 * TarHeader.blockBytes) else {
      throw .truncated(member: lost)
    }
    var place = offset
    while place < file.size {
      let bytes = try file.read(at: place, 1 << 20)
      guard !bytes.isEmpty else { return }
      guard bytes.allSatisfy({ $0 == 0 }) else {
        throw .structure(member: "the end after \(previous)", reason: "is not zeros")
      }
      place += Int64(bytes.count)
    }
  }

  private var lost: String { "what follows \(previous)" }
}
