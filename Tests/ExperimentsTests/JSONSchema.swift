// A small JSON Schema (2020-12) validator: the keywords that the project's schemas use. One that it
// does not know is a problem itself, so that no rule is passed over.

import Experiments
import Foundation

struct JSONSchema {
  let root: JSONValue

  /// The schema in `schemas/NAME.json`.
  init(named name: String) throws { root = try json(try repositoryText("schemas/\(name).json")) }

  /// What is wrong with `value`, each line with its path; empty if nothing.
  func problems(_ value: JSONValue) -> [String] { problems(value, root, "") }

  /// A schema with `$ref` and `allOf` replaced by what they stand for; outer keywords win.
  func resolved(_ schema: JSONValue) -> [String: JSONValue] {
    var members = schema.objectValue ?? [:]
    var parts = members.removeValue(forKey: "allOf")?.arrayValue ?? []
    if let reference = members.removeValue(forKey: "$ref")?.stringValue {
      parts.append(target(of: reference))
    }
    for part in parts { members.merge(resolved(part)) { outer, _ in outer } }
    return members
  }

  /// `#/$defs/name`
  func target(of reference: String) -> JSONValue {
    reference.split(separator: "/").dropFirst().reduce(root) { $0[String($1)] ?? .null }
  }

  private func problems(_ value: JSONValue, _ schema: JSONValue, _ path: String) -> [String] {
    if schema == .bool(true) { return [] }
    guard let keywords = schema.objectValue else { return ["\(path): \(schema) is no schema"] }
    return keywords.sorted { $0.key < $1.key }.flatMap { key, rule in
      check(key, rule, value, keywords, path)
    }
  }

  private func check(
    _ key: String, _ rule: JSONValue, _ value: JSONValue, _ keywords: [String: JSONValue],
    _ path: String
  ) -> [String] {
    func fail(unless isRight: Bool?) -> [String] {
      isRight ?? true ? [] : ["\(path): \(value.plainText) breaks \(key) \(rule.canonicalText)"]
    }
    func fits(_ schema: JSONValue) -> Bool { problems(value, schema, path).isEmpty }
    let bound = rule.doubleValue ?? .nan
    switch key {
    case "$schema", "$id", "$defs", "title", "description", "default", "examples", "then", "else":
      return []
    case "$ref": return problems(value, target(of: rule.stringValue ?? ""), path)
    case "allOf": return (rule.arrayValue ?? []).flatMap { problems(value, $0, path) }
    case "anyOf": return fail(unless: rule.arrayValue?.contains(where: fits))
    case "oneOf": return fail(unless: rule.arrayValue?.count(where: fits) == 1)
    case "if":
      let branch = keywords[fits(rule) ? "then" : "else"]
      return branch.map { problems(value, $0, path) } ?? []
    case "type":
      return fail(unless: (rule.arrayValue ?? [rule]).contains { value.has(type: $0) })
    case "enum": return fail(unless: rule.arrayValue?.contains(value))
    case "const": return fail(unless: rule == value)
    case "minimum": return fail(unless: value.doubleValue.map { $0 >= bound })
    case "maximum": return fail(unless: value.doubleValue.map { $0 <= bound })
    case "exclusiveMinimum": return fail(unless: value.doubleValue.map { $0 > bound })
    case "exclusiveMaximum": return fail(unless: value.doubleValue.map { $0 < bound })
    case "minLength": return fail(unless: value.stringValue.map { Double($0.count) >= bound })
    case "maxLength": return fail(unless: value.stringValue.map { Double($0.count) <= bound })
    case "pattern":
      return fail(
        unless: value.stringValue.map {
          $0.range(of: rule.stringValue ?? "", options: .regularExpression) != nil
        })
    case "minItems": return fail(unless: value.arrayValue.map { Double($0.count) >= bound })
    case "maxItems": return fail(unless: value.arrayValue.map { Double($0.count) <= bound })
    case "uniqueItems": return fail(unless: value.arrayValue.map { Set($0).count == $0.count })
    case "items":
      return (value.arrayValue ?? []).enumerated().flatMap {
        problems($1, rule, "\(path).\($0)")
      }
    case "maxProperties": return fail(unless: value.objectValue.map { Double($0.count) <= bound })
    case "propertyNames":
      return (value.objectValue ?? [:]).keys.flatMap { problems(.string($0), rule, path) }
    case "required":
      return fail(
        unless: value.objectValue.map { members in
          rule.arrayValue?.allSatisfy { members[$0.plainText] != nil } ?? false
        })
    case "properties", "additionalProperties":
      let known = keywords["properties"]?.objectValue ?? [:]
      return (value.objectValue ?? [:]).sorted { $0.key < $1.key }.flatMap { name, member in
        let place = "\(path).\(name)"
        if key == "properties" { return known[name].map { problems(member, $0, place) } ?? [] }
        if known[name] != nil { return [] }
        return rule == .bool(false)
          ? ["\(place): is not in the schema"] : problems(member, rule, place)
      }
    default: return ["\(path): the validator does not know \(key)"]
    }
  }
}

extension JSONValue {
  fileprivate func has(type: JSONValue) -> Bool {
    switch type.stringValue {
    case "null": self == .null
    case "boolean": boolValue != nil
    case "string": stringValue != nil
    case "array": arrayValue != nil
    case "object": objectValue != nil
    case "number": doubleValue != nil
    case "integer": intValue != nil
    default: false
    }
  }
}
