// What the daemon's own code refuses: requests that are not what their route takes, and reasons
// not to start. Errors of the store and of jobs keep their own codes (see `ErrorReply`).

package import Experiments
package import Wire

package enum ServerError: Error, Sendable {
  case routeNotFound(method: String, path: String)
  case methodNotAllowed(method: String, path: String, allowed: [String])
  case badJSON(field: String?, reason: String)
  case badParameter(name: String, value: String, expected: String)
  case missingParameter(name: String)
  case unknownParameter(name: String, allowed: [String])
  case bodyTooLarge(limit: Int)
  /// The body did not arrive in time.
  case requestTooSlow(seconds: Int)
  /// Bytes that are no HTTP request.
  case badRequest(reason: String)
  case tokenMissing
  case tokenUnknown
  /// The token is that of an attempt of this run.
  case tokenRestricted(run: Int64)
  case secretsInvalid(job: Int, reason: String)
  case specInvalid([SpecMistake])
  case limitExceeded(field: String, value: Int, limit: Int)
  /// A name that stands for several runs where one is needed.
  case oneRunNeeded(name: String, runs: Int)
  /// `series`: what a run would have to be, in words.
  case nothingToCheck(baseline: String, series: String)
  case schemaNotFound(name: String)
  /// A job wants more of a resource than the daemon counts.
  case resourceUnavailable(name: String, wanted: Int, total: Int)
  case protocolVersion(theirs: Int)
  case shuttingDown
  /// Another daemon holds the lock.
  case daemonAlreadyRunning(pid: String, socket: String)
  /// Somebody works on the data folder itself: a verb of assayd, or a daemon (nil).
  case dataFolderBusy(pid: String, verb: String?)
  case folder(path: String, reason: String)
  /// Others than its owner may enter it; `option` names another one.
  case folderOpen(path: String, mode: UInt32, option: String)
  case workerNotFound(path: String)
  case socket(path: String, reason: String)
  case socketPathTaken(path: String)
  /// A request over TCP without the daemon's token.
  case accessDenied
  /// The file of that token.
  case token(path: String, reason: String)
  case listen(address: String, reason: String)
  /// Its settings cannot be understood; whoever reads them says why, with a code of their own.
  case settings(code: String, message: String, hint: String?)
}

extension ServerError {
  package var code: String {
    switch self {
    case .routeNotFound: "route_not_found"
    case .methodNotAllowed: "method_not_allowed"
    case .badJSON: "bad_json"
    case .badParameter: "bad_parameter"
    case .missingParameter: "missing_parameter"
    case .unknownParameter: "unknown_parameter"
    case .bodyTooLarge: "body_too_large"
    case .requestTooSlow: "request_too_slow"
    case .badRequest: "bad_request"
    case .tokenMissing: "token_missing"
    case .tokenUnknown: "token_unknown"
    case .tokenRestricted: "token_restricted"
    case .secretsInvalid: "secrets_invalid"
    case .specInvalid: "spec_invalid"
    case .limitExceeded: "limit_exceeded"
    case .oneRunNeeded: "one_run_needed"
    case .nothingToCheck: "nothing_to_check"
    case .schemaNotFound: "schema_not_found"
    case .resourceUnavailable: "resource_unavailable"
    case .protocolVersion: "protocol_version"
    case .settings(let code, _, _): code
    case .shuttingDown: "shutting_down"
    case .daemonAlreadyRunning: "daemon_already_running"
    case .dataFolderBusy: "data_folder_busy"
    case .folder: "folder_unusable"
    case .folderOpen: "folder_open"
    case .workerNotFound: "worker_not_found"
    case .socket: "socket_unusable"
    case .socketPathTaken: "socket_path_taken"
    case .accessDenied: "access_denied"
    case .token: "token_unusable"
    case .listen: "listen_failed"
    }
  }

  package var message: String {
    switch self {
    case .routeNotFound(let method, let path): "there is no \(method) \(path)"
    case .methodNotAllowed(let method, let path, let allowed):
      "\(method) is not a method of \(path); it has \(allowed.joined(separator: ", "))"
    case .badJSON(let field, let reason):
      if let field { "\(field) is not valid: \(reason)" } else { "the body is no JSON: \(reason)" }
    case .badParameter(let name, let value, let expected):
      "the parameter \(name) is \"\(value.prefix(200))\"; it must be \(expected)"
    case .missingParameter(let name): "the parameter \(name) is missing"
    case .unknownParameter(let name, let allowed):
      allowed.isEmpty
        ? "\"\(name)\" is unknown; this route takes no parameters"
        : "\"\(name)\" is unknown; this route takes \(allowed.joined(separator: ", "))"
    case .bodyTooLarge(let limit): "the body has more than \(limit) bytes"
    case .requestTooSlow(let seconds): "the request did not arrive within \(seconds) seconds"
    case .badRequest(let reason): "this is no HTTP request that can be answered: \(reason)"
    case .tokenMissing: "a worker's requests need the token of their attempt"
    case .tokenUnknown: "the token is that of no attempt that runs"
    case .tokenRestricted(let run):
      "the token is for run \(run) and the runs below it, and for nothing else"
    case .secretsInvalid(let job, let reason): "the secrets of job \(job) of the request: \(reason)"
    case .specInvalid(let mistakes):
      mistakes.count == 1
        ? "the job spec has a mistake: \(Self.text(mistakes[0]))"
        : "the job spec has \(mistakes.count) mistakes"
    case .limitExceeded(let field, let value, let limit):
      "\(field) is \(value); the limit is \(limit)"
    case .oneRunNeeded(let name, let runs): "\"\(name)\" means \(runs) runs; one is needed"
    case .nothingToCheck(let baseline, let series):
      "there is no finished run of \(series) beside those of baseline \"\(baseline)\""
    case .schemaNotFound(let name): "there is no schema \"\(name)\""
    case .resourceUnavailable(let name, let wanted, let total):
      total == 0
        ? "the job wants \(wanted) of \"\(name)\", and the daemon has none"
        : "the job wants \(wanted) of \"\(name)\"; the daemon has \(total)"
    case .protocolVersion(let theirs):
      "the worker speaks protocol \(theirs), the daemon \(WorkerProtocol.version)"
    case .shuttingDown: "the daemon is shutting down"
    case .daemonAlreadyRunning(let pid, let socket):
      "a daemon is running already: process \(pid), socket \(socket)"
    case .dataFolderBusy(let pid, let verb):
      verb.map { "process \(pid) works on the data folder: assayd \($0)" }
        ?? "a daemon uses the data folder: process \(pid)"
    case .folder(let path, let reason): "the folder \(path) cannot be used: \(reason)"
    case .folderOpen(let path, let mode, _):
      "the folder \(path) is open to other users (its mode is \(String(mode, radix: 8)))"
    case .workerNotFound(let path): "there is no worker program at \(path)"
    case .socket(let path, let reason): "the socket \(path) cannot be used: \(reason)"
    case .socketPathTaken(let path): "\(path) is there and is not a socket"
    case .accessDenied: "over TCP every request needs the daemon's token"
    case .token(let path, let reason): "the token's file \(path) cannot be used: \(reason)"
    case .settings(_, let message, _): message
    case .listen(let address, let reason): "nobody can listen at \(address): \(reason)"
    }
  }

  package var hint: String? {
    switch self {
    case .routeNotFound: "see GET /api/v1/schemas/openapi"
    case .tokenMissing: "send it as: Authorization: Bearer TOKEN"
    case .tokenUnknown: "its job has ended; without a token everything is allowed"
    case .tokenRestricted: "send no token where another run is meant"
    case .secretsInvalid: "one value for each name of secret_env, and for no other"
    case .oneRunNeeded: "name one run, e.g. 12 or @latest"
    case .nothingToCheck: "name the runs to check: assay check @NAME RUN..."
    case .resourceUnavailable(let name, let wanted, _):
      "start the daemon with: assayd --resource \(name)=\(wanted)"
    case .protocolVersion: "assayd and assay-worker must be of the same version"
    case .daemonAlreadyRunning: "use it, or end it with: assayd stop"
    case .dataFolderBusy(_, let verb):
      verb == nil ? "end it with: assayd stop (running jobs go on)" : "wait for it to end"
    case .workerNotFound: "install assay-worker beside assayd, or name it with --worker"
    case .folderOpen(let path, _, let option):
      "choose another one with \(option), or close this one: chmod 700 \(path)"
    case .folder: "name another one with --data"
    case .socket, .socketPathTaken: "name another one with --socket"
    case .limitExceeded: "send less at once"
    case .accessDenied:
      "send it as: Authorization: Bearer TOKEN (assay: ASSAY_TOKEN_FILE); it is in assayd.token in "
        + "the daemon's data folder"
    case .token(let path, _): "remove it, and a new one is made: rm \(path)"
    case .listen: "name another address with --listen"
    case .settings(_, _, let hint): hint
    default: nil
    }
  }

  /// The field of the request that is wrong.
  package var field: String? {
    switch self {
    case .badJSON(let field, _): field
    case .badParameter(let name, _, _), .missingParameter(let name), .unknownParameter(let name, _):
      name
    case .limitExceeded(let field, _, _): field
    case .specInvalid(let mistakes): mistakes.first.map(\.path)
    default: nil
    }
  }

  package var body: ErrorBody {
    var mistakes: [SpecMistake]?
    if case .specInvalid(let all) = self { mistakes = all }
    return ErrorBody(code: code, message: message, hint: hint, field: field, mistakes: mistakes)
  }

  private static func text(_ mistake: SpecMistake) -> String {
    mistake.path.isEmpty ? mistake.message : "\(mistake.path): \(mistake.message)"
  }
}

extension ServerError: CustomStringConvertible {
  package var description: String { "\(code): \(message)" }
}
