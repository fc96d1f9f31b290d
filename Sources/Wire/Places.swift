// Where the daemon's socket and data lie unless someone says otherwise. The same answer for the
// daemon, the command line and the tests.

import Experiments
import Foundation

package enum Places {
  /// The daemon's socket: `$ASSAY_SOCKET`, else `$XDG_RUNTIME_DIR/assay/assay.sock`, else
  /// `/run/user/UID/assay/assay.sock` if `/run/user/UID` exists, else
  /// `~/.local/state/assay/run/assay.sock`. Throws `PlacesError` if the path is too long.
  package static func socket(
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws -> String {
    if let path = nonEmpty(environment["ASSAY_SOCKET"]) { return try checkedSocket(path) }
    if let folder = nonEmpty(environment["XDG_RUNTIME_DIR"]) {
      return try checkedSocket(folder + "/assay/assay.sock")
    }
    let userFolder = "/run/user/\(getuid())"
    if FileManager.default.isWritableFile(atPath: userFolder) {
      return try checkedSocket(userFolder + "/assay/assay.sock")
    }
    return try checkedSocket(home(environment) + "/.local/state/assay/run/assay.sock")
  }

  /// The folder that holds `assay.db`: `$ASSAY_DATA`, else `$XDG_DATA_HOME/assay`, else
  /// `~/.local/share/assay`.
  package static func dataFolder(
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> String {
    if let folder = nonEmpty(environment["ASSAY_DATA"]) { return absolute(folder) }
    if let folder = nonEmpty(environment["XDG_DATA_HOME"]) { return absolute(folder) + "/assay" }
    return home(environment) + "/.local/share/assay"
  }

  /// `path` made absolute, if a socket can have it.
  package static func checkedSocket(_ path: String) throws -> String {
    let path = absolute(path)
    guard path.utf8.count <= Limits.socketPathBytes else {
      throw PlacesError.socketPathTooLong(path)
    }
    return path
  }

  /// `path` itself if it is absolute, else under the current folder.
  package static func absolute(_ path: String) -> String {
    if path.hasPrefix("/") { return path }
    return FileManager.default.currentDirectoryPath + "/" + path
  }

  private static func home(_ environment: [String: String]) -> String {
    nonEmpty(environment["HOME"]) ?? NSHomeDirectory()
  }

  private static func nonEmpty(_ text: String?) -> String? {
    guard let text, !text.isEmpty else { return nil }
    return text
  }
}

package enum PlacesError: Error, Sendable, Equatable {
  case socketPathTooLong(String)

  package var code: String { "socket_path_too_long" }

  package var message: String {
    switch self {
    case .socketPathTooLong(let path):
      """
      the socket's path has \(path.utf8.count) bytes, and a Unix socket's may have \
      \(Limits.socketPathBytes) at most: \(path)
      """
    }
  }

  package var hint: String? { "choose a shorter one with --socket or ASSAY_SOCKET" }

  package var body: ErrorBody { ErrorBody(code: code, message: message, hint: hint) }
}
