// A trainable tensor: its name, its shape and where it lies in the arena of parameters, and in
// those of gradients and of the optimizer's memories, which have the same layout.

import Experiments

package struct ParameterSlot: Sendable {
  /// `model.INDEX.kernel` or `model.INDEX.bias`, with the layer's index in the spec.
  package let name: String
  /// [inputs, units] of a kernel, [units] of a bias.
  package let shape: [Int]
  package let offset: Int

  package var count: Int { shape.reduce(1, *) }

  static func of(_ dense: Dense, layer: Int) -> [ParameterSlot] {
    let kernel = ParameterSlot(
      name: "model.\(layer).kernel", shape: [dense.inputs, dense.units],
      offset: dense.kernelOffset)
    let bias = ParameterSlot(
      name: "model.\(layer).bias", shape: [dense.units], offset: dense.biasOffset)
    return dense.useBias ? [kernel, bias] : [kernel]
  }

  /// A copy of the tensor that lies in `arena`.
  func tensor(in arena: FloatArena, prefix: String = "") -> Tensor {
    let bytes = UnsafeRawBufferPointer(
      start: arena.base + offset, count: count * MemoryLayout<Float>.stride)
    return Tensor(name: prefix + name, type: .f32, shape: shape, bytes: Array(bytes))
  }

  /// Copies `tensor`, which must have passed `check`, into `arena`.
  func store(_ tensor: Tensor, in arena: FloatArena) {
    let target = UnsafeMutableRawBufferPointer(
      start: arena.base + offset, count: count * MemoryLayout<Float>.stride)
    tensor.bytes.withUnsafeBytes { target.copyMemory(from: $0) }
  }

  /// Throws `badState` unless type, shape and size are this slot's.
  func check(_ tensor: Tensor) throws(TrainingError) {
    guard tensor.type == .f32 else {
      throw .badState("tensor \(tensor.name) is \(tensor.type.rawValue), not F32")
    }
    guard tensor.shape == shape else {
      throw .badState("tensor \(tensor.name) has shape \(tensor.shape), not \(shape)")
    }
    guard tensor.bytes.count == count * MemoryLayout<Float>.stride else {
      throw .badState(
        "tensor \(tensor.name) has \(tensor.bytes.count) bytes, not "
          + "\(count * MemoryLayout<Float>.stride)")
    }
  }
}
