// What can go wrong on the way to the daemon and back.

package import Wire

package enum ClientError: Error, Sendable {
  /// Nobody listens at the socket, or there is none.
  case daemonUnreachable(socket: String)
  /// The daemon answered with an error.
  case api(ErrorBody, status: Int)
  /// The daemon answered something that is not what it should be.
  case badAnswer(String)
  /// The connection broke off, twice in a row.
  case connectionLost(String)
  case timedOut(String)
  /// A name that no route can have: empty, `.` or `..`. Nothing was sent.
  case badName(String)
  /// A local file cannot be written.
  case file(path: String, reason: String)

  package var code: String {
    switch self {
    case .daemonUnreachable: "daemon_unreachable"
    case .api(let body, _): body.code
    case .badAnswer: "bad_answer"
    case .connectionLost: "connection_lost"
    case .timedOut: "timed_out"
    case .badName: "invalid_argument"
    case .file: "file_error"
    }
  }

  package var message: String {
    switch self {
    case .daemonUnreachable(let socket): "no daemon answers at \(socket)"
    case .api(let body, _): body.message
    case .badAnswer(let detail): "the daemon's answer cannot be understood: \(detail)"
    case .connectionLost(let detail): "the connection to the daemon broke off: \(detail)"
    case .timedOut(let what): "the daemon did not answer \(what) in time"
    case .badName(let name): name.isEmpty ? "a name is empty" : "\(name) is no name"
    case .file(let path, let reason): "\(path) cannot be written: \(reason)"
    }
  }

  package var hint: String? {
    switch self {
    case .daemonUnreachable: "start it with: assayd --background"
    case .api(let body, _): body.hint
    case .badAnswer: "assay and assayd may be of different versions; see: assay version"
    case .connectionLost, .timedOut: "see whether it is well with: assay status"
    case .badName: "name a run by its number, @latest or an id, anything else as it is listed"
    case .file: nil
    }
  }

  /// As the daemon would say it, for `--json`.
  package var body: ErrorBody {
    if case .api(let body, _) = self { return body }
    return ErrorBody(code: code, message: message, hint: hint)
  }
}

extension ClientError: CustomStringConvertible {
  package var description: String { "\(code): \(message)" }
}
