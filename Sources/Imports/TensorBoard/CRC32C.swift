// The checksum of event files: CRC-32C (Castagnoli, reflected polynomial 0x82F63B78), eight bytes at
// a time by tables, and the masking that TensorFlow puts over it.

package struct CRC32C {
  private var state: UInt32 = ~0

  package init() {}

  package var value: UInt32 { ~state }

  /// `value` turned right by 15 bits and moved, so that a checksum of bytes that contain checksums
  /// is sound (as in LevelDB's format).
  var masked: UInt32 { (value >> 15 | value << 17) &+ 0xA282_EAD8 }

  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    var crc = state
    Self.tables.withUnsafeBufferPointer { tables in
      var position = 0
      while position + 8 <= bytes.count {
        let word =
          bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self).littleEndian
          ^ UInt64(crc)
        crc = 0
        for byte in 0..<8 {
          crc ^= tables[(7 - byte) << 8 | Int(word >> UInt64(8 * byte) & 0xFF)]
        }
        position += 8
      }
      while position < bytes.count {
        crc = crc >> 8 ^ tables[Int((crc ^ UInt32(bytes[position])) & 0xFF)]
        position += 1
      }
    }
    state = crc
  }

  static func masked(of bytes: UnsafeRawBufferPointer) -> UInt32 {
    var crc = CRC32C()
    crc.update(bytes)
    return crc.masked
  }

  /// Table k stands for a byte that k further bytes follow.
  private static let tables: [UInt32] = {
    var tables = [UInt32](repeating: 0, count: 8 << 8)
    for index in 0..<256 {
      var crc = UInt32(index)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
      tables[index] = crc
    }
    for index in 256..<tables.count {
      let before = tables[index - 256]
      tables[index] = before >> 8 ^ tables[Int(before & 0xFF)]
    }
    return tables
  }()
}
