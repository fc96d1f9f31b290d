// Writes an archive member by member; the file appears once it is whole.
// What an import would refuse for its size is refused here already. The length of a member need
// not be known before: its header is written again when the member ends.

import Checkpoints
package import Experiments
import Foundation
import Wire

package final class ArchiveWriter {
  private let file: NewFile
  private let time: Int64
  private var member: Member?
  private var sums = ""
  private var names: Set<String> = []
  private let aboutStart: Int64

  /// Room for `assay-archive.json`, whose counts are known at the end.
  private static let aboutRoom = 2_048

  private struct Member {
    var name: String
    /// Of its header, and of its content.
    var headerStart: Int64
    var start: Int64
    var hash = ContentHash()
  }

  /// - Parameters:
  ///   - madeAt: the time that all members get.
  ///   - replacing: whether it takes the place of a file of its name.
  /// - Throws: `file_error`.
  package init(path: String, madeAt: Timestamp, replacing: Bool = false) throws(ArchiveError) {
    file = try NewFile(path, replacing: replacing)
    time = madeAt.microseconds / 1_000_000
    try Self.header(ArchiveLayout.about, size: Int64(Self.aboutRoom), time, file)
    aboutStart = file.size
    try file.write([UInt8](repeating: 0x20, count: Self.aboutRoom))
    names.insert(ArchiveLayout.about)
  }

  /// Bytes written so far.
  package var size: Int64 { file.size }

  /// - Throws: `limit_exceeded` where no import would take it, `archive_damaged`, `file_error`.
  package func begin(_ name: String) throws(ArchiveError) {
    try Self.check(name, "bytes in its name", name.utf8.count, ArchiveLimits.memberNameBytes)
    // The list of checksums comes last.
    if name != ArchiveLayout.sums {
      try Self.check(name, "members before it", names.count + 1, ArchiveLimits.members - 1)
    }
    guard names.insert(name).inserted else { throw .memberTwice(member: name) }
    let start = try Self.header(name, size: 0, time, file)
    member = Member(name: name, headerStart: start, start: file.size)
  }

  package func write(_ bytes: UnsafeRawBufferPointer) throws(ArchiveError) {
    member?.hash.update(bytes)
    try file.write(bytes)
  }

  package func write(_ bytes: [UInt8]) throws(ArchiveError) {
    try bytes.withUnsafeBufferPointer { raw throws(ArchiveError) in
      try write(UnsafeRawBufferPointer(raw))
    }
  }

  /// - Throws: `limit_exceeded` where no import would take it, `file_error`.
  package func writeLine(_ text: String) throws(ArchiveError) {
    try Self.check(
      member?.name ?? "", "bytes in a line", text.utf8.count, ArchiveLimits.lineBytes)
    try write(Array((text + "\n").utf8))
  }

  private static func check(
    _ member: String, _ what: String, _ value: Int, _ limit: Int
  ) throws(ArchiveError) {
    guard value <= limit else {
      throw .limit(member: member, what: what, value: Int64(value), limit: Int64(limit))
    }
  }

  /// Takes back what was written of the member.
  package func restart() throws(ArchiveError) {
    guard let begun = member else { return }
    try file.truncate(to: begun.start)
    member?.hash = ContentHash()
  }

  /// Takes back the whole member.
  package func drop() throws(ArchiveError) {
    guard let begun = member else { return }
    try file.truncate(to: begun.headerStart - Self.paxBytes(begun.name))
    names.remove(begun.name)
    member = nil
  }

  /// - Returns: the SHA-256 of the member.
  @discardableResult
  package func end() throws(ArchiveError) -> String {
    guard let ended = member else { return "" }
    member = nil
    let size = file.size - ended.start
    try file.write([UInt8](repeating: 0, count: TarHeader.padding(after: size)))
    let header = TarHeader(name: ended.name, size: size, time: time)
    try file.write(header.block, at: ended.headerStart)
    let hash = ended.hash.hex
    sums += "\(hash)  \(ended.name)\n"
    return hash
  }

  /// Writes what is said about the archive and the checksums, and gives the file its name.
  package func finish(_ about: AboutArchive) throws {
    var text = try WireCoding.encoder().encode(about)
    guard text.count < Self.aboutRoom else {
      throw ArchiveError.content(
        member: ArchiveLayout.about, line: nil, reason: "it has \(text.count) bytes")
    }
    text += Array(repeating: UInt8(ascii: " "), count: Self.aboutRoom - text.count - 1)
    text.append(UInt8(ascii: "\n"))
    try file.write(Array(text), at: aboutStart)
    sums = "\(ContentHash.sha256Hex(text))  \(ArchiveLayout.about)\n" + sums
    let all = Array(sums.utf8)
    try Self.check(ArchiveLayout.sums, "bytes", all.count, Int(ArchiveLimits.sumsBytes))
    try begin(ArchiveLayout.sums)
    try write(all)
    try end()
    try file.write([UInt8](repeating: 0, count: 2 * TarHeader.blockBytes))
    try file.publish()
  }

  /// Writes a header, with a pax header before it where the name needs one.
  /// - Returns: where the header itself begins.
  @discardableResult
  private static func header(
    _ name: String, size: Int64, _ time: Int64, _ file: NewFile
  ) throws(ArchiveError) -> Int64 {
    if needsPax(name) {
      let records = PaxRecords.line("path", name)
      let pax = TarHeader(
        name: "pax", kind: .extended, size: Int64(records.count), time: time)
      try file.write(pax.block)
      try file.write(records)
      try file.write([UInt8](repeating: 0, count: TarHeader.padding(after: Int64(records.count))))
    }
    let start = file.size
    try file.write(TarHeader(name: name, size: size, time: time).block)
    return start
  }

  private static func needsPax(_ name: String) -> Bool {
    name.utf8.count > TarHeader.nameBytes || !name.utf8.allSatisfy { $0 < 0x80 }
  }

  private static func paxBytes(_ name: String) -> Int64 {
    guard needsPax(name) else { return 0 }
    let records = Int64(PaxRecords.line("path", name).count)
    return Int64(TarHeader.blockBytes) + records + Int64(TarHeader.padding(after: records))
  }
}
