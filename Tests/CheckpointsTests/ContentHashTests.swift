// The hash against published values (FIPS 180-4 examples), in one piece and in several.

import Checkpoints
import Testing

struct ContentHashTests {
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ])
  func publishedValues(text: String, expected: String) {
    #expect(ContentHash.sha256Hex(text) == expected)
    #expect(ContentHash.sha256Hex(Array(text.utf8)) == expected)
    #expect(ContentHash.sha256Hex(AnyCollection(text.utf8)) == expected)
    #expect(ContentHash.isHex(expected))
  }

  @Test func piecesGiveTheHashOfTheWhole() {
    let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0) }
    var hash = ContentHash()
    for start in stride(from: 0, to: bytes.count, by: 777) {
      hash.update(bytes[start..<min(start + 777, bytes.count)])
    }
    #expect(hash.hex == ContentHash.sha256Hex(bytes))
    #expect(hash.hex == hash.hex)
  }

  @Test(arguments: [
    "", "abc", String(repeating: "A", count: 64), String(repeating: "g", count: 64),
  ])
  func otherTextsAreNoHash(text: String) {
    #expect(!ContentHash.isHex(text))
  }

  @Test func theVersionOfZstdHasThreeNumbers() {
    #expect(ZstdVersion.text.split(separator: ".").allSatisfy { Int($0) != nil })
    #expect(ZstdVersion.text.split(separator: ".").count == 3)
  }
}
