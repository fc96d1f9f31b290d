// The token for a daemon that is reached over TCP, from a file: on a command line or in a variable
// others could read it.

import Foundation

enum RemoteToken {
  private static let variable = "ASSAY_TOKEN_FILE"

  /// - Throws: `CommandError`.
  static func read(for url: String) throws(CommandError) -> String {
    guard url.hasPrefix("http://") || url.hasPrefix("https://") else {
      throw .badArgument(
        "\(url) is no address of a daemon", hint: "it has the form http://HOST:PORT")
    }
    let path = ProcessInfo.processInfo.environment[variable] ?? ""
    guard !path.isEmpty else {
      throw .badArgument(
        "\(url) needs a token",
        hint: "put the daemon's DATA/assayd.token into a file and name it: \(variable)=FILE")
    }
    let text = String(decoding: try LocalFile.whole(path, limit: 4096), as: UTF8.self)
    let token = text.trimmingCharacters(in: .whitespacesAndNewlines)
    guard !token.isEmpty else { throw .badArgument("\(path) holds no token", hint: nil) }
    return token
  }
}
