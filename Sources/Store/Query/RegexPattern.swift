// Regular expressions that cannot take forever: the pattern becomes a small machine whose states are
// all followed at once (K. Thompson, "Regular Expression Search Algorithm", 1968; R. Cox, "Regular
// Expression Matching: the Virtual Machine Approach", 2009), so a text of n characters takes at most
// n times the machine's size. The price: no back references and no looking around.

package import Experiments

extension Limits {
  /// A regular expression, in bytes; and the machine it becomes, `a{1000}` written out.
  package static let regexBytes = 1_000
  package static let regexInstructions = 2_000
}

struct RegexPattern: Equatable, Sendable {
  enum Instruction: Equatable, Sendable {
    case character(UInt32)
    /// Any but a line's end.
    case any
    case set(RegexSet)
    case split(Int, Int)
    case jump(Int)
    case check(Check)
    case match
  }

  enum Check: Equatable, Sendable { case start, end, boundary, noBoundary }

  let text: String
  let program: [Instruction]
  let ignoresCase: Bool

  /// - Throws: what is wrong with the pattern, and at which of its characters.
  init(_ text: String) throws(QueryMistake) {
    guard text.utf8.count <= Limits.regexBytes else {
      throw QueryMistake(
        reason: "the pattern is longer than \(Limits.regexBytes) bytes", position: 0)
    }
    self.text = text
    (program, ignoresCase) = try RegexParser.compile(text)
  }

  static func == (a: Self, b: Self) -> Bool { a.text == b.text }

  /// Whether some part of the text matches.
  /// - Parameter steps: how many states may still be followed; nil is answered when it is used up.
  func isFound(in text: String, steps: inout Int) -> Bool? {
    var run = Run(pattern: self, scalars: text.unicodeScalars.map(\.value))
    return run.search(&steps)
  }

  static func isWord(_ value: UInt32) -> Bool {
    switch value {
    case 0x30...0x39, 0x41...0x5A, 0x5F, 0x61...0x7A: true
    case 0..<0x80: false
    default: Unicode.Scalar(value)?.properties.isAlphabetic ?? false
    }
  }

  static func lowered(_ value: UInt32) -> UInt32 {
    if value < 0x80 { return (0x41...0x5A).contains(value) ? value + 32 : value }
    let mapped = Unicode.Scalar(value)?.properties.lowercaseMapping.unicodeScalars
    guard let mapped, mapped.count == 1, let first = mapped.first else { return value }
    return first.value
  }

  /// One search: the states that are alive before the character at hand.
  private struct Run {
    let pattern: RegexPattern
    let scalars: [UInt32]
    private var alive: [Int] = []
    private var next: [Int] = []
    private var pending: [Int] = []
    /// The position at which a state was last added, so that each is added once.
    private var added: [Int]
    /// Since it was last charged: states that were added, and what comparing with a set takes.
    private var work = 0

    init(pattern: RegexPattern, scalars: [UInt32]) {
      self.pattern = pattern
      self.scalars = scalars
      added = Array(repeating: -1, count: pattern.program.count)
    }

    mutating func search(_ steps: inout Int) -> Bool? {
      for position in 0...scalars.count {
        // A match may begin anywhere.
        if add(0, at: position) { return true }
        steps -= work + 1
        work = 0
        guard steps > 0 else { return nil }
        swap(&alive, &next)
        alive.removeAll(keepingCapacity: true)
        guard position < scalars.count else { return false }
        let raw = scalars[position]
        let value = pattern.ignoresCase ? RegexPattern.lowered(raw) : raw
        for state in next {
          let isTaken =
            switch pattern.program[state] {
            case .character(let wanted): value == wanted
            case .any: raw != 0x0A
            case .set(let set): contains(set, raw)
            case .split, .jump, .check, .match: false
            }
          if isTaken, add(state + 1, at: position + 1) { return true }
        }
      }
      return false
    }

    private mutating func contains(_ set: RegexSet, _ raw: UInt32) -> Bool {
      work += set.ranges.count + (pattern.ignoresCase ? 8 : 0)
      return set.contains(raw, ignoringCase: pattern.ignoresCase)
    }

    /// Adds a state and all that follow it without a character; true if one of them is the match.
    private mutating func add(_ state: Int, at position: Int) -> Bool {
      pending.append(state)
      while let state = pending.popLast() {
        guard added[state] != position else { continue }
        added[state] = position
        work += 1
        switch pattern.program[state] {
        case .match:
          pending.removeAll(keepingCapacity: true)
          return true
        case .jump(let target): pending.append(target)
        case .split(let first, let second):
          pending.append(second)
          pending.append(first)
        case .check(let check): if holds(check, at: position) { pending.append(state + 1) }
        case .character, .any, .set: alive.append(state)
        }
      }
      return false
    }

    private func holds(_ check: Check, at position: Int) -> Bool {
      switch check {
      case .start: position == 0
      case .end: position == scalars.count
      case .boundary: isBoundary(position)
      case .noBoundary: !isBoundary(position)
      }
    }

    private func isBoundary(_ position: Int) -> Bool {
      let before = position > 0 && RegexPattern.isWord(scalars[position - 1])
      let after = position < scalars.count && RegexPattern.isWord(scalars[position])
      return before != after
    }
  }
}

/// What stands in brackets, or an escape such as `\d`.
struct RegexSet: Equatable, Sendable {
  enum Kind: Equatable, Sendable { case digit, word, space }

  var ranges: [ClosedRange<UInt32>] = []
  var kinds: [(Kind, isNegated: Bool)] = []
  var isNegated = false

  static func == (a: Self, b: Self) -> Bool {
    a.ranges == b.ranges && a.isNegated == b.isNegated && a.kinds.elementsEqual(b.kinds, by: ==)
  }

  func contains(_ value: UInt32, ignoringCase: Bool) -> Bool {
    var isIn = holds(value)
    if ignoringCase, !isIn {
      let lowered = RegexPattern.lowered(value)
      isIn = holds(lowered) || Self.raised(lowered).map(holds) ?? false
    }
    return isIn != isNegated
  }

  private func holds(_ value: UInt32) -> Bool {
    ranges.contains { $0.contains(value) }
      || kinds.contains { Self.isOf($0.0, value) != $0.isNegated }
  }

  private static func isOf(_ kind: Kind, _ value: UInt32) -> Bool {
    switch kind {
    case .digit: (0x30...0x39).contains(value)
    case .word: RegexPattern.isWord(value)
    case .space: Unicode.Scalar(value)?.properties.isWhitespace ?? false
    }
  }

  private static func raised(_ value: UInt32) -> UInt32? {
    let mapped = Unicode.Scalar(value)?.properties.uppercaseMapping.unicodeScalars
    guard let mapped, mapped.count == 1 else { return nil }
    return mapped.first?.value
  }
}
