// The secret by which a worker proves which attempt it is. The database has its hash alone.

import Checkpoints

enum AttemptToken {
  /// 256 random bits in hexadecimal.
  static func make() -> String {
    (0..<4).map { _ in
      let digits = String(UInt64.random(in: .min ... .max), radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }

  static func hash(_ token: String) -> String { ContentHash.sha256Hex(token) }
}
