// Alerts of a job spec: every form comes back from its JSON, and a mistake says where it is.

import Experiments
import Testing

@Suite struct AlertSpecTests {
  private static func spec(_ alerts: String) throws -> JSONValue {
    try yaml(BrokenSpec.base).setting("alerts", to: yaml(alerts))
  }

  @Test func everyFormIsRead() throws {
    let spec = try JobSpec.parse(
      try Self.spec(
        """
        - {metric: loss, above: 5, for: 100, action: stop}
        - {metric: val_f1, below: 0.25}
        - {no_progress: 10m}
        - {no_progress: 90}
        - {diverged: true, action: stop}
        - {diverged: true, metric: loss}
        """))
    #expect(
      spec.alerts.map(\.text) == [
        "loss above 5 for 100 points", "val_f1 below 0.25", "no progress for 600 seconds",
        "no progress for 90 seconds", "a metric diverged", "loss diverged",
      ])
    #expect(spec.alerts.map(\.action) == [.stop, .event, .event, .event, .stop, .event])
    let stored = AlertSpec.stored(try #require(spec.json["alerts"]))
    #expect(stored.map(\.alert) == spec.alerts && stored.map(\.place) == Array(0..<6))
  }

  @Test func theySayNothingOfTheWork() throws {
    let plain = try JobSpec.parse(try yaml(BrokenSpec.base))
    let watched = try JobSpec.parse(try Self.spec("[{diverged: true}]"))
    #expect(plain.comparabilityText == watched.comparabilityText)
    #expect(JobSpec.comparabilityText(ofStored: watched.json) == plain.comparabilityText)
    #expect(plain.json["alerts"] == nil)
    #expect(plain.params.map(\.key) == watched.params.map(\.key))
  }

  @Test(arguments: [
    ("[{}]", "alerts.0.above: missing; needs one of above, below, no_progress, diverged"),
    ("[{metric: loss, abov: 5}]", "alerts.0.abov: unknown key; did you mean above?"),
    ("[{above: 5}]", "alerts.0.metric: missing; needs the name of the metric"),
    (
      "[{metric: a, above: 5, below: 1}]",
      "alerts.0.above: an alert has one of above, below, not several"
    ),
    ("[{metric: a, above: high}]", "alerts.0.above: \"high\" is not a number that is finite"),
    ("[{metric: a, above: 1, for: 0}]", "alerts.0.for: 0 is not a whole number from 1 to 1000000"),
    (
      "[{no_progress: soon}]",
      "alerts.0.no_progress: \"soon\" is not a time such as 90s, 10m or 2h, from 1s to 7d"
    ),
    ("[{no_progress: 10m, for: 3}]", "alerts.0.for: has no meaning beside no_progress"),
    ("[{diverged: false}]", "alerts.0.diverged: must be true; leave the alert out instead"),
    ("[{diverged: true, action: halt}]", "alerts.0.action: \"halt\" is none of event, stop"),
  ])
  func aMistakeIsNamedOnce(_ alerts: String, _ mistake: String) throws {
    #expect(mistakes(try Self.spec(alerts)) == [mistake])
  }
}
