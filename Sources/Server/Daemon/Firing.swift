// One firing of a schedule: which moment it stands for, and the job it submits. All of it follows
// from the schedule and that moment alone, so a firing that is done again is the same job.

import Checkpoints
import Experiments

struct Firing: Sendable {
  let scheduleId: Int64
  /// The moment of the cron expression that it stands for.
  let due: Timestamp

  /// SHA-256 of `assay schedule ID at MICROSECONDS`.
  private var digest: String {
    ContentHash.sha256Hex("assay schedule \(scheduleId) at \(due.microseconds)")
  }

  /// The seed of the job: the first 31 bits of the digest.
  var seed: Int64 { Int64(UInt64(digest.prefix(8), radix: 16) ?? 0) >> 1 }

  /// The id of the job: of the due moment, its random part from the rest of the digest.
  var uid: Identifier {
    var generator = DigestGenerator(digest: digest.dropFirst(8))
    return Identifier(at: due, using: &generator)
  }

  /// How long after its due time it takes place: whole seconds, from the digest's last 32 bits.
  func delay(atMost seconds: Int) -> Double {
    Double((UInt64(digest.suffix(8), radix: 16) ?? 0) % (UInt64(max(seconds, 0)) + 1))
  }

  /// The schedule's spec with this firing's seed, where it has one.
  func spec(_ json: JSONValue) -> JSONValue {
    guard case .object(var members) = json, members["seed"] != nil || isTraining(members) else {
      return json
    }
    members["seed"] = .int(seed)
    return .object(members)
  }

  private func isTraining(_ members: [String: JSONValue]) -> Bool {
    (members["kind"]?.stringValue ?? JobKind.train.rawValue) == JobKind.train.rawValue
  }
}

/// The digits of a digest as a source of numbers; only as many are drawn as it has.
private struct DigestGenerator: RandomNumberGenerator {
  private var digits: Substring

  init(digest: Substring) { digits = digest }

  mutating func next() -> UInt64 {
    defer { digits = digits.dropFirst(16) }
    return UInt64(digits.prefix(16), radix: 16) ?? 0
  }
}
