// Storing and restoring a training. The random generator needs no more than seed and position, as
// its streams are functions of them.

import Experiments

extension Trainer {
  /// The training as it is after the last whole epoch; only to be asked between epochs.
  package func state() -> TrainingState {
    var tensors = network.weights
    for (name, memory) in zip(optimizer.slotNames, optimizer.slots) {
      tensors += network.slots.map { $0.tensor(in: memory, prefix: "optimizer.\(name).") }
    }
    var metadata = identity
    metadata[TrainingState.Key.epoch] = String(epoch)
    metadata[TrainingState.Key.step] = String(step)
    metadata[TrainingState.Key.numerics] = NumericsFingerprint.current.description
    return TrainingState(tensors: tensors, metadata: metadata)
  }

  /// Goes on from `state`. Throws `badState` and changes nothing if it does not belong to this spec
  /// and data, or if a tensor is missing, unknown, or of another type or shape.
  package func restore(_ state: TrainingState) throws(TrainingError) {
    for (key, expected) in identity.sorted(by: { $0.key < $1.key }) {
      guard let found = state.metadata[key] else { throw .badState("\(key) is missing") }
      guard found == expected else {
        throw .badState("its \(key) is \(found), this training's is \(expected)")
      }
    }
    guard let epoch = state.epoch, epoch >= 0, let step = state.step,
      epoch.multipliedReportingOverflow(by: stepsPerEpoch) == (step, false)
    else {
      throw .badState(
        "step \(state.metadata[TrainingState.Key.step] ?? "nil") is not the end of epoch "
          + "\(state.metadata[TrainingState.Key.epoch] ?? "nil") of \(stepsPerEpoch) steps")
    }

    let weights = try ParameterSlot.find(network.slots, in: state.tensors)
    var memories: [[Tensor]] = []
    for name in optimizer.slotNames {
      memories.append(
        try ParameterSlot.find(network.slots, in: state.tensors, prefix: "optimizer.\(name)."))
    }
    let known = Set((weights + memories.joined()).map(\.name))
    if let unknown = state.tensors.first(where: { !known.contains($0.name) }) {
      throw .badState("tensor \(unknown.name) is not of this model and optimizer")
    }

    for (slot, tensor) in zip(network.slots, weights) {
      slot.store(tensor, in: network.parameters)
    }
    for (memory, tensors) in zip(optimizer.slots, memories) {
      for (slot, tensor) in zip(network.slots, tensors) { slot.store(tensor, in: memory) }
    }
    self.epoch = epoch
    self.step = step
  }

  /// What must be equal in a state that this training can go on from.
  private var identity: [String: String] {
    [
      TrainingState.Key.format: TrainingState.format,
      TrainingState.Key.generator: TrainingState.generator,
      TrainingState.Key.seed: String(spec.seed),
      TrainingState.Key.optimizer: spec.optimizer.typeName,
      TrainingState.Key.loss: spec.loss.rawValue,
      TrainingState.Key.batchSize: String(spec.batchSize),
      TrainingState.Key.trainRows: String(data.train.count),
    ]
  }
}
