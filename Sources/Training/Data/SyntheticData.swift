// Generates the rows of a `SyntheticDataset`. Each row is a function of the dataset's seed and its
// number, so the same spec gives the same rows everywhere, and any row can be made on its own.

import Experiments

/// Two Gaussian classes in the informative features, standard normal noise in the others. As in
/// scikit-learn's `make_classification`, each class mixes its informative features by a random
/// matrix of its own: the best boundary is curved, so that there is more to learn than a line.
struct SyntheticData: Sendable {
  static let target = "class"
  static let classes = ["0", "1"]
  /// Informative features are mixed in groups of at most this many.
  private static let groupSize = 16

  private let spec: SyntheticDataset
  private let informative: Int
  private let normals: CounterRandom
  private let classBits: CounterRandom
  private let flips: CounterRandom
  /// Per class and group [size, size], row-major, columns of length 1: a mixed feature has standard
  /// deviation 1 within its class.
  private let mixing: [[[Double]]]
  /// Mean of class 1 per informative feature; that of class 0 is its negative.
  private let means: [Double]

  init(_ spec: SyntheticDataset) {
    self.spec = spec
    let informative = min(max(spec.informative, 1), spec.features)
    self.informative = informative
    normals = CounterRandom(seed: spec.seed, stream: 1)
    classBits = CounterRandom(seed: spec.seed, stream: 2)
    flips = CounterRandom(seed: spec.seed, stream: 3)
    mixing = (UInt64(0)..<2).map { Self.mixing(spec, informative: informative, ofClass: $0) }
    let signs = CounterRandom(seed: spec.seed, stream: 4)
    let distance = spec.classSeparation / (2 * Double(informative).squareRoot())
    means = (0..<informative).map { signs.bits(UInt64($0)) >> 63 == 0 ? distance : -distance }
  }

  var featureNames: [String] { (0..<spec.features).map { "feature_\($0)" } }

  /// The label of every row, flipped ones included.
  var labels: [Int32] {
    (0..<spec.rows).map { row in
      let isFlipped = flips.uniform(UInt64(row)) < spec.labelNoise
      return trueClass(ofRow: row) ^ (isFlipped ? 1 : 0)
    }
  }

  /// - Returns: [rows.count, features]
  func features(ofRows rows: [Int]) -> Matrix {
    let width = spec.features
    let values = [Float](unsafeUninitializedCapacity: rows.count * width) { buffer, count in
      var place = 0
      for row in rows {
        writeRow(row, to: UnsafeMutableBufferPointer(rebasing: buffer[place..<(place + width)]))
        place += width
      }
      count = place
    }
    return Matrix(rows: rows.count, columns: width, values: values)
  }

  private func writeRow(_ row: Int, to features: UnsafeMutableBufferPointer<Float>) {
    let counter = UInt64(row) &* UInt64(spec.features)
    let index = Int(trueClass(ofRow: row))
    let sign: Double = index == 1 ? 1 : -1
    var start = 0
    for matrix in mixing[index] {
      let size = min(Self.groupSize, informative - start)
      withUnsafeTemporaryAllocation(of: Double.self, capacity: size) { mixed in
        for j in 0..<size { mixed.initializeElement(at: j, to: sign * means[start + j]) }
        for i in 0..<size {
          let normal = normals.normal(counter &+ UInt64(start + i))
          for j in 0..<size { mixed[j] += normal * matrix[i * size + j] }
        }
        for j in 0..<size { features[start + j] = Float(mixed[j]) }
      }
      start += size
    }
    for feature in informative..<spec.features {
      features[feature] = Float(normals.normal(counter &+ UInt64(feature)))
    }
  }

  private func trueClass(ofRow row: Int) -> Int32 {
    Int32(truncatingIfNeeded: classBits.bits(UInt64(row)) >> 63)
  }

  private static func mixing(
    _ spec: SyntheticDataset, informative: Int, ofClass index: UInt64
  ) -> [[Double]] {
    let random = CounterRandom(seed: spec.seed, stream: 5 + index)
    return stride(from: 0, to: informative, by: groupSize).map { start in
      let size = min(groupSize, informative - start)
      var matrix = (0..<(size * size)).map {
        2 * random.uniform(UInt64(start * groupSize + $0)) - 1
      }
      for j in 0..<size {
        let square = (0..<size).reduce(0) { $0 + matrix[$1 * size + j] * matrix[$1 * size + j] }
        for i in 0..<size { matrix[i * size + j] /= square.squareRoot() }
      }
      return matrix
    }
  }
}
