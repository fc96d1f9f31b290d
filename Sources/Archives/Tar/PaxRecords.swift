// The content of a pax header: lines `LENGTH KEY=VALUE`, of which `path` and `size` mean something
// here. The length is that of the whole line, itself included.

enum PaxRecords {
  static func line(_ key: String, _ value: String) -> [UInt8] {
    let rest = " \(key)=\(value)\n"
    var length = rest.utf8.count
    while length != rest.utf8.count + String(length).utf8.count {
      length = rest.utf8.count + String(length).utf8.count
    }
    return Array((String(length) + rest).utf8)
  }

  /// - Throws: the reason, as words that follow "its pax header".
  static func parse(_ bytes: [UInt8]) throws(TarMistake) -> [String: String] {
    var records: [String: String] = [:]
    var rest = bytes[...]
    while !rest.isEmpty {
      let digits = rest.prefix { (0x30...0x39).contains($0) }
      guard digits.count <= 9, let length = Int(String(decoding: digits, as: UTF8.self)),
        length > digits.count + 1, length <= rest.count,
        rest[digits.endIndex] == UInt8(ascii: " "),
        rest[rest.startIndex + length - 1] == UInt8(ascii: "\n")
      else { throw TarMistake("has a line with a wrong length") }
      let line = rest[(digits.endIndex + 1)..<(rest.startIndex + length - 1)]
      guard let sign = line.firstIndex(of: UInt8(ascii: "=")) else {
        throw TarMistake("has a line without =")
      }
      guard let key = String(validating: line[..<sign], as: UTF8.self),
        let value = String(validating: line[(sign + 1)...], as: UTF8.self)
      else { throw TarMistake("is not UTF-8") }
      records[key] = value
      rest = rest[(rest.startIndex + length)...]
    }
    return records
  }
}
