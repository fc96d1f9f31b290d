// A network in Double, written as plainly as possible and without the product's code: the measure
// of losses and, by finite differences, of gradients.

import Experiments
import Foundation

struct ReferenceNetwork {
  struct Layer {
    var spec: LayerSpec
    /// [inputs][units]
    var kernel: [[Double]] = []
    var bias: [Double] = []
    /// Factors of a dropout layer, [rows][width].
    var mask: [[Double]] = []
  }

  var layers: [Layer] = []
  let loss: LossName

  /// The mean loss over the rows plus penalties. Targets are classes or numbers.
  func loss(_ rows: [[Double]], classes: [Int32], values: [Float]) -> Double {
    var sum = 0.0
    for (index, row) in rows.enumerated() {
      let output = self.output(row, index)
      let wanted = output.indices.map { i in
        classes.isEmpty
          ? Double(values[index])
          : output.count == 1 ? Double(classes[index]) : (Int(classes[index]) == i ? 1 : 0)
      }
      sum += rowLoss(output, wanted)
    }
    return sum / Double(rows.count) + penalty
  }

  func output(_ row: [Double], _ index: Int) -> [Double] {
    var x = row
    for layer in layers {
      switch layer.spec {
      case .dropout:
        if !layer.mask.isEmpty { x = zip(x, layer.mask[index]).map { $0 * $1 } }
      case .dense(let dense):
        var z = layer.bias
        for unit in z.indices {
          for input in x.indices { z[unit] += x[input] * layer.kernel[input][unit] }
        }
        x = activate(dense.activation, z)
      }
    }
    return x
  }

  private var penalty: Double {
    var sum = 0.0
    for layer in layers {
      guard case .dense(let dense) = layer.spec else { continue }
      for w in layer.kernel.joined() { sum += dense.l1 * abs(w) + dense.l2 * w * w }
    }
    return sum
  }

  private func activate(_ activation: ActivationName, _ z: [Double]) -> [Double] {
    switch activation {
    case .linear: return z
    case .relu: return z.map { max($0, 0) }
    case .sigmoid: return z.map { 1 / (1 + exp(-$0)) }
    case .tanh: return z.map { tanh($0) }
    case .softmax:
      let e = z.map { exp($0) }
      return e.map { $0 / e.reduce(0, +) }
    }
  }

  private func rowLoss(_ output: [Double], _ wanted: [Double]) -> Double {
    let clip = { (p: Double) in min(max(p, 1e-7), 1 - 1e-7) }
    switch loss {
    case .meanSquaredError:
      return zip(output, wanted).map { ($0 - $1) * ($0 - $1) }.reduce(0, +) / Double(output.count)
    case .binaryCrossentropy:
      let p = clip(output[0])
      return -wanted[0] * log(p) - (1 - wanted[0]) * log(1 - p)
    case .categoricalCrossentropy, .sparseCategoricalCrossentropy:
      let total = output.reduce(0, +)
      return zip(output, wanted).map { -$1 * log(clip($0 / total)) }.reduce(0, +)
    }
  }
}
