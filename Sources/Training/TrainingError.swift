// Everything that can go wrong in the training core. `code` is stable; `message` holds the
// offending value; `hint` says what to do, where there is something to do.

package enum TrainingError: Error, Sendable {
  /// `metric` (the loss, or `weights`) is NaN or infinite. `epoch` counts from 1 and is the one in
  /// progress; `step` counts from 1 and is the update that was being made or had just been made.
  case diverged(epoch: Int, step: Int, metric: String, value: Double)
  /// The caller asked to stop. The trainer is between two steps and cannot go on.
  case stopped
  /// The model, the loss and the data do not fit together.
  case unsuitableModel(String)
  /// A state that does not belong to this training or is damaged.
  case badState(String)
  /// OpenBLAS computes wrong products on this machine.
  case blasUnreliable(String)
  case data(DataError)
}

extension TrainingError {
  package var code: String {
    switch self {
    case .diverged: "training_diverged"
    case .stopped: "training_stopped"
    case .unsuitableModel: "unsuitable_model"
    case .badState: "bad_training_state"
    case .blasUnreliable: "blas_unreliable"
    case .data(let error): error.code
    }
  }

  package var message: String {
    switch self {
    case .diverged(let epoch, let step, let metric, let value):
      "training diverged in epoch \(epoch) at step \(step): \(metric) is "
        + (value.isNaN ? "NaN" : value > 0 ? "Infinity" : "-Infinity")
    case .stopped: "training was stopped"
    case .unsuitableModel(let reason): reason
    case .badState(let reason): "the training state cannot be used: \(reason)"
    case .blasUnreliable(let detail): "OpenBLAS gives wrong results on this machine: \(detail)"
    case .data(let error): error.message
    }
  }

  package var hint: String? {
    switch self {
    case .diverged:
      "try a smaller optimizer.learning_rate, standardize: true, or look for extreme values in "
        + "the data"
    case .stopped: nil
    case .unsuitableModel: "change the model's last layer, the loss or the dataset's task"
    case .badState: "use a checkpoint of the same run, or start a new run"
    case .blasUnreliable:
      "set OPENBLAS_CORETYPE=Haswell (or another core type) in the environment, or update OpenBLAS"
    case .data(let error): error.hint
    }
  }
}

extension TrainingError: CustomStringConvertible {
  package var description: String { message }
}
