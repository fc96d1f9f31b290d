// The options that every command has, and the way to the daemon.

import ArgumentParser
import Client
import Foundation
import Wire

struct CommonOptions: ParsableArguments {
  @Flag(help: "Print the API's JSON.")
  var json = false

  @Option(
    help: ArgumentHelp(
      "Socket of the daemon; by default $ASSAY_SOCKET or the user's runtime folder.",
      valueName: "path"))
  var socket: String?

  @Option(
    help: ArgumentHelp(
      "Address of a daemon that listens on TCP, instead of a socket; by default $ASSAY_URL. Its "
        + "token is read from $ASSAY_TOKEN_FILE.", valueName: "url"))
  var url: String?

  /// Runs `body` with a client for the daemon.
  /// - Parameters:
  ///   - token: sent with each request.
  ///   - timeout: for one request and its answer.
  func withClient<Result: Sendable>(
    token: String? = nil, timeout: Duration = .seconds(60),
    _ body: (AssayClient) async throws -> Result
  ) async throws -> Result {
    if let url = givenURL {
      let client = AssayClient(url: url, token: try RemoteToken.read(for: url), timeout: timeout)
      return try await AssayClient.with(client, body)
    }
    return try await AssayClient.with(socketPath: socketPath, token: token, timeout: timeout, body)
  }

  /// An address on the command line goes before everything, a socket there before `ASSAY_URL`.
  var givenURL: String? {
    if let url { return url }
    let variable = ProcessInfo.processInfo.environment["ASSAY_URL"] ?? ""
    return socket == nil && !variable.isEmpty ? variable : nil
  }

  var socketPath: String {
    get throws { try socket.map { try Places.checkedSocket($0) } ?? Places.socket() }
  }

  /// Prints `value` as JSON, or what `text` prints for people.
  func print(_ value: some Encodable, else text: () -> Void) throws {
    if json { try JSONOutput.print(value) } else { text() }
  }
}

/// `key=value` on the command line.
struct Assignment: ExpressibleByArgument {
  var key: String
  var value: String

  init?(argument: String) {
    guard let sign = argument.firstIndex(of: "="), sign != argument.startIndex else { return nil }
    key = String(argument[..<sign])
    value = String(argument[argument.index(after: sign)...])
  }
}
