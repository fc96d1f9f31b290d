// Artifacts: their bytes come back, and no path leads out of the folder they are written to.

import Checkpoints
import Experiments
import Testing

struct ArtifactCoderTests {
  @Test(arguments: [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20])
  func bytesComeBack(size: Int) throws {
    let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 + $0 >> 9) }
    let (manifest, chunks) = try ArtifactCoder.encode(
      path: "plots/roc.png", mediaType: "image/png", bytes: bytes)
    #expect(manifest.bytes == Int64(size))
    #expect(manifest.sha256 == ContentHash.sha256Hex(bytes))
    var read: [UInt8] = []
    try ArtifactCoder.read(
      manifest: manifest,
      chunk: { name in
        try ChunkCoder.decode(try #require(chunks.first { $0.sha256 == name }))
      },
      write: { read += $0 })
    #expect(read == bytes)
  }

  @Test func damageIsFound() throws {
    let (manifest, _) = try ArtifactCoder.encode(
      path: "a.txt", mediaType: "text/plain", bytes: Array("hello".utf8))
    let code = try errorCode {
      try ArtifactCoder.read(
        manifest: manifest, chunk: { _ in Array("hellp".utf8) }, write: { _ in })
    }
    #expect(code == "chunk_damaged")
  }

  @Test(arguments: [
    "a", "plots/roc.png", "a/b/c/d", "...", ".hidden", "a/..b", "with space.txt", "ä/日本.csv",
    String(repeating: "x", count: 500),
  ])
  func relativePathsAreAccepted(path: String) throws {
    try ArtifactPath.validate(path)
  }

  @Test(arguments: [
    "", "/", "/etc/passwd", ".", "..", "../a", "a/..", "a/../b", "a/./b", "./a", "a//b", "a/",
    "a\\b", "..\\a", "a\0b", "a\nb", "a\u{7f}", "/\u{301}a", "a/\u{301}/../b",
    String(repeating: "x", count: 501),
  ])
  func otherPathsAreRefused(path: String) throws {
    #expect(try errorCode { try ArtifactPath.validate(path) } == "artifact_path_invalid")
    let code = try errorCode {
      _ = try ArtifactCoder.encode(path: path, mediaType: "text/plain", bytes: [])
    }
    #expect(code == "artifact_path_invalid")
  }

  @Test(arguments: ["text/csv", "application/json; charset=utf-8"])
  func mediaTypesAreAccepted(text: String) throws {
    _ = try ArtifactCoder.encode(path: "a", mediaType: text, bytes: [])
  }

  @Test(arguments: ["", "text", "/csv", "text/", "text/csv\r\nX: y", "täxt/csv"])
  func otherTextsAreNoMediaType(text: String) throws {
    let code = try errorCode {
      _ = try ArtifactCoder.encode(path: "a", mediaType: text, bytes: [])
    }
    #expect(code == "media_type_invalid")
  }

  @Test func wrongManifestsAreRefused() throws {
    let (manifest, _) = try ArtifactCoder.encode(
      path: "a", mediaType: "text/plain", bytes: [1, 2, 3])
    var changed = manifest
    changed.bytes = -1
    #expect(try errorCode { try ArtifactCoder.check(changed) } == "manifest_invalid")
    changed.bytes = 1 << 32
    #expect(try errorCode { try ArtifactCoder.check(changed) } == "artifact_too_large")
    changed.bytes = 2 << 20
    #expect(try errorCode { try ArtifactCoder.check(changed) } == "manifest_invalid")
  }
}
