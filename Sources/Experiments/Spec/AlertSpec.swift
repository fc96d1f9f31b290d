// Alerts of a job: what the daemon watches for while it runs. They say nothing of the work itself, so
// runs with other alerts are of one series.

package struct AlertSpec: Sendable, Equatable {
  package var rule: Rule
  package var action: Action

  package enum Rule: Sendable, Equatable {
    /// So many points of the metric in a row are above the bound, or below it.
    case bound(metric: String, side: Side, bound: Double, points: Int)
    /// No new step and no new point for so many seconds.
    case noProgress(seconds: Int)
    /// A value that is NaN or infinite: of this metric, or of any.
    case diverged(metric: String?)
  }

  package enum Side: String, Sendable, CaseIterable {
    case above, below

    /// A NaN is neither.
    package func holds(_ value: Double, _ bound: Double) -> Bool {
      self == .above ? value > bound : value < bound
    }
  }

  package enum Action: String, Sendable, CaseIterable {
    /// Tells it, and lets the job go on.
    case event
    /// Tells it, and cancels the job.
    case stop
  }

  package init(rule: Rule, action: Action) {
    self.rule = rule
    self.action = action
  }

  /// In words, such as `loss above 5 for 100 points`.
  package var text: String {
    switch rule {
    case .bound(let metric, let side, let bound, let points):
      "\(metric) \(side.rawValue) \(bound.shown)" + (points > 1 ? " for \(points) points" : "")
    case .noProgress(let seconds): "no progress for \(seconds) seconds"
    case .diverged(let metric): "\(metric ?? "a metric") diverged"
    }
  }
}

extension AlertSpec {
  /// The alerts of a spec that is stored as JSON; those that are not understood are left out.
  package static func stored(_ list: JSONValue) -> [(place: Int, alert: AlertSpec)] {
    (list.arrayValue ?? []).enumerated().compactMap { place, element in
      SpecReader.read(element, at: "", log: MistakeLog(), Self.read).map { (place, $0) }
    }
  }

  /// The key `alerts` of a job spec.
  static func readAll(_ reader: inout SpecReader) -> [AlertSpec]? {
    guard reader.has("alerts") else {
      // So that it is named among the keys that are allowed.
      _ = reader.raw("alerts")
      return []
    }
    let alerts = reader.objects("alerts", count: 0...Limits.alerts, of: "alerts") { read(&$0) }
    guard let alerts else { return nil }
    let whole = alerts.compactMap { $0 }
    return whole.count == alerts.count ? whole : nil
  }

  private static func read(_ reader: inout SpecReader) -> AlertSpec? {
    let metric = reader.readIfPresent("metric", .text(upTo: Limits.keyCharacters))
    let above = reader.readIfPresent("above", .number(.any))
    let below = reader.readIfPresent("below", .number(.any))
    let points = reader.read("for", .whole(1...1_000_000), default: 1)
    let seconds = reader.readIfPresent("no_progress", .seconds(1...604_800))
    let diverged = reader.readIfPresent("diverged", .flag)
    let action = reader.read("action", .name, default: Action.event)
    let kinds = ["above", "below", "no_progress", "diverged"].filter(reader.has)
    guard kinds.count == 1 else {
      if kinds.isEmpty {
        _ = reader.read("above", .needed("one of above, below, no_progress, diverged"))
      } else {
        reader.mistake(
          kinds[0], "an alert has one of \(kinds.joined(separator: ", ")), not several")
      }
      return nil
    }
    guard let rule = rule(&reader, kinds[0], metric, above ?? below, points, seconds, diverged),
      let action
    else { return nil }
    return AlertSpec(rule: rule, action: action)
  }

  private static func rule(
    _ reader: inout SpecReader, _ kind: String, _ metric: String?, _ bound: Double?,
    _ points: Int?, _ seconds: Int?, _ diverged: Bool?
  ) -> Rule? {
    switch kind {
    case "above", "below":
      guard reader.has("metric") else {
        _ = reader.read("metric", .needed("the name of the metric"))
        return nil
      }
      guard let metric, let bound, let points, let side = Side(rawValue: kind) else { return nil }
      return .bound(metric: metric, side: side, bound: bound, points: points)
    case "no_progress":
      for key in ["metric", "for"] where reader.has(key) {
        reader.mistake(key, "has no meaning beside no_progress")
        return nil
      }
      return seconds.map { .noProgress(seconds: $0) }
    default:
      guard let diverged else { return nil }
      guard diverged, !reader.has("for") else {
        reader.mistake(
          diverged ? "for" : "diverged",
          diverged ? "has no meaning beside diverged" : "must be true; leave the alert out instead")
        return nil
      }
      return .diverged(metric: metric)
    }
  }

  var tree: SpecTree {
    let members: [SpecTree.Member] =
      switch rule {
      case .bound(let metric, let side, let bound, let points):
        [
          ("metric", .text(metric)), (side.rawValue, .number(bound)), ("for", .int(points)),
        ]
      case .noProgress(let seconds): [("no_progress", .int(seconds))]
      case .diverged(let metric):
        (metric.map { [("metric", .text($0))] } ?? []) + [("diverged", .flag(true))]
      }
    return .members(members + [("action", .name(action))])
  }
}

extension SpecRule<JSONValue> {
  /// Of a key that is missing: a misspelt one is then told once.
  fileprivate static func needed(_ expectation: String) -> SpecRule {
    converting(expectation) { $0 }
  }
}

extension NumberRange {
  /// Every finite number.
  fileprivate static var any: NumberRange {
    NumberRange(description: "that is finite") { $0.isFinite }
  }
}

extension SpecRule<Int> {
  /// Seconds, or a text such as `90s`, `10m`, `2h`, `1d`.
  fileprivate static func seconds(_ range: ClosedRange<Int>) -> SpecRule {
    converting("a time such as 90s, 10m or 2h, from \(range.lowerBound)s to 7d") { value in
      (value.intValue ?? value.stringValue.flatMap(Self.seconds))
        .flatMap { range.contains($0) ? $0 : nil }
    }
  }

  private static func seconds(_ text: String) -> Int? {
    let units = ["s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400]
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let unit = text.dropFirst(digits.count).drop { $0 == " " }
    guard let number = Int(digits), number < 1_000_000, let factor = units[String(unit)] else {
      return nil
    }
    return number * factor
  }
}
