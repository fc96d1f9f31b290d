// How far one tensor is from another: what `assay checkpoint diff` tells of each.

import Experiments

struct TensorDifference: Encodable {
  enum State: String, Encodable {
    case identical, differs
    case otherShape = "other_shape"
    case onlyFirst = "only_first"
    case onlySecond = "only_second"

    var text: String {
      switch self {
      case .identical: "identical"
      case .differs: "differs"
      case .otherShape: "another shape or type"
      case .onlyFirst: "only in the first"
      case .onlySecond: "only in the second"
      }
    }
  }

  var name: String
  var dtype: String
  var shape: [Int]
  var state: State
  /// Nil where there are no two tensors of one shape. Not a number where one of them has such.
  var maxAbsDifference: Double?
  /// The norm of the difference by that of the first.
  var relativeL2: Double?
  var cosine: Double?

  private enum CodingKeys: String, CodingKey {
    case name, dtype, shape, state, maxAbsDifference
    case relativeL2 = "relativeL2Norm"
    case cosine
  }

  /// In the order of the first, then those that only the second has.
  static func all(_ first: [Tensor], _ second: [Tensor]) -> [TensorDifference] {
    let others = Dictionary(second.map { ($0.name, $0) }) { first, _ in first }
    let known = Set(first.map(\.name))
    return first.map { tensor in
      others[tensor.name].map { of(tensor, $0) } ?? lone(tensor, .onlyFirst)
    } + second.filter { !known.contains($0.name) }.map { lone($0, .onlySecond) }
  }

  private static func lone(_ tensor: Tensor, _ state: State) -> TensorDifference {
    TensorDifference(
      name: tensor.name, dtype: tensor.type.rawValue, shape: tensor.shape, state: state)
  }

  private static func of(_ first: Tensor, _ second: Tensor) -> TensorDifference {
    guard first.type == second.type, first.shape == second.shape else {
      return lone(first, .otherShape)
    }
    var greatest = 0.0
    var (difference, own, other, product) = (0.0, 0.0, 0.0, 0.0)
    forEachPair(first, second) { a, b in
      let distance = abs(a - b)
      if distance > greatest || distance.isNaN { greatest = distance }
      difference += (a - b) * (a - b)
      own += a * a
      other += b * b
      product += a * b
    }
    var result = lone(first, first.bytes == second.bytes ? .identical : .differs)
    result.maxAbsDifference = greatest
    result.relativeL2 = difference == 0 ? 0 : (difference / own).squareRoot()
    result.cosine =
      own == 0 && other == 0 ? 1 : product / (own.squareRoot() * other.squareRoot())
    return result
  }

  private static func forEachPair(
    _ first: Tensor, _ second: Tensor, _ body: (Double, Double) -> Void
  ) {
    first.bytes.withUnsafeBytes { first8 in
      second.bytes.withUnsafeBytes { second8 in
        func walk<Number>(_ type: Number.Type, _ convert: (Number) -> Double) {
          for place in stride(
            from: 0, to: min(first8.count, second8.count), by: MemoryLayout<Number>.size)
          {
            body(
              convert(first8.loadUnaligned(fromByteOffset: place, as: Number.self)),
              convert(second8.loadUnaligned(fromByteOffset: place, as: Number.self)))
          }
        }
        switch first.type {
        case .f32: walk(Float.self) { Double($0) }
        case .f64: walk(Double.self) { $0 }
        case .i64: walk(Int64.self) { Double($0) }
        case .u64: walk(UInt64.self) { Double($0) }
        case .u8: walk(UInt8.self) { Double($0) }
        }
      }
    }
  }
}
