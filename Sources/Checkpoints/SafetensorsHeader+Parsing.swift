// Reads a safetensors header that may be damaged or hostile: nothing is believed before it is
// checked, and names that occur twice, holes and overlaps are errors, as in the reference
// implementation.

import Experiments

extension SafetensorsHeader {
  /// - Parameters:
  ///   - json: the header without the 8 bytes of its length.
  ///   - contentBytes: bytes of the file after the header; the tensors must fill them exactly.
  init(parsing json: UnsafeRawBufferPointer, contentBytes: Int) throws(CheckpointError) {
    var reader = HeaderReader(json)
    var found: [SafetensorsEntry] = []
    var names: Set<String> = []
    var texts: [String: String] = [:]
    guard json.first == UInt8(ascii: "{") else { throw reader.mistake("it must begin with {") }
    try reader.object { name, reader throws(CheckpointError) in
      guard names.insert(name).inserted else { throw .duplicateName(name: name) }
      if name == Self.metadataKey {
        texts = try Self.metadata(&reader)
      } else {
        found.append(try Self.entry(name, &reader))
      }
    }
    try reader.end()
    entries = try Self.contiguous(found, contentBytes: contentBytes)
    metadata = texts
  }

  private static func metadata(
    _ reader: inout HeaderReader
  ) throws(CheckpointError) -> [String: String] {
    var metadata: [String: String] = [:]
    try reader.object { key, reader throws(CheckpointError) in
      guard metadata[key] == nil else { throw .duplicateName(name: key) }
      metadata[key] = try reader.string()
    }
    return metadata
  }

  private static func entry(
    _ name: String, _ reader: inout HeaderReader
  ) throws(CheckpointError) -> SafetensorsEntry {
    var typeName: String?
    var shape: [Int]?
    var offsets: [Int]?
    try reader.object { key, reader throws(CheckpointError) in
      switch key {
      case "dtype" where typeName == nil: typeName = try reader.string()
      case "shape" where shape == nil: shape = try reader.integers()
      case "data_offsets" where offsets == nil: offsets = try reader.integers()
      case "dtype", "shape", "data_offsets":
        throw reader.mistake("the key \(key) occurs twice")
      default:
        throw reader.mistake("a tensor has dtype, shape and data_offsets, no other keys")
      }
    }
    guard let typeName, let shape, let offsets else {
      throw reader.mistake("a tensor needs dtype, shape and data_offsets")
    }
    guard !name.isEmpty else { throw .nameInvalid(name: name) }
    guard let type = TensorType(rawValue: typeName) else {
      throw .typeUnsupported(tensor: name, type: typeName)
    }
    guard offsets.count == 2, offsets[0] <= offsets[1] else {
      throw .offsetsInvalid(tensor: name, reason: "\(offsets.prefix(4)) is no begin and end")
    }
    let need = try byteCount(of: name, type: type, shape: shape)
    let have = offsets[1] - offsets[0]
    guard have == need else { throw .sizeMismatch(tensor: name, have: have, need: need) }
    return SafetensorsEntry(name: name, type: type, shape: shape, range: offsets[0]..<offsets[1])
  }

  /// The entries in the order of their bytes, which they fill without hole or overlap.
  private static func contiguous(
    _ found: [SafetensorsEntry], contentBytes: Int
  ) throws(CheckpointError) -> [SafetensorsEntry] {
    // Swift's sort is stable, so empty tensors stay where the header has them.
    let entries = found.sorted {
      ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
    }
    var end = 0
    for entry in entries {
      guard entry.range.lowerBound == end else {
        throw .offsetsInvalid(
          tensor: entry.name,
          reason: "it begins at \(entry.range.lowerBound), the one before it ends at \(end)")
      }
      end = entry.range.upperBound
    }
    guard end <= contentBytes else {
      throw .fileTruncated(have: contentBytes, need: end)
    }
    guard end == contentBytes else {
      throw .offsetsInvalid(
        tensor: entries.last?.name ?? "",
        reason: "the tensors end at \(end), the file's content at \(contentBytes)")
    }
    return entries
  }
}
