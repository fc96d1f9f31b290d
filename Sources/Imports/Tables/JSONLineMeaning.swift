// What one line of a JSON lines file says.

import Experiments

struct JSONLineMeaning {
  private(set) var run: String?
  private(set) var step: Int64?
  private(set) var epoch: Int64?
  private(set) var time: Int64?
  private(set) var points: [(key: String, value: Double)] = []
  private(set) var params: [String: String] = [:]
  private(set) var tags: [String: String] = [:]
  /// Its members' names.
  let names: [String]

  /// Nil where nothing of the line can be read.
  /// - Parameter bad: told what cannot be read; what it throws is thrown.
  init?(
    _ bytes: UnsafeBufferPointer<UInt8>, path: String, line: Int, options: TableOptions,
    bad: (ImportError) throws -> Void
  ) throws {
    func complain(_ member: String, _ problem: String) throws {
      try bad(.badCell(path: path, line: line, column: Fitting.shown(member), problem: problem))
    }
    let members: [(key: String, value: JSONValue)]
    do throws(JSONLine.Mistake) {
      members = try JSONLine.object(bytes)
    } catch {
      try complain("\(error.column)", error.problem)
      return nil
    }
    let names = members.map(\.key)
    self.names = names
    func place(_ given: String?, _ candidates: [String]) -> String? {
      given ?? candidates.first { names.contains($0) }
    }
    let stepName = place(options.stepColumn, ColumnNames.step)
    let timeName = place(options.timeColumn, ColumnNames.time)
    let runName = place(options.runColumn, ColumnNames.run)
    let keyName = names.contains("value") ? place(nil, ColumnNames.key) : nil
    var key: String?
    var value: Double?
    for (name, content) in members where content != .null && !options.ignored.contains(name) {
      switch name {
      case runName: run = content.plainText
      case stepName:
        step = Self.whole(content)
        if step == nil {
          try complain(name, "\(content.plainText) is not a whole number")
          return nil
        }
      case "epoch":
        epoch = Self.whole(content)
        if epoch == nil {
          try complain(name, "\(content.plainText) is not a whole number")
          return nil
        }
      case timeName:
        time =
          content.stringValue.map(CellValues.time) ?? content.doubleValue.flatMap(CellValues.time)
        if time == nil {
          try complain(name, "\(content.plainText) is not a time")
          return nil
        }
      case "params", "tags":
        guard let entries = content.objectValue else {
          try complain(name, "it is no object")
          continue
        }
        let texts = Self.flat(entries)
        if name == "params" { params = texts } else { tags = texts }
      case keyName: key = content.plainText
      default:
        guard let number = Self.number(content) else {
          try complain(name, "\(Fitting.shown(content.plainText)) is not a number")
          continue
        }
        if keyName != nil, name == "value" {
          value = number
        } else {
          points.append((name, number))
        }
      }
    }
    if keyName != nil {
      points = []
      if let key, let value { points.append((key, value)) }
    }
  }

  /// Objects within objects become dotted keys; lists stay as their JSON.
  private static func flat(_ entries: [String: JSONValue], prefix: String = "") -> [String: String]
  {
    var texts: [String: String] = [:]
    for (key, value) in entries {
      if case .object(let inner) = value, !inner.isEmpty {
        texts.merge(flat(inner, prefix: prefix + key + ".")) { $1 }
      } else {
        texts[prefix + key] = value.plainText
      }
    }
    return texts
  }

  private static func whole(_ value: JSONValue) -> Int64? {
    switch value {
    case .int(let whole): whole
    case .number(let number): Int64(exactly: number)
    case .string(let text): CellValues.whole(text)
    default: nil
    }
  }

  private static func number(_ value: JSONValue) -> Double? {
    switch value {
    case .int, .number: value.doubleValue
    case .string(let text): CellValues.number(text)
    default: nil
    }
  }
}
