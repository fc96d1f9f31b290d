// What can go wrong in a worker itself, beside what training, data and checkpoints say.
import Experiments
import Training

enum WorkerError: Error {
  case usage
  case noOrder(String)
  case damagedSpool
  /// The rows of a dataset cannot be used.
  case data(of: String, DataError)
  case datasetChanged(path: String, was: String, now: String)
  case datasetUnreadable(path: String, reason: String)
  case datasetTooLarge(path: String, bytes: Int64)
  case checkpointUnusable(String)
  case unsupportedKind(JobKind)

  var failure: Failure {
    switch self {
    case .usage:
      Failure(
        code: "usage",
        message: "usage: assay-worker FOLDER | assay-worker --flush FOLDER (assayd starts it) | "
          + "assay-worker --keep|--capture FOLDER (assay-runner starts it) | "
          + "assay-worker rebuild FILE (assay starts it)")
    case .noOrder(let folder):
      Failure(
        code: "attempt_folder_unusable", message: "there is no attempt.json in \(folder)")
    case .damagedSpool:
      Failure(code: "spool_damaged", message: "a record kept in the attempt's spool is damaged")
    case .data(let label, let error):
      Failure(
        code: error.code,
        message: "\(label): \(error.message)" + (error.hint.map { " (\($0))" } ?? ""))
    case .datasetChanged(let path, let was, let now):
      Failure(
        code: "dataset_changed",
        message: "\(path) has changed since this job first ran (SHA-256 \(was.prefix(12))… then, "
          + "\(now.prefix(12))… now), so going on would mix two datasets; put the old file back "
          + "or submit the job anew")
    case .datasetUnreadable(let path, let reason):
      Failure(
        code: "dataset_unreadable", message: "the dataset \(path) cannot be read: \(reason)")
    case .datasetTooLarge(let path, let bytes):
      Failure(
        code: "limit_exceeded",
        message: "\(path) has \(bytes) bytes; a CSV file may have at most \(Limits.csvBytes)")
    case .checkpointUnusable(let reason):
      Failure(code: "checkpoint_unusable", message: reason)
    case .unsupportedKind(let kind):
      Failure(
        code: "unsupported_kind", message: "this worker cannot run jobs of kind \(kind.rawValue)")
    }
  }
}
