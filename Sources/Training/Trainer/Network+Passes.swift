// The passes of one batch through the layers: forward to the outputs, backward to the gradients.

extension Network {
  /// What decides the dropout masks of a step.
  struct DropoutPosition {
    let seed: Int
    let step: Int
  }

  /// From input [rows, features] to the last layer's output [rows, outputs], which lies in
  /// `workspace`. Without `dropout`, dropout layers do nothing.
  func forward(
    _ input: UnsafePointer<Float>, rows: Int, in workspace: Workspace, lastIsLogits: Bool,
    dropout: DropoutPosition?
  ) -> UnsafeMutablePointer<Float> {
    var current = input
    var output = workspace.input
    for index in layers.indices {
      switch layers[index] {
      case .dense(let dense):
        output = workspace.outputs[index]
        dense.forward(
          parameters: parameters.base, input: current, output: output, rows: rows,
          appliesActivation: !(lastIsLogits && index == layers.count - 1))
      case .dropout(let layer):
        guard let dropout, let mask = workspace.masks[index], layer.rate > 0 else { continue }
        output = workspace.outputs[index]
        layer.forward(
          input: current, output: output, mask: mask, rows: rows,
          random: RandomStream(
            seed: dropout.seed, purpose: .dropout, layer: index, index: dropout.step))
      }
      current = UnsafePointer(output)
    }
    return output
  }

  /// After a forward pass with dropout: from the gradient of the last output [rows, outputs], which
  /// lies in `workspace.gradients.0`, to the gradients of all parameters, penalties included.
  func backward(
    _ input: UnsafePointer<Float>, rows: Int, in workspace: Workspace, lastIsLogits: Bool,
    gradients: UnsafeMutablePointer<Float>
  ) {
    guard var (gradient, other) = workspace.gradients else { return }
    for index in layers.indices.reversed() {
      switch layers[index] {
      case .dense(let dense):
        dense.backward(
          parameters: parameters.base, gradients: gradients,
          input: trainingInput(of: index, in: workspace) ?? input,
          output: workspace.outputs[index], outputGradient: gradient,
          inputGradient: index > firstDense ? other : nil, rows: rows,
          appliesActivation: !(lastIsLogits && index == layers.count - 1))
        // Nothing before the first dense layer learns.
        if index == firstDense { return }
        (gradient, other) = (other, gradient)
      case .dropout(let layer):
        if let mask = workspace.masks[index], layer.rate > 0 {
          layer.backward(gradient: gradient, mask: mask, rows: rows)
        }
      }
    }
  }

  /// What a layer was given in a forward pass with dropout; nil for the network's own input.
  private func trainingInput(of index: Int, in workspace: Workspace) -> UnsafePointer<Float>? {
    for earlier in (0..<index).reversed() {
      if case .dropout(let layer) = layers[earlier], layer.rate == 0 { continue }
      return UnsafePointer(workspace.outputs[earlier])
    }
    return nil
  }
}
