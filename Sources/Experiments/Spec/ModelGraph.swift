// A network's layers with their shapes, parameters and floating-point operations, told from the
// spec and the number of input features alone.

/// The graph of one model. Operations are those of the matrix products, a multiplication and an
/// addition counted as two.
package struct ModelGraph: Codable, Sendable, Equatable {
  package struct Layer: Codable, Sendable, Equatable {
    /// The type and the place in the model: `dense_0`.
    package var name: String
    package var type: String
    /// Nil for layers that have none.
    package var activation: String?
    /// `[batch, 100]`
    package var inputShape: String
    package var outputShape: String
    /// Trained values: kernel and bias.
    package var parameters: Int
    /// Operations of the forward pass for one sample.
    package var flopsPerSample: Double
  }

  package var layers: [Layer]
  /// Columns of the input, after categories have been spread to one column each.
  package var features: Int
  package var batchSize: Int
  package var parameters: Int
  /// Operations of one update on a full batch: forward `2 · batch · in · out` per dense layer, twice
  /// that backward (gradients of kernel and input), less the input gradient that the first dense
  /// layer does not need.
  package var flopsPerStep: Double

  package init(spec train: TrainSpec, features: Int) {
    var width = features
    var layers: [Layer] = []
    var products = 0.0
    for (index, spec) in train.model.enumerated() {
      let input = "[batch, \(width)]"
      switch spec {
      case .dense(let dense):
        let flops = 2 * Double(width) * Double(dense.units)
        // forward and kernel gradient always, input gradient only if a dense layer comes before
        products += flops * (products == 0 ? 2 : 3)
        layers.append(
          Layer(
            name: "dense_\(index)", type: "dense", activation: dense.activation.rawValue,
            inputShape: input, outputShape: "[batch, \(dense.units)]",
            parameters: dense.units * (width + (dense.useBias ? 1 : 0)), flopsPerSample: flops))
        width = dense.units
      case .dropout:
        layers.append(
          Layer(
            name: "dropout_\(index)", type: "dropout", activation: nil, inputShape: input,
            outputShape: input, parameters: 0, flopsPerSample: 0))
      }
    }
    self.layers = layers
    self.features = features
    batchSize = train.batchSize
    parameters = layers.reduce(0) { $0 + $1.parameters }
    flopsPerStep = products * Double(train.batchSize)
  }

  /// A table for people: a heading, a line per layer, the totals.
  package var tableLines: [String] {
    let heading = ["layer", "activation", "output", "parameters", "FLOPs/sample"]
    let rows = layers.map { layer in
      [
        layer.name, layer.activation ?? "-", layer.outputShape, Self.grouped(layer.parameters),
        Self.grouped(layer.flopsPerSample),
      ]
    }
    let widths = heading.indices.map { column in
      ([heading] + rows).map { $0[column].count }.max() ?? 0
    }
    let lines = ([heading] + rows).map { row in
      row.indices.map { column in
        let padding = String(repeating: " ", count: widths[column] - row[column].count)
        // numbers to the right
        return column < 3 ? row[column] + padding : padding + row[column]
      }.joined(separator: "  ")
    }
    let total = """
      \(Self.grouped(parameters)) parameters, \(Self.grouped(flopsPerStep)) FLOPs per step of \
      \(Self.grouped(batchSize)) samples
      """
    return lines + [total]
  }

  /// Digits in threes: `1 234 567`.
  private static func grouped(_ value: Int) -> String { grouped(digits: String(value)) }

  private static func grouped(_ value: Double) -> String {
    Int(exactly: value.rounded()).map { grouped($0) } ?? "\(value)"
  }

  private static func grouped(digits: String) -> String {
    var result = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index).isMultiple(of: 3) { result += " " }
      result.append(digit)
    }
    return result
  }
}
