// A fully connected layer: activation(x · kernel + bias), as Keras' `Dense`. It is a description
// (shape and place of its parameters in the network's arena), so copying it costs nothing.

package import Experiments

package struct Dense {
  package let inputs: Int
  package let units: Int
  package let activation: ActivationName
  package let initializer: InitializerName
  package let useBias: Bool
  /// Factors of the penalties l1 Σ|w| + l2 Σw² of the kernel.
  package let l1: Float
  package let l2: Float
  /// Place of the kernel [inputs, units] in the arena of parameters, and in that of gradients.
  package let kernelOffset: Int
  /// Place of the bias [units]. A layer without a bias keeps zeros there that no gradient reaches.
  package let biasOffset: Int

  package init(_ spec: DenseSpec, inputs: Int, offset: Int) {
    self.inputs = inputs
    units = spec.units
    activation = spec.activation
    initializer = spec.initializer
    useBias = spec.useBias
    l1 = Float(spec.l1)
    l2 = Float(spec.l2)
    kernelOffset = offset
    biasOffset = offset + FloatArena.padded(inputs * spec.units)
  }

  /// Floats that the layer takes in the arena.
  package var parameterSpace: Int { biasOffset - kernelOffset + FloatArena.padded(units) }

  /// output [rows, units] = f(input [rows, inputs] · kernel [inputs, units] + bias [units]), where f
  /// is the activation or, when the loss does that itself, nothing.
  func forward(
    parameters: UnsafePointer<Float>, input: UnsafePointer<Float>,
    output: UnsafeMutablePointer<Float>, rows: Int, appliesActivation: Bool
  ) {
    let kernel = parameters + kernelOffset
    if units == 1 {
      Columns.multiply(input, kernel, into: output, rows: rows, inputs: inputs)
    } else {
      BLAS.multiply(input, kernel, into: output, m: rows, n: units, k: inputs)
    }
    Activations.forward(
      appliesActivation ? activation : .linear, bias: parameters + biasOffset, output: output,
      rows: rows, units: units)
  }

  /// From outputGradient [rows, units] = dL/d(output), which becomes dL/d(x · kernel + bias) in
  /// place, to the parameters' gradients and, if wanted, inputGradient [rows, inputs].
  ///
  /// - kernelGradient [inputs, units] = inputᵀ [inputs, rows] · outputGradient [rows, units]
  /// - biasGradient [units] = Σ over rows of outputGradient
  /// - inputGradient [rows, inputs] = outputGradient [rows, units] · kernelᵀ [units, inputs]
  func backward(
    parameters: UnsafePointer<Float>, gradients: UnsafeMutablePointer<Float>,
    input: UnsafePointer<Float>, output: UnsafePointer<Float>,
    outputGradient: UnsafeMutablePointer<Float>, inputGradient: UnsafeMutablePointer<Float>?,
    rows: Int, appliesActivation: Bool
  ) {
    let kernel = parameters + kernelOffset
    let kernelGradient = gradients + kernelOffset
    let biasGradient = gradients + biasOffset
    Activations.backward(
      appliesActivation ? activation : .linear, output: output, gradient: outputGradient,
      biasGradient: biasGradient, rows: rows, units: units)
    if !useBias { biasGradient.update(repeating: 0, count: units) }
    if units == 1 {
      Columns.multiply(
        transposed: input, outputGradient, into: kernelGradient, rows: rows, inputs: inputs)
      if let inputGradient {
        Columns.outer(outputGradient, kernel, into: inputGradient, rows: rows, inputs: inputs)
      }
    } else {
      BLAS.multiply(
        transposed: input, outputGradient, into: kernelGradient, m: inputs, n: units, k: rows)
      if let inputGradient {
        BLAS.multiply(
          outputGradient, transposed: kernel, into: inputGradient, m: rows, n: inputs, k: units)
      }
    }
    addPenaltyGradient(kernel: kernel, kernelGradient: kernelGradient)
  }

  /// l1 Σ|w| + l2 Σw² over the kernel.
  func penalty(parameters: UnsafePointer<Float>) -> Double {
    let kernel = parameters + kernelOffset
    let count = inputs * units
    var sum = 0.0
    if l1 != 0 { sum += Double(l1 * Reductions.sumOfMagnitudes(kernel, count: count)) }
    if l2 != 0 { sum += Double(l2 * Reductions.sumOfSquares(kernel, count: count)) }
    return sum
  }

  /// kernelGradient += l1 sign(w) + 2 l2 w, with sign(0) = 0.
  private func addPenaltyGradient(
    kernel: UnsafePointer<Float>, kernelGradient: UnsafeMutablePointer<Float>
  ) {
    let count = inputs * units
    if l1 != 0 {
      for i in 0..<count {
        kernelGradient[i] += kernel[i] > 0 ? l1 : kernel[i] < 0 ? -l1 : 0
      }
    }
    if l2 != 0 {
      let factor = 2 * l2
      for i in 0..<count { kernelGradient[i] += factor * kernel[i] }
    }
  }
}
