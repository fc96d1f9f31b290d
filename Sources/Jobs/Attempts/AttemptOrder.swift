// What a worker is told: all it needs is in this file of its folder, and with it the address and the
// token by which it talks to the daemon.

package import Experiments

package struct AttemptOrder: Codable, Sendable, Equatable {
  /// The version of this file's layout. What worker and daemon say to each other has a version of
  /// its own, which the daemon checks at the handshake.
  package static let currentProtocolVersion = 1

  package var protocolVersion: Int
  /// The daemon's Unix socket.
  package var socketPath: String
  /// Names the attempt to the daemon and is its right to write; a secret.
  package var token: String
  package var attemptId: Int64
  package var jobId: Int64
  package var runId: Int64
  /// 1 for a job's first attempt.
  package var number: Int
  /// The job's whole spec, defaults filled in.
  package var spec: JSONValue
  /// Variables of the program that are recorded nowhere else.
  package var secrets: [String: String]?
  /// Stands in the environment of everything the attempt starts; not a secret.
  package var mark: String
  /// Variables of the worker beyond the daemon's own.
  package var environment: [String: String]?

  package init(
    protocolVersion: Int = AttemptOrder.currentProtocolVersion, socketPath: String, token: String,
    attemptId: Int64, jobId: Int64, runId: Int64, number: Int, spec: JSONValue,
    secrets: [String: String]? = nil, mark: String = AttemptOrder.newMark(),
    environment: [String: String]? = nil
  ) {
    self.protocolVersion = protocolVersion
    self.socketPath = socketPath
    self.token = token
    self.attemptId = attemptId
    self.jobId = jobId
    self.runId = runId
    self.number = number
    self.spec = spec
    self.secrets = secrets
    self.mark = mark
    self.environment = environment
  }

  /// 128 random bits as text.
  package static func newMark() -> String {
    let halves = [UInt64.random(in: .min ... .max), UInt64.random(in: .min ... .max)]
    return halves.map { half in
      let digits = String(half, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }
}
