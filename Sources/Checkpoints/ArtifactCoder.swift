// Between a file kept with a run and what is stored of it: a manifest and chunks.

package import Experiments

package enum ArtifactCoder {
  /// Bytes of one artifact at most.
  package static let maxBytes = Int(Limits.artifactBytes)
  private static let maxMediaTypeCharacters = 200

  /// - Throws: `artifact_path_invalid`, `media_type_invalid`, `artifact_too_large`.
  package static func encode(
    path: String, mediaType: String, bytes: [UInt8]
  ) throws(CheckpointError) -> (manifest: ArtifactManifest, chunks: [EncodedChunk]) {
    guard bytes.count <= maxBytes else { throw .artifactTooLarge(path: path, bytes: bytes.count) }
    var chunks = ChunkList()
    let names = try chunks.append(bytes, type: .u8, with: try ChunkEncoder())
    let manifest = ArtifactManifest(
      path: path, mediaType: mediaType, chunks: names, sha256: ContentHash.sha256Hex(bytes),
      bytes: Int64(bytes.count))
    try check(manifest)
    return (manifest, chunks.chunks)
  }

  /// Hands the artifact's bytes to `write`, piece by piece. What was written counts only once this
  /// returns: the hash of the whole is checked at the end.
  package static func read(
    manifest: ArtifactManifest, chunk: (String) throws -> [UInt8],
    write: ([UInt8]) throws -> Void
  ) throws {
    try check(manifest)
    var content = ContentHash()
    for (sha256, range) in zip(manifest.chunks, ChunkList.ranges(of: Int(manifest.bytes))) {
      let bytes = try chunk(sha256)
      let part = "artifact \"\(manifest.path)\""
      try ChunkList.check(bytes, count: range.count, sha256: sha256, part: part)
      try ChunkList.check(bytes, sha256: sha256, part: part)
      content.update(bytes)
      try write(bytes)
    }
    guard content.hex == manifest.sha256 else {
      throw CheckpointError.contentDamaged(
        part: "artifact \"\(manifest.path)\"", expected: manifest.sha256, found: content.hex)
    }
  }

  /// Checks all that a manifest says without looking at a chunk: to be called on one that comes
  /// from outside.
  package static func check(_ manifest: ArtifactManifest) throws(CheckpointError) {
    try ArtifactPath.validate(manifest.path)
    guard isMediaType(manifest.mediaType) else {
      throw .mediaTypeInvalid(text: manifest.mediaType)
    }
    guard manifest.bytes >= 0 else {
      throw .manifestInvalid(field: "bytes", reason: "\(manifest.bytes) is below 0")
    }
    guard manifest.bytes <= Limits.artifactBytes else {
      throw .artifactTooLarge(path: manifest.path, bytes: Int(manifest.bytes))
    }
    guard ContentHash.isHex(manifest.sha256) else {
      throw .manifestInvalid(field: "sha256", reason: "it must be 64 hexadecimal digits")
    }
    try ChunkList.check(names: manifest.chunks, bytes: Int(manifest.bytes), field: "chunks")
  }

  /// `type/subtype`, parameters allowed, in printable ASCII.
  private static func isMediaType(_ text: String) -> Bool {
    let parts = text.utf8.split(
      separator: UInt8(ascii: "/"), maxSplits: 1, omittingEmptySubsequences: false)
    return parts.count == 2 && parts.allSatisfy { !$0.isEmpty }
      && text.utf8.count <= maxMediaTypeCharacters
      && text.utf8.allSatisfy { (0x20..<0x7F).contains($0) }
  }
}
