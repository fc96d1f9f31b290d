// Weights as tensors: what a snapshot is made of and what a stored model is restored from.

package import Experiments

extension Network {
  /// The network of a stored state: of `state` only the tensors named `model.…` are used. Throws
  /// `unsuitableModel` and `badState`.
  package convenience init(
    model: [LayerSpec], features: Int, weights: [Tensor], threads: Int = 1
  ) throws(TrainingError) {
    try self.init(model: model, features: features, threads: threads)
    try setWeights(weights)
  }

  /// Copies of all kernels [inputs, units] and biases [units], in the order of the layers.
  package var weights: [Tensor] { slots.map { $0.tensor(in: parameters) } }

  /// Replaces all weights. Tensors of other names are ignored. Throws `badState` and changes nothing
  /// if a tensor is missing or of the wrong type or shape.
  package func setWeights(_ tensors: [Tensor]) throws(TrainingError) {
    let found = try ParameterSlot.find(slots, in: tensors)
    for (slot, tensor) in zip(slots, found) { slot.store(tensor, in: parameters) }
  }
}

extension ParameterSlot {
  /// The tensors of `slots` by name, checked, in the order of `slots`.
  static func find(
    _ slots: [ParameterSlot], in tensors: [Tensor], prefix: String = ""
  ) throws(TrainingError) -> [Tensor] {
    var byName: [String: Tensor] = [:]
    for tensor in tensors {
      guard byName.updateValue(tensor, forKey: tensor.name) == nil else {
        throw .badState("tensor \(tensor.name) is there twice")
      }
    }
    var found: [Tensor] = []
    for slot in slots {
      guard let tensor = byName[prefix + slot.name] else {
        throw .badState("tensor \(prefix + slot.name) is missing")
      }
      try slot.check(tensor)
      found.append(tensor)
    }
    return found
  }
}
