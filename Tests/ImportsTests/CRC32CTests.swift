// CRC-32C by the vectors of RFC 3720, appendix B.4, and the one that every catalogue has.

import Imports
import Testing

@Suite struct CRC32CTests {
  @Test(
    arguments: [
      ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
      ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
      ([UInt8](0..<32), 0x46DD_794E),
      ([UInt8]((0..<32).reversed()), 0x113F_DB5C),
      (Array("123456789".utf8), 0xE306_9283),
      ([], 0),
    ] as [([UInt8], UInt32)])
  func hasTheKnownValues(bytes: [UInt8], value: UInt32) {
    #expect(Self.checksum([bytes]) == value)
    // However the bytes are cut.
    for cut in 0...bytes.count {
      #expect(Self.checksum([Array(bytes[..<cut]), Array(bytes[cut...])]) == value)
    }
  }

  private static func checksum(_ pieces: [[UInt8]]) -> UInt32 {
    var crc = CRC32C()
    for piece in pieces { piece.withUnsafeBytes { crc.update($0) } }
    return crc.value
  }
}
