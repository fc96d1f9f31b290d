// Sizes and times as people write them: `2GB`, `512 MiB`, `90s`, `1h30m`.

package enum SpecQuantity {
  private static let sizes: [String: Double] = [
    "": 1, "b": 1, "k": 1e3, "kb": 1e3, "m": 1e6, "mb": 1e6, "g": 1e9, "gb": 1e9, "t": 1e12,
    "tb": 1e12, "kib": 1024, "mib": 1_048_576, "gib": 1_073_741_824, "tib": 1_099_511_627_776,
  ]
  private static let times: [String: Double] = [
    "": 1, "s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400,
  ]

  /// `2GB` as 2,000,000,000, `2GiB` as 2,147,483,648.
  package static func bytes(_ text: String) -> Int? {
    guard let parts = parts(text), parts.count == 1, let unit = sizes[parts[0].unit] else {
      return nil
    }
    return Int(exactly: (parts[0].number * unit).rounded())
  }

  /// `1h30m` as 5400.
  package static func seconds(_ text: String) -> Int? {
    guard let parts = parts(text), parts.count == 1 || parts.allSatisfy({ !$0.unit.isEmpty })
    else { return nil }
    var sum = 0.0
    for part in parts {
      guard let unit = times[part.unit] else { return nil }
      sum += part.number * unit
    }
    return Int(exactly: sum.rounded())
  }

  private static func parts(_ text: String) -> [(number: Double, unit: String)]? {
    var parts: [(number: Double, unit: String)] = []
    var rest = text[...]
    while true {
      rest = rest.drop { $0 == " " }
      guard !rest.isEmpty else { break }
      let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
      guard let number = Double(digits) else { return nil }
      rest = rest.dropFirst(digits.count).drop { $0 == " " }
      let unit = rest.prefix { $0.isASCII && $0.isLetter }
      rest = rest.dropFirst(unit.count)
      parts.append((number, unit.lowercased()))
    }
    return parts.isEmpty ? nil : parts
  }
}

extension SpecRule<Int> {
  /// A number of bytes, or a text such as `2GB`.
  static var bytes: SpecRule {
    converting("a size such as 2GB, 512MiB or a number of bytes") {
      let value = $0.intValue ?? $0.stringValue.flatMap { SpecQuantity.bytes($0) }
      return value.flatMap { (1...Int(1) << 50).contains($0) ? $0 : nil }
    }
  }

  /// A number of seconds, or a text such as `1h`.
  static var seconds: SpecRule {
    converting("a time such as 90s, 30m, 1h or a number of seconds") {
      let value = $0.intValue ?? $0.stringValue.flatMap { SpecQuantity.seconds($0) }
      return value.flatMap { (1...100_000_000).contains($0) ? $0 : nil }
    }
  }
}
