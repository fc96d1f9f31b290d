// Any error as what is recorded of it: a stable code and a sentence, with the way out if known.
import Checkpoints
import Client
import Experiments
import Jobs
import Training

enum Failures {
  static func describe(_ error: any Error) -> Failure {
    switch error {
    case let error as Failure: error
    case let error as WorkerError: error.failure
    case let error as TrainingError: sentence(error.code, error.message, error.hint)
    case let error as CheckpointError: sentence(error.code, error.message, error.hint)
    case let error as JobsError: sentence(error.code, error.message, error.hint)
    case let error as ClientError: sentence(error.code, error.message, error.hint)
    case let error as SpecMistakes:
      Failure(
        code: "spec_invalid",
        message: error.mistakes.map { "\($0.path): \($0.message)" }.joined(separator: "; "))
    default: Failure(code: "internal", message: String(describing: error))
    }
  }

  private static func sentence(_ code: String, _ message: String, _ hint: String?) -> Failure {
    Failure(code: code, message: hint.map { "\(message) (\($0))" } ?? message)
  }
}
