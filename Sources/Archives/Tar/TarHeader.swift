// The 512 bytes before each member of a tar file, in the ustar format (POSIX.1-2017, pax,
// "ustar Interchange Format"). Sizes from 8 GiB on stand in the binary form that GNU tar and libarchive
// share. A header is read only if its checksum and the form of its numbers are right.

package struct TarHeader: Equatable, Sendable {
  package static let blockBytes = 512
  /// Names up to here stand in the header itself; longer ones in a pax header before it.
  package static let nameBytes = 100

  package enum Kind: UInt8, Sendable {
    case file = 0x30
    case directory = 0x35
    /// A pax header: what the next member's fields have no room for.
    case extended = 0x78
    /// The same for all members that follow.
    case global = 0x67
  }

  package var name: String
  package var kind: Kind
  package var size: Int64
  /// Seconds since 1970.
  package var time: Int64

  package init(name: String, kind: Kind = .file, size: Int64, time: Int64) {
    self.name = name
    self.kind = kind
    self.size = size
    self.time = time
  }

  /// The block. A name that is too long is cut: a pax header has said it before.
  package var block: [UInt8] {
    var block = [UInt8](repeating: 0, count: Self.blockBytes)
    func put(_ bytes: some Collection<UInt8>, at start: Int) {
      block.replaceSubrange(start..<(start + bytes.count), with: bytes)
    }
    put(name.utf8.prefix(Self.nameBytes), at: 0)
    put(Self.octal(kind == .directory ? 0o755 : 0o644, digits: 7), at: 100)
    put(Self.octal(0, digits: 7), at: 108)
    put(Self.octal(0, digits: 7), at: 116)
    put(Self.number(size), at: 124)
    put(Self.octal(max(0, time), digits: 11), at: 136)
    block[156] = kind.rawValue
    put("ustar\u{0}00".utf8, at: 257)
    put(Self.octal(Self.sum(of: block), digits: 6), at: 148)
    block[155] = UInt8(ascii: " ")
    return block
  }

  /// - Throws: the reason, as words that follow "its header".
  package init(block: [UInt8]) throws(TarMistake) {
    guard block.count == Self.blockBytes else { throw TarMistake("is cut off") }
    guard try Self.number(in: block[148..<156]) == Self.sum(of: block) else {
      throw TarMistake("has a wrong checksum")
    }
    let isUstar = block[257..<262].elementsEqual("ustar".utf8)
    guard let kind = Kind(rawValue: block[156] == 0 ? Kind.file.rawValue : block[156]) else {
      throw TarMistake("is of a kind that has no place in an archive (\(block[156]))")
    }
    var name = Self.text(block[..<100])
    if isUstar, block[345] != 0 { name = Self.text(block[345..<500]) + "/" + name }
    self.init(
      name: name, kind: kind, size: try Self.number(in: block[124..<136]),
      time: try Self.number(in: block[136..<148]))
  }

  /// Bytes of zeros after `size` bytes of content.
  package static func padding(after size: Int64) -> Int {
    Int((Int64(blockBytes) - size % Int64(blockBytes)) % Int64(blockBytes))
  }

  /// With the checksum's own field as spaces.
  private static func sum(of block: [UInt8]) -> Int64 {
    var sum: Int64 = 0
    for (index, byte) in block.enumerated() {
      sum += (148..<156).contains(index) ? 0x20 : Int64(byte)
    }
    return sum
  }

  private static func octal(_ value: Int64, digits: Int) -> [UInt8] {
    let text = String(value, radix: 8)
    return Array((String(repeating: "0", count: max(0, digits - text.utf8.count)) + text).utf8)
  }

  /// Twelve bytes: eleven octal digits, or the number itself with the first bit set.
  private static func number(_ value: Int64) -> [UInt8] {
    guard value >= 1 << 33 else { return octal(value, digits: 11) }
    var bytes = [UInt8](repeating: 0, count: 12)
    bytes[0] = 0x80
    for index in 0..<8 { bytes[11 - index] = UInt8(truncatingIfNeeded: value >> (8 * index)) }
    return bytes
  }

  private static func number(in field: ArraySlice<UInt8>) throws(TarMistake) -> Int64 {
    if let first = field.first, first & 0x80 != 0 {
      guard first == 0x80, field.dropFirst().dropLast(8).allSatisfy({ $0 == 0 }),
        field.suffix(8).first.map({ $0 < 0x80 }) ?? false
      else { throw TarMistake("has a number out of range") }
      return field.suffix(8).reduce(Int64(0)) { $0 << 8 | Int64($1) }
    }
    let digits = field.drop { $0 == 0x20 }.prefix { (0x30...0x37).contains($0) }
    let rest = field[digits.endIndex...]
    guard !digits.isEmpty, rest.allSatisfy({ $0 == 0 || $0 == 0x20 }) else {
      throw TarMistake("has something else where a number belongs")
    }
    return digits.reduce(Int64(0)) { $0 << 3 | Int64($1 - 0x30) }
  }

  private static func text(_ field: ArraySlice<UInt8>) -> String {
    String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
  }
}

/// What is wrong with a piece of a tar file.
package struct TarMistake: Error, Equatable {
  package var reason: String

  package init(_ reason: String) { self.reason = reason }
}
