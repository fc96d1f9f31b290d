// The header of a safetensors file: 8 bytes of length (little-endian), then JSON with the type,
// shape and place of every tensor. Written so that the same content always gives the same bytes:
// `__metadata__` first with its keys in the order of their UTF-8, tensors in the given order, no
// spaces, padded with spaces to a multiple of 8 bytes.
// Format: https://github.com/huggingface/safetensors#format

import Experiments

/// What a header says of one tensor.
struct SafetensorsEntry: Equatable {
  var name: String
  var type: TensorType
  var shape: [Int]
  /// Of its bytes, counted from the end of the header.
  var range: Range<Int>
}

struct SafetensorsHeader: Equatable {
  /// The same limit as in the reference implementation.
  static let maxBytes = 100_000_000
  static let metadataKey = "__metadata__"

  var entries: [SafetensorsEntry]
  var metadata: [String: String]

  /// Bytes of all tensors.
  var contentBytes: Int { entries.last?.range.upperBound ?? 0 }

  /// The header of a file that holds tensors of these types and shapes one after another.
  init(
    tensors: [(name: String, type: TensorType, shape: [Int])], metadata: [String: String]
  ) throws(CheckpointError) {
    var names: Set<String> = []
    var end = 0
    entries = []
    for tensor in tensors {
      guard tensor.name != Self.metadataKey, !tensor.name.isEmpty else {
        throw .nameInvalid(name: tensor.name)
      }
      guard names.insert(tensor.name).inserted else { throw .duplicateName(name: tensor.name) }
      let bytes = try Self.byteCount(of: tensor.name, type: tensor.type, shape: tensor.shape)
      let (next, overflow) = end.addingReportingOverflow(bytes)
      guard !overflow else { throw .shapeInvalid(tensor: tensor.name, shape: tensor.shape) }
      entries.append(
        SafetensorsEntry(
          name: tensor.name, type: tensor.type, shape: tensor.shape, range: end..<next))
      end = next
    }
    self.metadata = metadata
  }

  /// Bytes of a tensor; an error where a dimension is negative or the product has no place in 63
  /// bits. Dimensions of 0 count as 1 for that, so that no product of some of them overflows later.
  static func byteCount(
    of tensor: String, type: TensorType, shape: [Int]
  ) throws(CheckpointError) -> Int {
    var bytes = type.byteCount
    var isEmpty = false
    for dimension in shape {
      guard dimension >= 0 else { throw .shapeInvalid(tensor: tensor, shape: shape) }
      if dimension == 0 { isEmpty = true }
      let (product, overflow) = bytes.multipliedReportingOverflow(by: max(1, dimension))
      guard !overflow else { throw .shapeInvalid(tensor: tensor, shape: shape) }
      bytes = product
    }
    return isEmpty ? 0 : bytes
  }

  /// Length and JSON, as they stand at the beginning of the file.
  func serialized() throws(CheckpointError) -> [UInt8] {
    var members: [String] = []
    if !metadata.isEmpty {
      let texts = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        .map { Self.quoted($0.key) + ":" + Self.quoted($0.value) }
      members.append(
        Self.quoted(Self.metadataKey) + ":{" + texts.joined(separator: ",") + "}")
    }
    for entry in entries {
      let shape = entry.shape.map(String.init).joined(separator: ",")
      members.append(
        Self.quoted(entry.name) + ":{\"dtype\":\"\(entry.type.rawValue)\",\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(entry.range.lowerBound),\(entry.range.upperBound)]}")
    }
    var json = Array(("{" + members.joined(separator: ",") + "}").utf8)
    json += [UInt8](repeating: UInt8(ascii: " "), count: (8 - json.count % 8) % 8)
    guard json.count <= Self.maxBytes else { throw .headerTooLong(bytes: UInt64(json.count)) }
    return withUnsafeBytes(of: UInt64(json.count).littleEndian) { Array($0) } + json
  }

  private static func quoted(_ text: String) -> String { JSONValue.string(text).canonicalText }
}

enum TensorTypeNames {
  static var all: String { TensorType.allCases.map(\.rawValue).joined(separator: ", ") }
}
