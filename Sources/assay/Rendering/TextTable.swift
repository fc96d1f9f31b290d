// A table of text: columns aligned, two spaces apart, no lines drawn, so that it reads well and cuts
// well with awk. On a terminal that is too narrow the columns marked as flexible are cut.

struct TextTable {
  struct Column {
    var title: String
    var isRightAligned = false
    /// Whether it may be cut to make the table fit.
    var isFlexible = false

    static func left(_ title: String, flexible: Bool = false) -> Column {
      Column(title: title, isFlexible: flexible)
    }
    static func right(_ title: String) -> Column { Column(title: title, isRightAligned: true) }
  }

  struct Cell: ExpressibleByStringLiteral {
    var text: String
    var tint: Tint

    init(_ text: String, _ tint: Tint = .plain) {
      self.text = ShownText.line(text)
      self.tint = tint
    }
    init(stringLiteral value: String) { self.init(value) }
  }

  /// A flexible column is never cut below this.
  private static let leastWidth = 6

  let columns: [Column]
  private(set) var rows: [[Cell]] = []
  /// Spaces before every line.
  private let indent: Int
  /// Spaces between columns.
  private let gap: Int

  init(_ columns: [Column], indent: Int = 0, gap: Int = 2) {
    self.columns = columns
    self.indent = indent
    self.gap = gap
  }

  mutating func add(_ row: [Cell]) { rows.append(row) }

  /// The lines, the titles first unless all of them are empty; none if there are no rows.
  func lines(width: Int?, style: Style) -> [String] {
    guard !rows.isEmpty else { return [] }
    let widths = widths(within: width)
    let heading = columns.map { Cell($0.title, .dim) }
    let all = columns.allSatisfy(\.title.isEmpty) ? rows : [heading] + rows
    return all.map { row in
      var line = String(repeating: " ", count: indent)
      for (index, column) in columns.enumerated() {
        let cell = index < row.count ? row[index] : ""
        let text = ShownText.cut(cell.text, to: widths[index])
        let spaces = String(repeating: " ", count: widths[index] - ShownText.width(text))
        let painted = style.paint(text, cell.tint)
        line += column.isRightAligned ? spaces + painted : painted
        let isLast = row[min(index + 1, row.count)...].allSatisfy(\.text.isEmpty)
        if isLast { break }
        line += (column.isRightAligned ? "" : spaces) + String(repeating: " ", count: gap)
      }
      return line
    }
  }

  private func widths(within limit: Int?) -> [Int] {
    var widths = columns.map { ShownText.width($0.title) }
    for row in rows {
      for (index, cell) in row.enumerated() where index < widths.count {
        widths[index] = max(widths[index], ShownText.width(cell.text))
      }
    }
    guard let limit else { return widths }
    var excess = indent + widths.reduce(0, +) + gap * (columns.count - 1) - limit
    while excess > 0 {
      let flexible = columns.indices.filter {
        columns[$0].isFlexible && widths[$0] > Self.leastWidth
      }
      guard let widest = flexible.max(by: { widths[$0] < widths[$1] }) else { break }
      widths[widest] -= 1
      excess -= 1
    }
    return widths
  }
}

/// Names beside values, as `assay show` and `assay status` print them.
struct FieldList {
  private var table: TextTable

  init(indent: Int = 0) {
    table = TextTable([.left(""), .left("")], indent: indent)
  }

  /// Adds nothing if there is no value.
  mutating func add(_ name: String, _ value: String?, _ tint: Tint = .plain) {
    guard let value, !value.isEmpty else { return }
    table.add([.init(name, .dim), .init(value, tint)])
  }

  func lines(style: Style) -> [String] { table.lines(width: nil, style: style) }
}
