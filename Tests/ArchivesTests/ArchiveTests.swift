// What is wrong with an archive is found and named, wherever it lies.

import Archives
import Checkpoints
import Experiments
import Foundation
import Testing

@Suite struct ArchiveTests {
  private static let contents: [String: [UInt8]] = [
    "metrics/a.jsonl": Array("{}\n".utf8), "artifacts/a/ü": Array(repeating: 7, count: 600),
  ]

  @Test func aChangedByteIsFoundWhereverItLies() throws {
    try TestFolder.with { folder in
      try TarTests.write(folder.file("a.tar"), Self.contents)
      let good = try folder.read("a.tar")
      var names: Set<String> = []
      let reader = try ArchiveReader(path: folder.file("a.tar"))
      for index in stride(from: 0, to: good.count, by: 7) {
        var bad = good
        bad[index] ^= 0x10
        try folder.write("bad.tar", bad)
        let error = Self.error {
          let other = try ArchiveReader(path: folder.file("bad.tar"))
          try other.verify()
          // A bit without meaning: tar has a few (what ends a number, a key that nobody reads).
          #expect(other.members == reader.members && other.sums == reader.sums, "byte \(index)")
        }
        guard let error else { continue }
        if case .damaged(let member, _, _) = error { names.insert(member) }
      }
      #expect(names.isSuperset(of: ["metrics/a.jsonl", "artifacts/a/ü", "assay-archive.json"]))
    }
  }

  @Test func everyTruncationIsFound() throws {
    try TestFolder.with { folder in
      try TarTests.write(folder.file("a.tar"), Self.contents)
      let good = try folder.read("a.tar")
      for count in stride(from: 0, to: good.count, by: 100) {
        try folder.write("bad.tar", Array(good[..<count]))
        let error = Self.error { try ArchiveReader(path: folder.file("bad.tar")).verify() }
        #expect(["archive_truncated", "not_an_archive"].contains(error?.code), "\(count) bytes")
      }
    }
  }

  @Test func aNewerArchiveIsToldFromADamagedOne() throws {
    try TestFolder.with { folder in
      try TarTests.write(folder.file("a.tar"), [:])
      let text = String(decoding: try folder.read("a.tar")[512..<2560], as: UTF8.self)
      let newer = text.replacing("\"version\":1", with: "\"version\":2")
      var bytes = try folder.read("a.tar")
      bytes.replaceSubrange(512..<2560, with: Array(newer.utf8))
      try folder.write("newer.tar", bytes)
      let error = Self.opening(folder, "newer.tar")
      #expect(error == .newer(version: 2))
    }
  }

  @Test func membersAndChecksumsBelongTogether() throws {
    try TestFolder.with { folder in
      try TarTests.write(folder.file("a.tar"), Self.contents)
      try folder.shell(
        "mkdir out && tar xf a.tar -C out && echo more > out/more && tar cf more.tar --format=pax -C out ."
      )
      #expect(
        Self.opening(folder, "more.tar")?.message.contains(
          "more") ?? false)
      try folder.shell("rm out/more out/metrics/a.jsonl && tar cf less.tar --format=pax -C out .")
      let less = Self.opening(folder, "less.tar")
      #expect(less?.message.contains("metrics/a.jsonl") ?? false, "\(less?.message ?? "nothing")")
      try folder.shell("rm out/SHA256SUMS && tar cf none.tar --format=pax -C out .")
      #expect(
        Self.opening(folder, "none.tar")
          == .memberMissing(member: "SHA256SUMS"))
      try folder.shell("ln -s /etc/passwd out/link && tar cf link.tar --format=pax -C out .")
      let link = Self.opening(folder, "link.tar")
      #expect(link?.code == "archive_damaged")
    }
  }

  @Test func otherFilesAreNoArchives() throws {
    try TestFolder.with { folder in
      try folder.write("text", Array(String(repeating: "text ", count: 1_000).utf8))
      try folder.write("empty", [])
      for name in ["text", "empty"] {
        let error = Self.opening(folder, name)
        #expect(error?.code == "not_an_archive")
      }
      try folder.shell("echo x > x && tar cf other.tar x")
      let other = Self.opening(folder, "other.tar")
      #expect(other?.code == "not_an_archive")
      for name in ["absent", "."] {
        let error = Self.opening(folder, name)
        #expect(error?.code == "file_unreadable")
      }
    }
  }

  @Test func anArchiveThatIsNotFinishedLeavesNothing() throws {
    try TestFolder.with { folder in
      try folder.write("a.tar", [1, 2, 3])
      var writer: ArchiveWriter? = try ArchiveWriter(
        path: folder.file("a.tar"), madeAt: Timestamp(microseconds: 0))
      try writer?.begin("runs.jsonl")
      try writer?.write([UInt8](repeating: 1, count: 3 << 20))
      writer = nil
      #expect(folder.files == ["a.tar"])
      #expect(try folder.read("a.tar") == [1, 2, 3])
      #expect(throws: ArchiveError.self) {
        _ = try ArchiveWriter(path: folder.file("no/a.tar"), madeAt: Timestamp(microseconds: 0))
      }
    }
  }

  @Test func aFileThatIsThereIsReplacedOnlyIfAsked() throws {
    try TestFolder.with { folder in
      let at = Timestamp(microseconds: 0)
      let about = AboutArchive(madeBy: "a test", madeAt: at)
      try folder.write("a.tar", [1, 2, 3])
      let refused = Self.error {
        try ArchiveWriter(path: folder.file("a.tar"), madeAt: at).finish(about)
      }
      #expect(refused?.code == "file_error" && refused?.message.contains("File exists") ?? false)
      #expect(try folder.read("a.tar") == [1, 2, 3])
      try ArchiveWriter(path: folder.file("a.tar"), madeAt: at, replacing: true).finish(about)
      try ArchiveWriter(path: folder.file("b.tar"), madeAt: at).finish(about)
      let replaced = try folder.read("a.tar")
      #expect(try folder.read("b.tar") == replaced)
      #expect(folder.files.sorted() == ["a.tar", "b.tar"])
      for name in folder.files {
        let attributes = try FileManager.default.attributesOfItem(atPath: folder.file(name))
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
      }
    }
  }

  @Test func whatCouldNotBeReadIsNotWritten() throws {
    try TestFolder.with { folder in
      let writer = try ArchiveWriter(
        path: folder.file("a.tar"), madeAt: Timestamp(microseconds: 0))
      let name = String(repeating: "n", count: ArchiveLimits.memberNameBytes)
      #expect(Self.error { try writer.begin(name + "n") }?.code == "limit_exceeded")
      try writer.begin(name)
      let line = String(repeating: "x", count: ArchiveLimits.lineBytes)
      #expect(Self.error { try writer.writeLine(line + "x") }?.code == "limit_exceeded")
      try writer.end()
      try writer.finish(AboutArchive(madeBy: "a test", madeAt: Timestamp(microseconds: 0)))
      let reader = try ArchiveReader(path: folder.file("a.tar"))
      #expect(reader.members[name]?.size == 0)
    }
  }

  @Test func membersMayBeTakenBack() throws {
    try TestFolder.with { folder in
      let at = Timestamp(microseconds: 0)
      let writer = try ArchiveWriter(path: folder.file("a.tar"), madeAt: at)
      try writer.begin("dropped/\(String(repeating: "long", count: 40))")
      try writer.write([1, 2, 3])
      try writer.drop()
      try writer.begin("kept")
      try writer.write([UInt8](repeating: 9, count: 2 << 20))
      try writer.restart()
      try writer.write([4, 5])
      #expect(try writer.end() == ContentHash.sha256Hex([4, 5]))
      try writer.finish(AboutArchive(madeBy: "a test", madeAt: at))
      let reader = try ArchiveReader(path: folder.file("a.tar"))
      try reader.verify()
      #expect(reader.members.keys.sorted() == ["SHA256SUMS", "assay-archive.json", "kept"])
      #expect(try reader.bytes(of: try reader.member("kept"), atMost: 10) == [4, 5])
      #expect(throws: ArchiveError.self) { try reader.bytes(of: reader.member("kept"), atMost: 1) }
    }
  }

  @Test func seriesKeepEveryValue() throws {
    try TestFolder.with { folder in
      let values: [Double] = [
        0.1, -0.0, .nan, .infinity, -.infinity, .leastNonzeroMagnitude, .greatestFiniteMagnitude,
        1 / 3,
      ]
      let line = SeriesLine(
        key: "a \"key\"\nwith\\ ü", steps: [-5, 0, 1, 2, 3, .max, .min, 7],
        times: (0..<8).map { 1_800_000_000_000_000 + $0 }, values: values,
        epochs: [1, nil, 2, nil, nil, 3, 4, nil])
      let bare = SeriesLine(key: "b", steps: [], times: [], values: [], epochs: nil)
      let text = line.text + "\n" + bare.text + "\n"
      try TarTests.write(folder.file("a.tar"), ["metrics/a.jsonl": Array(text.utf8)])
      let reader = try ArchiveReader(path: folder.file("a.tar"))
      var lines = reader.lines(of: try reader.member("metrics/a.jsonl"), as: SeriesLine.self)
      let read = try #require(try lines.next())
      #expect(read.values.map(\.bitPattern) == values.map(\.bitPattern))
      #expect(read.key == line.key && read.steps == line.steps && read.epochs == line.epochs)
      #expect(try lines.next() == bare)
      #expect(try lines.next() == nil)
      #expect(read.mistake == nil && bare.mistake == nil)
    }
  }

  @Test(arguments: [
    ("{\"key\":\"a\",\"steps\":[\"x\"],\"times\":[0],\"values\":[1]}\n", 1, "steps"),
    ("{\"key\":\"a\",\"steps\":[1],\"times\":[0]}\n", 1, "values"),
    ("{\"key\":\"a\",\"steps\":[],\"times\":[],\"values\":[]}\n{\n", 2, "JSON"),
    ("{\"key\":\"a\",\"steps\":[],\"times\":[],\"values\":[]}", 1, "no end"),
  ]) func mistakesAreNamedWithTheirLine(_ text: String, line: Int, part: String) throws {
    try TestFolder.with { folder in
      try TarTests.write(folder.file("a.tar"), ["metrics/a.jsonl": Array(text.utf8)])
      let reader = try ArchiveReader(path: folder.file("a.tar"))
      var lines = reader.lines(of: try reader.member("metrics/a.jsonl"), as: SeriesLine.self)
      let error = Self.error { while try lines.next() != nil {} }
      #expect(error?.message.hasPrefix("metrics/a.jsonl, line \(line): ") ?? false)
      #expect(error?.message.contains(part) ?? false, "\(error?.message ?? "")")
    }
  }

  /// What is wrong with a file as soon as it is opened.
  private static func opening(_ folder: TestFolder, _ name: String) -> ArchiveError? {
    error { _ = try ArchiveReader(path: folder.file(name)) }
  }

  private static func error(_ body: () throws -> Void) -> ArchiveError? {
    do {
      try body()
      return nil
    } catch {
      return error as? ArchiveError
    }
  }
}
