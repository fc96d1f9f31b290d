// A safetensors file in memory: tensors in order, and texts that describe them. The same content
// always gives the same bytes, and reading believes nothing that it has not checked.

package import Experiments

package struct SafetensorsFile: Sendable, Equatable {
  package var tensors: [Tensor]
  package var metadata: [String: String]

  package init(tensors: [Tensor], metadata: [String: String] = [:]) {
    self.tensors = tensors
    self.metadata = metadata
  }

  /// The bytes of the file.
  package func serialized() throws(CheckpointError) -> [UInt8] {
    let header = try SafetensorsHeader(checking: tensors, metadata: metadata)
    var bytes = try header.serialized()
    bytes.reserveCapacity(bytes.count + header.contentBytes)
    for tensor in tensors { bytes += tensor.bytes }
    return bytes
  }

  /// Reads a file's bytes. The tensors come in the order of their places in the file.
  package init(parsing bytes: [UInt8]) throws(CheckpointError) {
    guard bytes.count >= 8 else { throw .fileTruncated(have: bytes.count, need: 8) }
    let length = bytes[..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard length <= UInt64(SafetensorsHeader.maxBytes) else { throw .headerTooLong(bytes: length) }
    let start = 8 + Int(length)
    guard start <= bytes.count else { throw .fileTruncated(have: bytes.count, need: start) }
    let header = try bytes.withUnsafeBufferPointer { all throws(CheckpointError) in
      try SafetensorsHeader(
        parsing: UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: all[8..<start])),
        contentBytes: bytes.count - start)
    }
    tensors = header.entries.map {
      let range = (start + $0.range.lowerBound)..<(start + $0.range.upperBound)
      return Tensor(name: $0.name, type: $0.type, shape: $0.shape, bytes: Array(bytes[range]))
    }
    metadata = header.metadata
  }
}

extension SafetensorsHeader {
  /// The header of a file with these tensors, whose bytes are as many as their shapes say and no more
  /// than a checkpoint may have.
  init(checking tensors: [Tensor], metadata: [String: String]) throws(CheckpointError) {
    try self.init(
      tensors: tensors.map { ($0.name, $0.type, $0.shape) }, metadata: metadata)
    guard contentBytes <= Limits.checkpointBytes else {
      throw .checkpointTooLarge(bytes: Int64(contentBytes))
    }
    for (tensor, entry) in zip(tensors, entries) where tensor.bytes.count != entry.range.count {
      throw .sizeMismatch(
        tensor: tensor.name, have: tensor.bytes.count, need: entry.range.count)
    }
  }
}
