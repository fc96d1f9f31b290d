// Why the program ends badly, for people, and as one line through the pipe of `--background`.

import Foundation
import Glibc
import Jobs
import Server
import Store
import Wire

struct Problem: Error, Sendable {
  let code: String
  let message: String
  let hint: String?

  init(code: String, message: String, hint: String? = nil) {
    self.code = code
    self.message = message
    self.hint = hint
  }

  init(_ body: ErrorBody) {
    self.init(code: body.code, message: body.message, hint: body.hint)
  }

  init(_ error: any Error) {
    switch error {
    case let error as Problem: self = error
    case let error as ServerError:
      self.init(code: error.code, message: error.message, hint: error.hint)
    case let error as StoreError:
      self.init(code: error.code, message: error.message, hint: error.hint)
    case let error as JobsError:
      self.init(code: error.code, message: error.message, hint: error.hint)
    case let error as PlacesError:
      self.init(code: error.code, message: error.message, hint: error.hint)
    default: self.init(code: "internal", message: "\(error)")
    }
  }

  static func errno(_ what: String) -> Problem {
    Problem(
      code: "system_call_failed", message: "\(what): \(String(cString: strerror(Glibc.errno)))")
  }

  /// Code, message and hint, separated by tabs; what `init(text:)` reads.
  var text: String {
    [code, message, hint ?? ""].map { $0.replacing("\t", with: " ").replacing("\n", with: " ") }
      .joined(separator: "\t")
  }

  init(text: String) {
    let parts = text.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
    guard parts.count >= 2 else {
      self.init(code: "internal", message: text)
      return
    }
    self.init(
      code: parts[0], message: parts[1],
      hint: parts.count > 2 && !parts[2].isEmpty ? parts[2] : nil)
  }

  func print() {
    var text = "assayd: \(message)\n"
    if let hint { text += "  \(hint)\n" }
    Self.toStandardError(text)
  }

  /// The envelope that the API has for errors.
  func printJSON() {
    do {
      let envelope = ErrorEnvelope(ErrorBody(code: code, message: message, hint: hint))
      Self.toStandardError(
        String(decoding: try WireCoding.encoder().encode(envelope), as: UTF8.self) + "\n")
    } catch {
      print()
    }
  }

  /// Not by FileHandle, which traps when the disk of the log is full.
  private static func toStandardError(_ text: String) {
    _ = text.withCString { write(STDERR_FILENO, $0, strlen($0)) }
  }
}
