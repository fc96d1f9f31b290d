// A named array of numbers as bytes, little-endian, row-major: what training states are made of and
// checkpoints store.

package struct Tensor: Sendable, Equatable {
  package var name: String
  package var type: TensorType
  package var shape: [Int]
  package var bytes: [UInt8]

  package init(name: String, type: TensorType, shape: [Int], bytes: [UInt8]) {
    self.name = name
    self.type = type
    self.shape = shape
    self.bytes = bytes
  }

  /// A float32 tensor with the values of `values`.
  package init(name: String, shape: [Int], floats values: [Float]) {
    self.init(
      name: name, type: .f32, shape: shape, bytes: values.withUnsafeBytes { Array($0) })
  }

  /// The values of a float32 tensor; nil if it is of another type.
  package var floats: [Float]? {
    guard type == .f32, bytes.count.isMultiple(of: 4) else { return nil }
    return [Float](unsafeUninitializedCapacity: bytes.count / 4) { buffer, count in
      bytes.withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
      count = bytes.count / 4
    }
  }
}

/// Names as in the safetensors format.
package enum TensorType: String, Sendable, Codable, CaseIterable {
  case f32 = "F32"
  case f64 = "F64"
  case i64 = "I64"
  case u64 = "U64"
  case u8 = "U8"

  package var byteCount: Int {
    switch self {
    case .f32: 4
    case .f64, .i64, .u64: 8
    case .u8: 1
    }
  }
}
