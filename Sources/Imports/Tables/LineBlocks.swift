// Cuts a file into blocks that end at the end of a record, so that a file of any size is read in
// little memory.

final class LineBlocks {
  /// A record larger than this is refused.
  static let largestRecord = 16 << 20
  private static let blockBytes = 4 << 20

  /// The 1-based number of the line that the block begins with.
  private(set) var line = 1
  /// Bytes of all blocks so far.
  private(set) var offset = 0
  private let file: SourceFile
  private let quoted: Bool
  private var buffer = [UInt8](repeating: 0, count: blockBytes)
  private var filled = 0
  private var atEnd = false

  /// - Parameter quoted: line ends between double quotes end no record, as in CSV.
  init(_ path: String, quoted: Bool) throws(ImportError) {
    file = try SourceFile(path)
    self.quoted = quoted
  }

  /// Hands the next block to `body`, whole records only; false at the end.
  func next(_ body: (UnsafeBufferPointer<UInt8>) throws -> Void) throws -> Bool {
    let (end, lines) = try fill()
    guard end > 0 else { return false }
    try buffer.withUnsafeBufferPointer {
      try body(UnsafeBufferPointer(rebasing: $0[..<end]))
    }
    line += lines
    offset += end
    buffer.replaceSubrange(0..<(filled - end), with: buffer[end..<filled])
    filled -= end
    return true
  }

  /// Reads on until a record ends; answers where the last complete one does, and its lines.
  private func fill() throws(ImportError) -> (end: Int, lines: Int) {
    while true {
      if !atEnd {
        let wanted = buffer.count - filled
        let count = try file.read(into: &buffer, from: filled)
        filled += count
        atEnd = count < wanted
      }
      let (end, lines) = lastRecordEnd()
      if atEnd { return (filled, lines) }
      if end > 0 { return (end, lines) }
      guard buffer.count < Self.largestRecord else {
        throw .badTable(
          path: file.path, problem: "line \(line) begins a record of more than 16 MiB",
          hint: quoted ? "a quote may have been opened there and never closed" : nil)
      }
      buffer.append(contentsOf: repeatElement(0, count: buffer.count))
    }
  }

  private func lastRecordEnd() -> (end: Int, lines: Int) {
    buffer.withUnsafeBufferPointer { bytes in
      var (end, lines, linesUpToEnd) = (0, 0, 0)
      var isInside = false
      for position in 0..<filled {
        switch bytes[position] {
        case UInt8(ascii: "\n"):
          lines += 1
          if !isInside {
            end = position + 1
            linesUpToEnd = lines
          }
        case UInt8(ascii: "\""): if quoted { isInside.toggle() }
        default: break
        }
      }
      return (end, linesUpToEnd)
    }
  }
}
