// The versions of Assay and of what its programs say to each other.

package enum Versions {
  package static let assay = "0.1.0"
  /// Of what a worker and the daemon say; see `WorkerProtocol`.
  package static let workerProtocol = 1
}
