// The tar format: what is written is read again, by this reader and by the system's tar, and what
// the system's tar writes is read.

import Archives
import Experiments
import Foundation
import Testing

@Suite struct TarTests {
  @Test(arguments: [0, 1, 511, 512, 513, 1 << 33 - 1, 1 << 33, 1 << 40, .max / 2] as [Int64])
  func headersKeepEverySize(_ size: Int64) throws {
    let header = TarHeader(name: "metrics/a.jsonl", size: size, time: 1_800_000_000)
    let block = header.block
    #expect(block.count == 512)
    #expect(try TarHeader(block: block) == header)
    #expect((size + Int64(TarHeader.padding(after: size))) % 512 == 0)
  }

  @Test func everyChangedBitOfAHeaderIsFoundOrMeansNothing() throws {
    let header = TarHeader(name: "runs.jsonl", size: 12_345, time: 1_800_000_000)
    let block = header.block
    for bit in 0..<(8 * block.count) {
      var changed = block
      changed[bit / 8] ^= 1 << (bit % 8)
      // A bit of the checksum's own digits or their end may change without a change of what is read.
      if let read = try? TarHeader(block: changed) {
        #expect(read == header)
        #expect((148..<156).contains(bit / 8))
      }
    }
  }

  static let names = [
    "a", "b/b.txt", String(repeating: "n", count: 100), String(repeating: "n", count: 101),
    "d/" + String(repeating: "long/", count: 60) + "name.txt", "ünïcödé/日本語.txt", "with space=1",
    "\u{301}begins with a mark",
  ]

  @Test func archivesAreReadBackAndByTheSystemsPrograms() throws {
    try TestFolder.with { folder in
      let contents = Dictionary(
        uniqueKeysWithValues: Self.names.enumerated().map { index, name in
          (
            "artifacts/x/" + name,
            [UInt8](
              repeating: UInt8(index), count: [0, 1, 511, 512, 513, 3_000_000, 7, 1024][index])
          )
        })
      try Self.write(folder.file("a.tar"), contents)
      #expect(folder.files == ["a.tar"])
      let reader = try ArchiveReader(path: folder.file("a.tar"))
      try reader.verify()
      for (name, bytes) in contents {
        #expect(try reader.bytes(of: try reader.member(name), atMost: 1 << 30) == bytes)
      }
      let listed = try folder.shell("tar tf a.tar").split(separator: "\n").map(String.init)
      #expect(listed.first == "assay-archive.json")
      #expect(listed.last == "SHA256SUMS")
      #expect(listed.count == contents.count + 3)
      try folder.shell(
        "mkdir out && tar xf a.tar -C out && cd out && sha256sum -c --quiet --strict SHA256SUMS")
      for (name, bytes) in contents { #expect(try folder.read("out/" + name) == bytes) }
      // Packed again by the system's tar, in its own order.
      try folder.shell("tar cf pax.tar --format=pax -C out .")
      try ArchiveReader(path: folder.file("pax.tar")).verify()
    }
  }

  @Test func aMemberOfNineGigabytesHasItsSize() throws {
    try TestFolder.with { folder in
      // Holes: the file takes no room.
      let size: Int64 = 9 << 30
      let header = TarHeader(name: "big", size: size, time: 0).block
      try folder.write("big.tar", header)
      let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: folder.file("big.tar")))
      try handle.truncate(atOffset: UInt64(512 + size + 1024))
      try handle.close()
      #expect(try folder.shell("tar tvf big.tar").contains(" \(size) "))
    }
  }

  /// An archive with these members between the first and the last.
  static func write(_ path: String, _ contents: [String: [UInt8]]) throws {
    let at = Timestamp(microseconds: 1_700_000_000_000_000)
    let writer = try ArchiveWriter(path: path, madeAt: at)
    try writer.begin(ArchiveLayout.runs)
    try writer.end()
    for (name, bytes) in contents.sorted(by: { $0.key < $1.key }) {
      try writer.begin(name)
      try writer.write(bytes)
      try writer.end()
    }
    try writer.finish(AboutArchive(madeBy: "a test", madeAt: at))
  }
}
