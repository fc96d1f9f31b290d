// The content of the fixture files, as in make_safetensors_fixture.py, and helpers of these tests.

import Checkpoints
import Experiments
import Foundation

enum SafetensorsFixture {
  static let metadata = [
    "classes": #"["benign","malignant"]"#, "note": #"ä "quoted" \ 日本 😀"#,
  ]

  static let tensors = [
    Tensor(name: "dense/kernel", shape: [3, 4], floats: (0..<12).map { Float($0) / 8 - 0.5 }),
    Tensor(name: "dense/bias", shape: [4], floats: [0, -0.0, .infinity, -.infinity]),
    Tensor(name: "float64", type: .f64, shape: [2, 1], bytes: bytes(of: [1.5, -2.25])),
    Tensor(name: "int64", type: .i64, shape: [3], bytes: bytes(of: [Int64(-1), 0, 1 << 62])),
    Tensor(name: "uint64", type: .u64, shape: [1], bytes: bytes(of: [UInt64.max])),
    Tensor(name: "bytes", type: .u8, shape: [5], bytes: [0, 1, 254, 255, 7]),
    Tensor(name: "scalar", shape: [], floats: [0.1]),
    Tensor(name: "empty", shape: [0, 5], floats: []),
  ]

  static func bytes<Number>(of numbers: [Number]) -> [UInt8] {
    numbers.withUnsafeBytes { Array($0) }
  }

  static func read(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: folder.appending(path: name)))
  }

  static var folder: URL {
    URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
  }
}

/// A file with this header text and so many bytes of content.
func safetensors(header: String, content: Int = 0) -> [UInt8] {
  let text = Array(header.utf8)
  return SafetensorsFixture.bytes(of: [UInt64(text.count)]) + text
    + [UInt8](repeating: 7, count: content)
}

/// SplitMix64: the same numbers in every run.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
  }

  /// Weights as a layer has them: normal, with the standard deviation of Glorot's initialiser.
  mutating func weights(_ count: Int) -> [Float] {
    (0..<count).map { _ in
      let sum = (0..<12).reduce(Float(-6)) { sum, _ in sum + Float.random(in: 0..<1, using: &self) }
      return 0.05 * sum
    }
  }
}

/// The code of the `CheckpointError` that `body` throws; nil if it throws none.
func errorCode(_ body: () throws -> Void) throws -> String? {
  do {
    try body()
    return nil
  } catch let error as CheckpointError {
    return error.code
  }
}
