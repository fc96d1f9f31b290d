// Keeps what fits into Assay's limits and reports what does not: nothing is cut.

import Experiments

struct Fitting {
  /// Of the run, for the report: `run 1a2b (name)`.
  let owner: String
  private(set) var skipped: [Skipped] = []

  init(owner: String) { self.owner = owner }

  mutating func params(_ params: [String: String]) -> [String: String] {
    bounded(
      entries(params, kind: "param", limit: Limits.paramCharacters), kind: "param",
      most: Limits.paramsPerRun)
  }

  /// - Parameter reserved: how many tags the run gets besides.
  mutating func tags(_ tags: [String: String], reserved: Int = 2) -> [String: String] {
    bounded(
      entries(tags, kind: "tag", limit: Limits.tagCharacters), kind: "tag",
      most: Limits.tagsPerRun - reserved)
  }

  private mutating func bounded(
    _ entries: [String: String], kind: String, most: Int
  ) -> [String: String] {
    guard entries.count > most else { return entries }
    let order = entries.keys.sorted()
    for key in order.dropFirst(most) {
      skip("\(kind) \(Self.shown(key))", "a run has room for \(most) \(kind)s")
    }
    let kept = Set(order.prefix(most))
    return entries.filter { kept.contains($0.key) }
  }

  mutating func note(_ note: String?) -> String? {
    guard let note, note.count > Limits.tagCharacters else { return note }
    skip("the note", "it has \(note.count) characters, at most \(Limits.tagCharacters) are kept")
    return nil
  }

  mutating func name(_ name: String?) -> String? {
    guard let name, !name.isEmpty else { return nil }
    guard name.count <= Limits.nameCharacters else {
      skip("the name", "it has \(name.count) characters, a name at most \(Limits.nameCharacters)")
      return nil
    }
    return name
  }

  /// Whether points may have the key; the caller reports it once per key.
  static func refusal(ofKey key: String) -> String? {
    if key.isEmpty { return "its key is empty" }
    if key.count > Limits.keyCharacters {
      return "its key has \(key.count) characters, at most \(Limits.keyCharacters) are kept"
    }
    if key.unicodeScalars.contains("\0") { return "its key has a zero byte" }
    return nil
  }

  mutating func skip(_ what: String, _ why: String) {
    skipped.append(Skipped("\(what) of \(owner)", why: why))
  }

  private mutating func entries(
    _ entries: [String: String], kind: String, limit: Int
  ) -> [String: String] {
    entries.filter { key, value in
      if let why = Self.refusal(ofKey: key) {
        skip("\(kind) \(Self.shown(key))", why)
        return false
      }
      guard value.count <= limit else {
        skip(
          "\(kind) \(Self.shown(key))",
          "its value has \(value.count) characters, at most \(limit) are kept")
        return false
      }
      return true
    }
  }

  /// A key for a message: not longer than a line.
  static func shown(_ key: String) -> String { key.count > 60 ? key.prefix(60) + "…" : key }
}
