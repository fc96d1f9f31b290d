// Splits the bytes of a CSV file (RFC 4180) into records and cells without copying them. Only the
// shape of the file is judged here; what a cell means is up to the caller.

/// A cell as a range of bytes, without its enclosing quotes.
package struct CSVCell: Sendable, Equatable {
  package var start: Int
  package var end: Int
  package var isQuoted: Bool
  /// Whether doubled quotes stand in it.
  package var hasEscapes: Bool

  package init(start: Int, end: Int, isQuoted: Bool, hasEscapes: Bool) {
    self.start = start
    self.end = end
    self.isQuoted = isQuoted
    self.hasEscapes = hasEscapes
  }
}

/// What breaks the rules of RFC 4180, with the 1-based line it stands in.
package enum CSVSyntaxError: Error, Sendable, Equatable {
  case unclosedQuote(line: Int)
  case quoteInsideCell(line: Int)
  case textAfterQuote(line: Int)
  case loneCarriageReturn(line: Int)

  package var message: String {
    switch self {
    case .unclosedQuote(let line):
      "the quote opened in line \(line) is never closed"
    case .quoteInsideCell(let line):
      "line \(line) has a quote inside an unquoted cell"
    case .textAfterQuote(let line):
      "line \(line) has text between a closing quote and the next comma"
    case .loneCarriageReturn(let line):
      "line \(line) has a carriage return without a line feed"
    }
  }

  package var hint: String {
    switch self {
    case .unclosedQuote: "close the quote; a quote inside a quoted cell is written twice"
    case .quoteInsideCell, .textAfterQuote:
      "put the whole cell in quotes and write a quote inside it twice"
    case .loneCarriageReturn: "save the file with LF or CRLF line ends"
    }
  }
}

/// Reads record after record. The bytes must outlive it.
package struct CSVRecords {
  package let bytes: UnsafeBufferPointer<UInt8>
  /// The cells of the record that was read last.
  package private(set) var cells: [CSVCell] = []
  /// The 1-based line in which that record begins.
  package private(set) var line = 0
  private var offset: Int
  private var nextLine = 1

  /// Skips a UTF-8 byte order mark.
  package init(_ bytes: UnsafeBufferPointer<UInt8>) {
    self.bytes = bytes
    offset = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
  }

  /// Reads the next record into `cells`; false at the end. A line feed at the very end starts no
  /// further record.
  package mutating func next() throws(CSVSyntaxError) -> Bool {
    guard offset < bytes.count else { return false }
    cells.removeAll(keepingCapacity: true)
    line = nextLine
    var position = offset
    while true {
      if position < bytes.count, bytes[position] == Self.quote {
        position = try quotedCell(from: position + 1)
      } else {
        position = try plainCell(from: position)
      }
      guard position < bytes.count else {
        offset = position
        return true
      }
      switch bytes[position] {
      case Self.comma:
        position += 1
      case Self.lineFeed:
        offset = position + 1
        nextLine += 1
        return true
      case Self.carriageReturn:
        guard position + 1 < bytes.count, bytes[position + 1] == Self.lineFeed else {
          throw .loneCarriageReturn(line: nextLine)
        }
        offset = position + 2
        nextLine += 1
        return true
      default:
        throw .textAfterQuote(line: nextLine)
      }
    }
  }

  /// Whether the last record is an empty line.
  package var isBlank: Bool {
    cells.count == 1 && cells[0].start == cells[0].end && !cells[0].isQuoted
  }

  /// The cell without spaces and tabs around it, which belong to no value.
  package func trimmed(_ cell: CSVCell) -> UnsafeBufferPointer<UInt8> {
    var (start, end) = (cell.start, cell.end)
    while start < end, bytes[start] == Self.space || bytes[start] == Self.tab { start += 1 }
    while start < end, bytes[end - 1] == Self.space || bytes[end - 1] == Self.tab { end -= 1 }
    return UnsafeBufferPointer(rebasing: bytes[start..<end])
  }

  /// The trimmed cell as text; nil if it is not UTF-8.
  package func text(_ cell: CSVCell) -> String? {
    let content = trimmed(cell)
    guard cell.hasEscapes else { return String(validating: content, as: UTF8.self) }
    var unescaped: [UInt8] = []
    unescaped.reserveCapacity(content.count)
    var position = 0
    while position < content.count {
      unescaped.append(content[position])
      position += content[position] == Self.quote ? 2 : 1
    }
    return String(validating: unescaped, as: UTF8.self)
  }

  /// The trimmed cell for a message: at most 60 characters, whatever its bytes.
  package func excerpt(_ cell: CSVCell) -> String {
    let text = text(cell) ?? String(decoding: trimmed(cell), as: UTF8.self)
    return text.count > 60 ? text.prefix(60) + "…" : text
  }

  private mutating func plainCell(from start: Int) throws(CSVSyntaxError) -> Int {
    var position = start
    // Every byte with a meaning is at most a comma; digits, letters, dots and minus are above it.
    scan: while position < bytes.count {
      if bytes[position] <= Self.comma {
        switch bytes[position] {
        case Self.comma, Self.lineFeed, Self.carriageReturn: break scan
        case Self.quote: throw .quoteInsideCell(line: nextLine)
        default: break
        }
      }
      position += 1
    }
    cells.append(CSVCell(start: start, end: position, isQuoted: false, hasEscapes: false))
    return position
  }

  /// - Parameter start: behind the opening quote.
  private mutating func quotedCell(from start: Int) throws(CSVSyntaxError) -> Int {
    let openingLine = nextLine
    var position = start
    var hasEscapes = false
    while position < bytes.count {
      switch bytes[position] {
      case Self.quote:
        if position + 1 < bytes.count, bytes[position + 1] == Self.quote {
          hasEscapes = true
          position += 2
          continue
        }
        cells.append(CSVCell(start: start, end: position, isQuoted: true, hasEscapes: hasEscapes))
        return position + 1
      case Self.lineFeed:
        nextLine += 1
      default:
        break
      }
      position += 1
    }
    throw .unclosedQuote(line: openingLine)
  }

  private static let comma = UInt8(ascii: ",")
  private static let quote = UInt8(ascii: "\"")
  private static let lineFeed = UInt8(ascii: "\n")
  private static let carriageReturn = UInt8(ascii: "\r")
  private static let space = UInt8(ascii: " ")
  private static let tab = UInt8(ascii: "\t")
}
