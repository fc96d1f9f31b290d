// The raw bytes of a stored chunk that may be the difference to another one, which may be a
// difference itself, and so on for a bounded number of steps.

import Experiments

package enum ChunkChain {
  /// - Parameters:
  ///   - part: what the chunk belongs to, for the errors.
  ///   - verifying: whether the hash of the chunk and of all its bases is compared, base first, so
  ///     that an error names the one that is damaged. Only who compares the hash of a whole may leave
  ///     it out, and should read again with it if that is another one.
  ///   - memory: what several calls may share.
  ///   - load: gives a chunk as it is stored, or nil if there is none of that name.
  /// - Returns: nil if the chunk itself is not there.
  /// - Throws: `chunk_damaged`, naming the chunk that is damaged or whose base is missing;
  ///   whatever `load` throws.
  package static func raw(
    _ sha256: String, part: String, verifying: Bool = true,
    memory: DecodingMemory = DecodingMemory(),
    load: (String) throws -> EncodedChunk?
  ) throws -> [UInt8]? {
    guard let chunk = try load(sha256) else { return nil }
    var links = [chunk]
    while let last = links.last, last.codec.needsBase {
      func damaged(_ reason: String) -> CheckpointError {
        .chunkDamaged(sha256: last.sha256, part: part, reason: reason)
      }
      guard links.count <= Limits.chunkChain else {
        throw damaged("more than \(Limits.chunkChain) differences lead to a whole chunk")
      }
      guard let name = last.base else { throw damaged("it is a difference to nothing") }
      guard let base = try load(name) else { throw damaged("its base \(name) is missing") }
      links.append(base)
    }
    var raw: [UInt8]?
    for (depth, link) in links.enumerated().reversed() {
      raw = try ChunkCoder.decode(
        link.stored, codec: link.codec, rawBytes: link.rawBytes, sha256: link.sha256, base: raw,
        verifying: verifying, part: depth == 0 ? part : "\(part) (as the base of a difference)",
        memory: memory)
    }
    return raw
  }
}
