// The records inside a run's row, read by hand: a page of runs has hundreds of them, and `Codable`
// takes longer for one than all else that a run needs.

import Experiments

struct RecordText {
  private let members: [String: JSONValue]
  private let type: String

  static func cost(_ text: String) throws -> Cost {
    let record = try RecordText(text, "Cost")
    return Cost(
      wallSeconds: try record.double("wall_seconds"),
      cpuUserSeconds: try record.double("cpu_user_seconds"),
      cpuSystemSeconds: try record.double("cpu_system_seconds"),
      peakRssBytes: try record.integer("peak_rss_bytes"),
      readBytes: try record.integer("read_bytes"),
      writtenBytes: try record.integer("written_bytes"),
      trainingSeconds: try record.optionalDouble("training_seconds"),
      stepsPerSecond: try record.optionalDouble("steps_per_second"),
      samplesPerSecond: try record.optionalDouble("samples_per_second"),
      flopsPerStep: try record.optionalDouble("flops_per_step"))
  }

  static func progress(_ text: String) throws -> Progress {
    let record = try RecordText(text, "Progress")
    return Progress(
      epoch: try record.int("epoch"), epochs: try record.int("epochs"),
      step: try record.int("step"), steps: try record.int("steps"),
      samplesPerSecond: try record.double("samples_per_second"))
  }

  static func dataset(_ text: String) throws -> DatasetInfo {
    let record = try RecordText(text, "DatasetInfo")
    guard let classes = record.members["classes"]?.arrayValue else {
      throw record.damaged("classes")
    }
    return DatasetInfo(
      name: try record.text("name"), type: try record.text("type"),
      path: record.members["path"]?.stringValue, sha256: try record.text("sha256"),
      rows: try record.int("rows"), features: try record.int("features"),
      classes: try classes.map { value in
        guard let name = value.stringValue else { throw record.damaged("classes") }
        return name
      },
      trainRows: try record.int("train_rows"), validationRows: try record.int("validation_rows"),
      testRows: try record.int("test_rows"))
  }

  private init(_ text: String, _ type: String) throws {
    self.type = type
    guard case .object(let members) = try JSONText.parse(text) else {
      throw StoreError.databaseDamaged("a stored \(type) is no object")
    }
    self.members = members
  }

  private func damaged(_ key: String) -> StoreError {
    .databaseDamaged("a stored \(type) has no good \"\(key)\"")
  }

  private func optionalDouble(_ key: String) throws -> Double? {
    switch members[key] {
    case nil, .null: return nil
    case .int(let value): return Double(value)
    case .number(let value): return value
    case .string(let text):
      guard let value = MetricValue.parse(text) else { throw damaged(key) }
      return value
    default: throw damaged(key)
    }
  }

  private func double(_ key: String) throws -> Double {
    guard let value = try optionalDouble(key) else { throw damaged(key) }
    return value
  }

  private func integer(_ key: String) throws -> Int64 {
    switch members[key] {
    case .int(let value): return value
    case .number(let value):
      guard let whole = Int64(exactly: value) else { throw damaged(key) }
      return whole
    default: throw damaged(key)
    }
  }

  private func int(_ key: String) throws -> Int {
    guard let value = Int(exactly: try integer(key)) else { throw damaged(key) }
    return value
  }

  private func text(_ key: String) throws -> String {
    guard let value = members[key]?.stringValue else { throw damaged(key) }
    return value
  }
}
