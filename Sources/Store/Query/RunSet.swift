// A set of runs as one bit per number: two of them are joined in microseconds.

struct RunSet: Equatable {
  private var words: [UInt64] = []
  /// Greater than any number that a run will have; a damaged row may say anything.
  private static let numbers: Range<Int64> = 0..<1 << 30

  init() {}

  private static func isPossible(_ id: Int64) -> Bool {
    if numbers.contains(id) { return true }
    Damage.note("a run has the number \(id)")
    return false
  }

  mutating func insert(_ id: Int64) {
    guard Self.isPossible(id) else { return }
    let word = Int(id) / 64
    if word >= words.count {
      words.append(contentsOf: repeatElement(0, count: word - words.count + 1))
    }
    words[word] |= 1 << UInt64(id & 63)
  }

  func contains(_ id: Int64) -> Bool {
    guard id >= 0 else { return false }
    let word = Int(id) / 64
    return word < words.count && words[word] & (1 << UInt64(id & 63)) != 0
  }

  var isEmpty: Bool { words.allSatisfy { $0 == 0 } }
  var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

  mutating func formIntersection(_ other: RunSet) {
    if words.count > other.words.count { words.removeLast(words.count - other.words.count) }
    for index in words.indices { words[index] &= other.words[index] }
  }

  mutating func formUnion(_ other: RunSet) {
    if words.count < other.words.count {
      words.append(contentsOf: repeatElement(0, count: other.words.count - words.count))
    }
    for index in other.words.indices { words[index] |= other.words[index] }
  }

  mutating func subtract(_ other: RunSet) {
    for index in 0..<min(words.count, other.words.count) { words[index] &= ~other.words[index] }
  }

  /// In rising order.
  var ids: [Int64] {
    var result: [Int64] = []
    for (index, word) in words.enumerated() {
      var rest = word
      while rest != 0 {
        result.append(Int64(index * 64 + rest.trailingZeroBitCount))
        rest &= rest - 1
      }
    }
    return result
  }
}
