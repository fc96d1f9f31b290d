// schemas/job-spec.json and the parser say the same: walked together, property by property.

import Experiments
import Testing

/// One object type of the schema and a spec in which it stands.
struct SchemaPart: Sendable, CustomTestStringConvertible {
  let definition: String
  /// Where the object stands in the spec; empty for the spec itself.
  let path: String
  let spec: String

  var testDescription: String { definition }

  func place(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  static let synthetic = """
    {"name": "a", "dataset": {"type": "synthetic", "features": 65536},
     "model": [{"type": "dense", "units": 8}, {"type": "dropout", "rate": 0.5},
               {"type": "dense", "units": 1, "activation": "sigmoid"}],
     "loss": "binary_crossentropy", "split": {}, "checkpoints": {},
    """
  static let csv = synthetic.replacing(
    #"{"type": "synthetic", "features": 65536}"#,
    with: #"{"type": "csv", "path": "a.csv", "target": "y"}"#)

  static let all = [
    SchemaPart(definition: "train", path: "", spec: synthetic + #""optimizer": "adam"}"#),
    SchemaPart(definition: "synthetic", path: "dataset", spec: synthetic + #""seed": 1}"#),
    SchemaPart(definition: "csv", path: "dataset", spec: csv + #""seed": 1}"#),
    SchemaPart(definition: "split", path: "split", spec: synthetic + #""seed": 1}"#),
    SchemaPart(definition: "dense", path: "model.0", spec: synthetic + #""seed": 1}"#),
    SchemaPart(definition: "dropout", path: "model.1", spec: synthetic + #""seed": 1}"#),
    SchemaPart(definition: "checkpoints", path: "checkpoints", spec: synthetic + #""seed": 1}"#),
    SchemaPart(
      definition: "retries", path: "retries", spec: synthetic + #""retries": {"max": 3}}"#),
    SchemaPart(
      definition: "sgd", path: "optimizer",
      spec: synthetic + #""optimizer": {"type": "sgd", "nesterov": false}}"#),
    SchemaPart(
      definition: "adam", path: "optimizer", spec: synthetic + #""optimizer": {"type": "adam"}}"#),
    SchemaPart(
      definition: "rmsprop", path: "optimizer",
      spec: synthetic + #""optimizer": {"type": "rmsprop", "rho": 0.9}}"#),
    SchemaPart(
      definition: "command", path: "",
      spec: #"{"kind": "command", "command": ["python", "a.py"], "limits": {}}"#),
    SchemaPart(
      definition: "limits", path: "limits",
      spec: #"{"kind": "command", "command": "true", "limits": {}}"#),
    SchemaPart(
      definition: "evaluate", path: "",
      spec: #"{"kind": "evaluate", "run": 3, "dataset": {"type": "csv", "path": "b.csv"}}"#),
    SchemaPart(
      definition: "new_csv", path: "dataset",
      spec: #"{"kind": "evaluate", "run": 3, "dataset": {"type": "csv", "path": "b.csv"}}"#),
  ]
}

@Suite struct JobSpecSchemaTests {
  let schema: JSONSchema

  /// Read once: a suite is made anew for each case.
  private static let read = Result { try JSONSchema(named: "job-spec") }

  init() throws { schema = try Self.read.get() }

  private func properties(_ part: SchemaPart) -> [(key: String, rule: [String: JSONValue])] {
    let definition = schema.target(of: "#/$defs/\(part.definition)")
    return (definition["properties"]?.objectValue ?? [:]).sorted { $0.key < $1.key }
      .map { ($0.key, schema.resolved($0.value)) }
  }

  /// Mistakes that the parser finds at exactly this place.
  private func mistakes(at place: String, in spec: JSONValue) -> [String] {
    ExperimentsTests.mistakes(spec).filter { $0.hasPrefix("\(place): ") }
  }

  @Test("every object type of the schema is walked")
  func coverage() {
    let definitions = schema.root["$defs"]?.objectValue ?? [:]
    let objects = definitions.filter { $0.value["properties"] != nil }.keys
    #expect(Set(objects) == Set(SchemaPart.all.map(\.definition)))
  }

  @Test("each property is accepted by both", arguments: SchemaPart.all)
  func properties(of part: SchemaPart) throws {
    let spec = try json(part.spec)
    #expect(schema.problems(spec) == [])
    #expect(ExperimentsTests.mistakes(spec) == [])
    for (key, rule) in properties(part) {
      let sample =
        rule["default"] ?? rule["const"] ?? rule["enum"]?.arrayValue?.first
        ?? rule["examples"]?.arrayValue?.first ?? spec.at(part.place(key))
      // `metrics` and `name` have a default that depends on others
      guard let sample else {
        #expect(["metrics", "name", "optimizer", "alerts"].contains(key), "\(key) has no sample")
        continue
      }
      let changed = try spec.setting(part.place(key), to: sample)
      #expect(schema.problems(changed) == [], "\(key)")
      // a sample that does not fit the rest is told at the field's own rules only
      if rule["enum"] == nil { #expect(ExperimentsTests.mistakes(changed) == [], "\(key)") }
    }
  }

  @Test("keys of a whole spec are the schema's", arguments: SchemaPart.all)
  func keys(of part: SchemaPart) throws {
    let whole = try JobSpec.parse(try json(part.spec)).json
    #expect(schema.problems(whole) == [])
    let keys = Set((whole.at(part.path)?.objectValue ?? [:]).keys)
    let listed = Set(properties(part).map(\.key))
    // what a policy leaves as it is by default is not written
    let optional = Set(
      ["positive", "full_every", "memory", "cpu_time", "open_files", "file_size", "alerts"]
        + (part.path.isEmpty ? JobPolicy.keys : []))
    #expect(listed.subtracting(optional) == keys.subtracting(optional))
  }

  @Test("defaults are the schema's", arguments: SchemaPart.all)
  func defaults(of part: SchemaPart) throws {
    let spec = try json(part.spec)
    for (key, rule) in properties(part) {
      guard let standard = rule["default"] else { continue }
      if part.path.isEmpty, JobPolicy.keys.contains(key) {
        let given = try JobSpec.parse(spec.setting(key, to: standard))
        #expect(given.json == (try JobSpec.parse(spec.removing(key)).json), "\(key)")
        #expect(given.json[key] == nil, "\(key)")
        continue
      }
      let whole = try JobSpec.parse(spec.removing(part.place(key))).json
      let filled = try #require(whole.at(part.place(key)), "\(key)")
      #expect(filled.isSame(as: standard), "\(key): \(filled) is not \(standard)")
    }
  }

  @Test("what is required is required by both, the rest by neither", arguments: SchemaPart.all)
  func required(of part: SchemaPart) throws {
    let spec = try json(part.spec)
    let definition = schema.target(of: "#/$defs/\(part.definition)")
    let required = Set(definition["required"]?.arrayValue?.map(\.plainText) ?? [])
    for (key, _) in properties(part) {
      let without = spec.removing(part.place(key))
      #expect(schema.problems(without).isEmpty != required.contains(key), "\(key)")
      #expect(ExperimentsTests.mistakes(without).isEmpty != required.contains(key), "\(key)")
    }
  }

  @Test("unknown keys are refused by both", arguments: SchemaPart.all)
  func unknown(in part: SchemaPart) throws {
    let spec = try json(part.spec).setting(part.place("zzz"), to: .int(1))
    #expect(!schema.problems(spec).isEmpty)
    #expect(mistakes(at: part.place("zzz"), in: spec).count == 1)
  }

  @Test("values of another type are refused by both", arguments: SchemaPart.all)
  func types(in part: SchemaPart) throws {
    for (key, _) in properties(part) {
      let spec = try json(part.spec).setting(part.place(key), to: .array([.null]))
      #expect(!schema.problems(spec).isEmpty, "\(key)")
      #expect(!ExperimentsTests.mistakes(spec).isEmpty, "\(key)")
    }
  }

  @Test("ranges are the same, ends included", arguments: SchemaPart.all)
  func ranges(in part: SchemaPart) throws {
    let spec = try json(part.spec)
    func check(_ key: String, _ value: JSONValue, isAllowed: Bool) throws {
      let changed = try spec.setting(part.place(key), to: value)
      let found = mistakes(at: part.place(key), in: changed)
      #expect(found.isEmpty == isAllowed, "\(key) = \(value.plainText): \(found)")
      if !isAllowed {
        #expect(!schema.problems(changed).isEmpty, "\(key) = \(value.plainText)")
        #expect(found.first?.hasPrefix("\(part.place(key)): \(value.plainText.prefix(1))") == true)
      }
    }
    for (key, rule) in properties(part) {
      for (bound, step) in [("minimum", -1), ("maximum", 1)] {
        guard let limit = rule[bound] else { continue }
        try check(key, limit, isAllowed: true)
        if rule["type"] == .string("integer"), case .int(let number) = limit {
          let (beyond, overflow) = number.addingReportingOverflow(Int64(step))
          if !overflow { try check(key, .int(beyond), isAllowed: false) }
        } else if let number = limit.doubleValue {
          try check(
            key, .number(step < 0 ? number.nextDown : number.nextUp), isAllowed: false)
        }
      }
      for bound in ["exclusiveMinimum", "exclusiveMaximum"] {
        guard let number = rule[bound]?.doubleValue else { continue }
        try check(key, .number(number), isAllowed: false)
        let within = bound == "exclusiveMinimum" ? number.nextUp : number.nextDown
        try check(key, .number(within), isAllowed: true)
      }
    }
  }

  @Test("limits in the schema are those in Limits")
  func limits() {
    func bound(_ place: String, _ keyword: String) -> Int? {
      schema.resolved(schema.target(of: "#/$defs/\(place)"))[keyword]?.intValue
    }
    #expect(bound("name", "maxLength") == Limits.nameCharacters)
    #expect(bound("tags", "maxProperties") == Limits.tagsPerRun)
    #expect(bound("tags/propertyNames", "maxLength") == Limits.keyCharacters)
    #expect(bound("tags/additionalProperties", "maxLength") == Limits.tagCharacters)
    #expect(bound("columns", "maxItems") == Limits.csvColumns)
    #expect(bound("train/properties/model", "maxItems") == Limits.layers)
    #expect(bound("dense/properties/units", "maximum") == Limits.unitsPerLayer)
    #expect(bound("train/properties/epochs", "maximum") == Limits.epochs)
    #expect(bound("train/properties/batch_size", "maximum") == Limits.batchSize)
    #expect(bound("train/properties/threads", "maximum") == TrainSpec.threadLimit)
    #expect(bound("synthetic/properties/rows", "maximum") == Limits.syntheticValues)
    #expect(bound("priority", "minimum") == JobSpec.priorities.lowerBound)
  }

  @Test("names in the schema are the vocabulary's")
  func names() {
    func names(_ place: String) -> [String]? {
      schema.target(of: "#/\(place)")["enum"]?.arrayValue?.map(\.plainText)
    }
    func all<Name: CaseIterable & RawRepresentable<String>>(_ type: Name.Type) -> [String] {
      type.allCases.map(\.rawValue)
    }
    #expect(names("properties/kind") == JobSpec.kinds.map(\.rawValue))
    #expect(names("$defs/on_lost") == all(LostPolicy.self))
    #expect(names("$defs/after_failed") == all(AfterFailed.self))
    #expect(names("$defs/train/properties/loss") == all(LossName.self))
    #expect(names("$defs/train/properties/metrics/items") == all(MetricName.self))
    #expect(names("$defs/dense/properties/activation") == all(ActivationName.self))
    #expect(names("$defs/dense/properties/initializer") == all(InitializerName.self))
    #expect(names("$defs/csv/properties/missing") == all(MissingPolicy.self))
    #expect(names("$defs/csv/properties/task") == all(TaskKind.self))
    let optimizers = schema.target(of: "#/$defs/train/properties/optimizer")["oneOf"]
    #expect(
      optimizers?.arrayValue?.first?["enum"]?.arrayValue?.map(\.plainText)
        == OptimizerSpec.types)
  }

  @Test("what the documentation shows is valid, and it has every key")
  func documentation() throws {
    let text = try repositoryText("docs/job-spec.md")
    let blocks = text.components(between: "```yaml\n", and: "```")
    #expect(blocks.count >= 2)
    for block in blocks {
      let spec = try yaml(block)
      #expect(ExperimentsTests.mistakes(spec) == [])
      #expect(schema.problems(spec) == [])
    }
    for part in SchemaPart.all {
      for (key, _) in properties(part) {
        #expect(text.contains("| `\(part.documented(key))`"), "\(part.documented(key))")
      }
    }
  }
}

extension SchemaPart {
  /// The key as the tables of docs/job-spec.md have it: with its object, lists without their index.
  fileprivate func documented(_ key: String) -> String {
    place(key).replacing(".0.", with: ".N.").replacing(".1.", with: ".N.")
  }
}

extension String {
  fileprivate func components(between start: String, and end: String) -> [String] {
    split(separator: start, omittingEmptySubsequences: false).dropFirst().compactMap {
      $0.split(separator: end, omittingEmptySubsequences: false).first.map(String.init)
    }
  }
}
