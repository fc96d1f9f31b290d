// A network: layers and their parameters in one arena. It predicts without any training data, so a
// stored model needs its layers, its number of features and its weights only.

package import Experiments

/// Belongs to one thread at a time.
package final class Network {
  package let model: [LayerSpec]
  package let features: Int
  package let layers: [Layer]
  let parameters: FloatArena
  /// The trainable tensors in their order, with their place in the arena.
  package let slots: [ParameterSlot]
  /// Rows that are predicted at once: enough for fast products, and little memory.
  let inferenceRows: Int
  /// Index of the first layer that learns.
  let firstDense: Int
  private lazy var inference = Workspace(
    layers: layers, features: features, capacity: inferenceRows, forTraining: false)

  /// Values per row that come out.
  package var outputs: Int { layers.last?.width ?? features }

  package var parameterCount: Int { slots.reduce(0) { $0 + $1.count } }

  /// A network with all weights zero. Throws `unsuitableModel` if nothing in it can learn, and
  /// `blasUnreliable`.
  package init(model: [LayerSpec], features: Int, threads: Int = 1) throws(TrainingError) {
    guard features > 0 else { throw .unsuitableModel("the data has no features") }
    self.model = model
    self.features = features
    var layers: [Layer] = []
    var slots: [ParameterSlot] = []
    var width = features
    var offset = 0
    for (index, spec) in model.enumerated() {
      switch spec {
      case .dense(let spec):
        guard spec.units > 0 else {
          throw .unsuitableModel("model.\(index) has \(spec.units) units; it needs 1 or more")
        }
        let dense = Dense(spec, inputs: width, offset: offset)
        slots += ParameterSlot.of(dense, layer: index)
        layers.append(.dense(dense))
        offset += dense.parameterSpace
        width = dense.units
      case .dropout(let rate):
        guard rate >= 0, rate < 1 else {
          throw .unsuitableModel(
            "model.\(index) has a dropout rate of \(rate); it must be from 0 to below 1")
        }
        layers.append(.dropout(Dropout(width: width, rate: rate)))
      }
    }
    let firstDense = layers.firstIndex { if case .dense = $0 { true } else { false } }
    guard let firstDense else { throw .unsuitableModel("the model has no dense layer") }
    self.layers = layers
    self.slots = slots
    parameters = FloatArena(count: offset)
    self.firstDense = firstDense
    inferenceRows = Self.inferenceRows(features: features, layers: layers)
    try checkProducts(rows: [inferenceRows], threads: threads)
  }

  private static func inferenceRows(features: Int, layers: [Layer]) -> Int {
    let widest = max(features, layers.map(\.width).max() ?? 1)
    return max(1, min(256, (1 << 22) / widest))
  }

  /// Checks OpenBLAS on the products that batches of `rows` rows need.
  func checkProducts(rows: [Int], threads: Int) throws(TrainingError) {
    var shapes: [BLASCheck.Shape] = []
    for case .dense(let dense) in layers {
      shapes += rows.map { BLASCheck.Shape(rows: $0, inputs: dense.inputs, units: dense.units) }
    }
    try BLASCheck.prepare(threads: threads, shapes: shapes)
  }

  /// Random kernels by each layer's initialiser, biases zero.
  func initialize(seed: Int) {
    parameters.base.update(repeating: 0, count: parameters.count)
    for (index, layer) in layers.enumerated() {
      guard case .dense(let dense) = layer else { continue }
      var random = RandomStream(seed: seed, purpose: .weights, layer: index)
      Initializer.fill(
        parameters.base + dense.kernelOffset, inputs: dense.inputs, units: dense.units,
        by: dense.initializer, random: &random)
    }
  }

  /// The penalties of all layers at the present weights.
  package var penalty: Double {
    var sum = 0.0
    for case .dense(let dense) in layers { sum += dense.penalty(parameters: parameters.base) }
    return sum
  }

  /// Outputs [rows, outputs] for features [rows, features]. Throws `unsuitableModel` if the number
  /// of columns differs.
  package func predict(_ features: Matrix) throws(TrainingError) -> Matrix {
    try checkColumns(of: features)
    var values = [Float](repeating: 0, count: features.rows * outputs)
    values.withUnsafeMutableBufferPointer { values in
      forEachChunk(of: features) { first, rows, output in
        if let base = values.baseAddress {
          (base + first * outputs).update(from: output, count: rows * outputs)
        }
      }
    }
    return Matrix(rows: features.rows, columns: outputs, values: values)
  }

  func checkColumns(of matrix: Matrix) throws(TrainingError) {
    guard matrix.columns == features || matrix.rows == 0 else {
      throw .unsuitableModel(
        "the network takes \(features) features; the data has \(matrix.columns)")
    }
  }

  /// Runs the network over the rows in chunks and gives each chunk's first row, number of rows and
  /// output [rows, outputs], which is valid during the call. The last activation is left out if
  /// `lastIsLogits`.
  func forEachChunk(
    of matrix: Matrix, lastIsLogits: Bool = false,
    _ body: (_ first: Int, _ rows: Int, _ output: UnsafeMutablePointer<Float>) -> Void
  ) {
    matrix.values.withUnsafeBufferPointer { values in
      guard let base = values.baseAddress else { return }
      var first = 0
      while first < matrix.rows {
        let rows = min(inferenceRows, matrix.rows - first)
        let output = Denormals.flushed {
          forward(
            base + first * features, rows: rows, in: inference, lastIsLogits: lastIsLogits,
            dropout: nil)
        }
        body(first, rows, output)
        first += rows
      }
    }
  }
}
