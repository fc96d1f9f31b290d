// Between a training's tensors and what is stored of them: a manifest and chunks. The manifest's
// hash is that of the whole checkpoint as a safetensors file, so the same training state has the
// same hash however it was chunked or compressed, and an exported file can be checked with
// `sha256sum`.

package import Experiments

package enum CheckpointCoder {
  /// Chunks of the same content occur once; those of an empty tensor not at all.
  /// - Throws: an error where a name, shape or number of bytes is not valid.
  package static func encode(
    tensors: [Tensor], metadata: [String: String], epoch: Int, step: Int64
  ) throws(CheckpointError) -> (manifest: CheckpointManifest, chunks: [EncodedChunk]) {
    let header = try SafetensorsHeader(checking: tensors, metadata: metadata)
    let headerBytes = try header.serialized()
    var content = ContentHash()
    content.update(headerBytes)
    let encoder = try ChunkEncoder()
    var chunks = ChunkList()
    var infos: [TensorInfo] = []
    for tensor in tensors {
      content.update(tensor.bytes)
      infos.append(
        TensorInfo(
          name: tensor.name, dtype: tensor.type.rawValue, shape: tensor.shape,
          chunks: try chunks.append(tensor.bytes, type: tensor.type, with: encoder)))
    }
    let manifest = CheckpointManifest(
      epoch: epoch, step: step, tensors: infos, metadata: metadata, sha256: content.hex,
      rawBytes: Int64(headerBytes.count + header.contentBytes))
    return (manifest, chunks.chunks)
  }

  /// Hash and size that these have as a safetensors file.
  /// - Throws: an error where a name, shape or number of bytes is not valid.
  package static func summary(
    tensors: [Tensor], metadata: [String: String]
  ) throws(CheckpointError) -> ContentSummary {
    let header = try SafetensorsHeader(checking: tensors, metadata: metadata)
    let headerBytes = try header.serialized()
    var content = ContentHash()
    content.update(headerBytes)
    for tensor in tensors { content.update(tensor.bytes) }
    return ContentSummary(
      sha256: content.hex, rawBytes: Int64(headerBytes.count + header.contentBytes))
  }

  /// The tensors of a checkpoint, in the manifest's order.
  /// - Parameter chunk: gives a chunk's raw bytes by its hash. It need not verify them: the hash of
  ///   the whole is compared, and if that is another one, those of all chunks, to name the damaged.
  /// - Throws: `CheckpointError`, and whatever `chunk` throws.
  package static func decode(
    manifest: CheckpointManifest, chunk: (String) throws -> [UInt8]
  ) throws -> [Tensor] {
    let layout = try validate(manifest)
    var tensors = layout.header.entries.map {
      Tensor(name: $0.name, type: $0.type, shape: $0.shape, bytes: [])
    }
    try readParts(of: manifest, layout, chunk: chunk) { index, bytes in
      let whole = layout.header.entries[index].range.count
      if bytes.count == whole {
        tensors[index].bytes = bytes
      } else {
        tensors[index].bytes.reserveCapacity(whole)
        tensors[index].bytes += bytes
      }
    }
    return tensors
  }

  /// Writes the checkpoint as a safetensors file, piece by piece. What was written counts only
  /// once this returns: the hash of the whole is checked at the end.
  package static func export(
    manifest: CheckpointManifest, chunk: (String) throws -> [UInt8],
    write: ([UInt8]) throws -> Void
  ) throws {
    let layout = try validate(manifest)
    try write(layout.headerBytes)
    try readParts(of: manifest, layout, chunk: chunk) { _, bytes in try write(bytes) }
  }

  /// Reads everything and compares every hash; throws where something is damaged or missing.
  package static func verify(
    manifest: CheckpointManifest, chunk: (String) throws -> [UInt8]
  ) throws {
    try readParts(of: manifest, try validate(manifest), chunk: chunk) { _, _ in }
  }

  /// Checks all that a manifest says without looking at a chunk: to be called on one that comes
  /// from outside.
  package static func check(_ manifest: CheckpointManifest) throws(CheckpointError) {
    _ = try validate(manifest)
  }

  private static func readParts(
    of manifest: CheckpointManifest, _ layout: Layout,
    chunk: (String) throws -> [UInt8], part: (_ tensor: Int, _ bytes: [UInt8]) throws -> Void
  ) throws {
    var content = ContentHash()
    content.update(layout.headerBytes)
    for (index, (info, entry)) in zip(manifest.tensors, layout.header.entries).enumerated() {
      let pieces = zip(info.chunks, ChunkList.ranges(of: entry.range.count))
      for (sha256, range) in pieces {
        let bytes = try chunk(sha256)
        try ChunkList.check(
          bytes, count: range.count, sha256: sha256, part: "tensor \"\(info.name)\"")
        content.update(bytes)
        try part(index, bytes)
      }
    }
    guard content.hex == manifest.sha256 else {
      for info in manifest.tensors {
        for sha256 in info.chunks {
          try ChunkList.check(
            try chunk(sha256), sha256: sha256, part: "tensor \"\(info.name)\"")
        }
      }
      throw CheckpointError.contentDamaged(
        part: "the \(manifest.kind.rawValue) of epoch \(manifest.epoch)",
        expected: manifest.sha256, found: content.hex)
    }
  }

  /// What a checkpoint's file begins with, and the same as bytes.
  private struct Layout {
    let header: SafetensorsHeader
    let headerBytes: [UInt8]
  }

  private static func validate(
    _ manifest: CheckpointManifest
  ) throws(CheckpointError) -> Layout {
    guard manifest.epoch >= 0 else {
      throw .manifestInvalid(field: "epoch", reason: "\(manifest.epoch) is below 0")
    }
    guard manifest.step >= 0 else {
      throw .manifestInvalid(field: "step", reason: "\(manifest.step) is below 0")
    }
    guard ContentHash.isHex(manifest.sha256) else {
      throw .manifestInvalid(field: "sha256", reason: "it must be 64 hexadecimal digits")
    }
    guard manifest.rawBytes <= Limits.checkpointBytes else {
      throw .checkpointTooLarge(bytes: manifest.rawBytes)
    }
    var layout: [(name: String, type: TensorType, shape: [Int])] = []
    for info in manifest.tensors {
      guard let type = TensorType(rawValue: info.dtype) else {
        throw .typeUnsupported(tensor: info.name, type: info.dtype)
      }
      layout.append((info.name, type, info.shape))
    }
    let header = try SafetensorsHeader(tensors: layout, metadata: manifest.metadata)
    for (info, entry) in zip(manifest.tensors, header.entries) {
      try ChunkList.check(
        names: info.chunks, bytes: entry.range.count, field: "tensors.\(info.name).chunks")
    }
    let headerBytes = try header.serialized()
    let (bytes, overflow) = headerBytes.count.addingReportingOverflow(header.contentBytes)
    guard !overflow, manifest.rawBytes == Int64(bytes) else {
      throw .manifestInvalid(
        field: "raw_bytes",
        reason: "it is \(manifest.rawBytes) where names, types and shapes make \(bytes)")
    }
    if let snapshot = manifest.snapshot {
      guard manifest.kind == .checkpoint else {
        throw .manifestInvalid(field: "weights", reason: "a snapshot is the weights already")
      }
      guard !snapshot.tensors.isEmpty else {
        throw .manifestInvalid(
          field: "weights",
          reason: "no tensor's name begins with \(CheckpointManifest.weightsPrefix)")
      }
      do {
        _ = try validate(snapshot)
      } catch {
        throw .manifestInvalid(field: "weights", reason: error.message)
      }
    }
    return Layout(header: header, headerBytes: headerBytes)
  }
}
