// The signature of a call: HMAC-SHA256 with the hook's secret over the time of the call, in seconds as
// decimal text, followed by the body as it is. A receiver computes the same and compares it in
// constant time; an old time tells a call that somebody recorded and sends again.

import Crypto
import Foundation

package enum HookSignature {
  /// As it stands in `X-Assay-Signature`: `sha256=` and 64 hexadecimal digits.
  package static func text(secret: [UInt8], timestamp: String, body: [UInt8]) -> String {
    var code = HMAC<SHA256>(key: SymmetricKey(data: secret))
    code.update(data: Data(timestamp.utf8))
    code.update(data: body)
    let digits = code.finalize().map { byte in
      let text = String(byte, radix: 16)
      return text.count == 1 ? "0" + text : text
    }
    return "sha256=" + digits.joined()
  }
}

/// Reads a hook's secret from its file, each time anew, so that it can be changed at any time.
package enum SecretFile {
  private static let mostBytes = 4_096

  /// Without the line end that editors leave.
  /// - Throws: `SecretFileError`.
  package static func read(_ path: String) throws(SecretFileError) -> [UInt8] {
    var bytes: [UInt8]
    do {
      let attributes = try FileManager.default.attributesOfItem(atPath: path)
      let mode = (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0
      guard mode & 0o077 == 0 else {
        throw SecretFileError(
          "the secret file \(path) is open to other users (its mode is "
            + "\(String(mode, radix: 8))): chmod 600 \(path)")
      }
      let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
      defer { try? file.close() }  // only read
      bytes = [UInt8](try file.read(upToCount: mostBytes + 1) ?? Data())
    } catch let error as SecretFileError {
      throw error
    } catch {
      throw SecretFileError("the secret file \(path) cannot be read")
    }
    guard bytes.count <= mostBytes else {
      throw SecretFileError("the secret file \(path) has more than \(mostBytes) bytes")
    }
    if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
    if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
    guard !bytes.isEmpty else { throw SecretFileError("the secret file \(path) is empty") }
    return bytes
  }
}

package struct SecretFileError: Error, CustomStringConvertible {
  package let description: String

  init(_ description: String) { self.description = description }
}
