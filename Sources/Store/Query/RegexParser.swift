// Reads a regular expression and writes its machine: alternatives, groups, classes, `* + ? {m,n}`,
// `^ $ \b`, and `(?i)` at the beginning. Mistakes name their place in the pattern.

import Experiments

struct RegexParser {
  private indirect enum Node {
    case one(RegexPattern.Instruction)
    case sequence([Node])
    case choice([Node])
    case repeated(Node, least: Int, most: Int?)
  }

  private let characters: [Character]
  private var index = 0
  private var depth = 0
  private var ignoresCase = false
  private static let maxDepth = 50
  private static let maxRepeats = 1_000

  static func compile(
    _ text: String
  ) throws(QueryMistake) -> (program: [RegexPattern.Instruction], ignoresCase: Bool) {
    var parser = RegexParser(characters: Array(text))
    if text.hasPrefix("(?i)") {
      parser.ignoresCase = true
      parser.index = 4
    }
    let node = try parser.choice()
    guard parser.current == nil else {
      throw parser.mistake("this parenthesis closes nothing; a literal one is \\)")
    }
    var program: [RegexPattern.Instruction] = []
    try emit(node, into: &program)
    program.append(.match)
    return (program, parser.ignoresCase)
  }

  private init(characters: [Character]) { self.characters = characters }

  private var current: Character? { index < characters.count ? characters[index] : nil }

  private func mistake(_ reason: String, at position: Int? = nil) -> QueryMistake {
    QueryMistake(reason: reason, position: position ?? index)
  }

  private mutating func choice() throws(QueryMistake) -> Node {
    var branches = [try sequence()]
    while current == "|" {
      index += 1
      branches.append(try sequence())
    }
    return branches.count == 1 ? branches[0] : .choice(branches)
  }

  private mutating func sequence() throws(QueryMistake) -> Node {
    var parts: [Node] = []
    while let character = current, character != "|", character != ")" {
      var part = try atom(character)
      while let (least, most) = try quantifier() {
        part = .repeated(part, least: least, most: most)
      }
      parts.append(part)
    }
    return .sequence(parts)
  }

  /// How often; what follows it says whether as often as possible, which does not matter here.
  private mutating func quantifier() throws(QueryMistake) -> (Int, Int?)? {
    let start = index
    let bounds: (Int, Int?)
    switch current {
    case "*": bounds = (0, nil)
    case "+": bounds = (1, nil)
    case "?": bounds = (0, 1)
    case "{": bounds = try counts(from: start)
    default: return nil
    }
    if characters[start] != "{" { index += 1 }
    if current == "?" { index += 1 }
    if let most = bounds.1, most < bounds.0 {
      throw mistake("the greater number comes second", at: start)
    }
    return bounds
  }

  private mutating func counts(from start: Int) throws(QueryMistake) -> (Int, Int?) {
    guard let close = characters[start...].firstIndex(of: "}") else {
      throw mistake("the brace that begins here is not closed; a literal one is \\{", at: start)
    }
    let parts = String(characters[(start + 1)..<close])
      .split(separator: ",", omittingEmptySubsequences: false)
    let numbers = parts.map { Int($0) }
    index = close + 1
    switch (parts.count, numbers.first ?? nil, numbers.last ?? nil) {
    case (1, let count?, _) where (0...Self.maxRepeats).contains(count): return (count, count)
    case (2, let least?, nil) where parts[1].isEmpty && (0...Self.maxRepeats).contains(least):
      return (least, nil)
    case (2, let least?, let most?)
    where (0...Self.maxRepeats).contains(least) && (0...Self.maxRepeats).contains(most):
      return (least, most)
    default:
      throw mistake(
        "expected a count such as {3}, {2,} or {2,5}, at most \(Self.maxRepeats)", at: start)
    }
  }

  private mutating func atom(_ character: Character) throws(QueryMistake) -> Node {
    switch character {
    case "(": return try group()
    case "[": return .one(.set(try set()))
    case "\\": return .one(try escape())
    case "*", "+", "?": throw mistake("there is nothing before \"\(character)\" to repeat")
    case ".":
      index += 1
      return .one(.any)
    case "^":
      index += 1
      return .one(.check(.start))
    case "$":
      index += 1
      return .one(.check(.end))
    default:
      index += 1
      return .sequence(character.unicodeScalars.map { literal($0.value) })
    }
  }

  private func literal(_ value: UInt32) -> Node {
    .one(.character(ignoresCase ? RegexPattern.lowered(value) : value))
  }

  private mutating func group() throws(QueryMistake) -> Node {
    let start = index
    index += 1
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.maxDepth else {
      throw mistake("groups are nested more than \(Self.maxDepth) deep")
    }
    if current == "?" {
      guard index + 1 < characters.count, characters[index + 1] == ":" else {
        throw mistake(
          "of groups that begin with (? there are only (?:…), and (?i) at the pattern's beginning",
          at: start)
      }
      index += 2
    }
    let inner = try choice()
    guard current == ")" else {
      throw mistake("the parenthesis that begins here is not closed", at: start)
    }
    index += 1
    return inner
  }

  private mutating func escape() throws(QueryMistake) -> RegexPattern.Instruction {
    let start = index
    index += 1
    guard let character = current else {
      throw mistake("there is nothing after the backslash", at: start)
    }
    index += 1
    switch character {
    case "b": return .check(.boundary)
    case "B": return .check(.noBoundary)
    default: break
    }
    if let kind = Self.kind(character) {
      return .set(RegexSet(kinds: [kind]))
    }
    let value = try Self.escaped(character, at: start)
    return .character(ignoresCase ? RegexPattern.lowered(value) : value)
  }

  private static func kind(_ character: Character) -> (RegexSet.Kind, isNegated: Bool)? {
    switch character {
    case "d": (.digit, false)
    case "D": (.digit, true)
    case "w": (.word, false)
    case "W": (.word, true)
    case "s": (.space, false)
    case "S": (.space, true)
    default: nil
    }
  }

  private static func escaped(
    _ character: Character, at position: Int
  ) throws(QueryMistake) -> UInt32 {
    switch character {
    case "n": return 0x0A
    case "r": return 0x0D
    case "t": return 0x09
    default:
      guard let scalar = character.unicodeScalars.first, character.unicodeScalars.count == 1,
        !character.isLetter, !character.isNumber
      else {
        throw QueryMistake(
          reason: "there is no escape \\\(character); there are \\d \\w \\s \\b \\n \\r \\t and a "
            + "backslash before a sign", position: position)
      }
      return scalar.value
    }
  }

  private mutating func set() throws(QueryMistake) -> RegexSet {
    let start = index
    index += 1
    var set = RegexSet()
    if current == "^" {
      set.isNegated = true
      index += 1
    }
    var isFirst = true
    while let character = current, character != "]" || isFirst {
      isFirst = false
      let place = index
      guard let low = try member(character, of: &set) else { continue }
      guard current == "-", index + 1 < characters.count, characters[index + 1] != "]" else {
        set.ranges.append(low...low)
        continue
      }
      index += 1
      guard let next = current, let high = try member(next, of: &set), low <= high else {
        throw mistake("this range has no second end, or one before its first", at: place)
      }
      set.ranges.append(low...high)
    }
    guard current == "]" else {
      throw mistake("the bracket that begins here is not closed", at: start)
    }
    index += 1
    return set
  }

  /// A single character; nil if it was a class such as `\d`, which is added.
  private mutating func member(
    _ character: Character, of set: inout RegexSet
  ) throws(QueryMistake) -> UInt32? {
    let start = index
    index += 1
    guard character == "\\" else {
      let scalars = character.unicodeScalars
      guard scalars.count == 1, let scalar = scalars.first else {
        // What people see as one character and is several stands for any of them.
        set.ranges += scalars.map { $0.value...$0.value }
        return nil
      }
      return scalar.value
    }
    guard let next = current else {
      throw mistake("there is nothing after the backslash", at: start)
    }
    index += 1
    if let kind = Self.kind(next) {
      set.kinds.append(kind)
      return nil
    }
    return try Self.escaped(next, at: start)
  }

  // MARK: The machine

  private static func emit(
    _ node: Node, into program: inout [RegexPattern.Instruction]
  ) throws(QueryMistake) {
    guard program.count < Limits.regexInstructions else {
      throw QueryMistake(reason: "the pattern is too large: it repeats too much", position: 0)
    }
    switch node {
    case .one(let instruction): program.append(instruction)
    case .sequence(let parts): for part in parts { try emit(part, into: &program) }
    case .choice(let branches): try emit(branches[...], into: &program)
    case .repeated(let inner, let least, let most):
      for _ in 0..<least {
        let before = program.count
        try emit(inner, into: &program)
        // What matches nothing needs no repeating, and would not grow the machine to its limit.
        if program.count == before { return }
      }
      guard let most else { return try emitLoop(inner, into: &program) }
      var splits: [Int] = []
      for _ in least..<max(least, most) {
        splits.append(program.count)
        program.append(.split(0, 0))
        try emit(inner, into: &program)
      }
      for split in splits { program[split] = .split(split + 1, program.count) }
    }
  }

  private static func emit(
    _ branches: ArraySlice<Node>, into program: inout [RegexPattern.Instruction]
  ) throws(QueryMistake) {
    var jumps: [Int] = []
    for (offset, branch) in branches.enumerated() {
      guard offset < branches.count - 1 else {
        try emit(branch, into: &program)
        continue
      }
      let split = program.count
      program.append(.split(0, 0))
      try emit(branch, into: &program)
      jumps.append(program.count)
      program.append(.jump(0))
      program[split] = .split(split + 1, program.count)
    }
    for jump in jumps { program[jump] = .jump(program.count) }
  }

  private static func emitLoop(
    _ inner: Node, into program: inout [RegexPattern.Instruction]
  ) throws(QueryMistake) {
    let split = program.count
    program.append(.split(0, 0))
    try emit(inner, into: &program)
    program.append(.jump(split))
    program[split] = .split(split + 1, program.count)
  }
}
