// The id of a run whose source gives it none: made of where it comes from, so that reading the same
// source again finds the same run.

import Crypto
package import Experiments

package enum SourceIdentity {
  /// The first 32 hexadecimal digits of the SHA-256 of the parts, a line feed between them.
  package static func uid(_ parts: [String]) -> Identifier {
    guard let uid = Identifier(String(digest(parts).prefix(32))) else {
      preconditionFailure("32 hexadecimal digits are an id")
    }
    return uid
  }

  /// Of what tells whether a source has changed.
  static func signature(_ parts: [String]) -> String { String(digest(parts).prefix(16)) }

  private static func digest(_ parts: [String]) -> String {
    SHA256.hash(data: Array(parts.joined(separator: "\n").utf8)).map { byte in
      (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }.joined()
  }
}
