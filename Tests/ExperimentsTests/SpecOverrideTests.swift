// `--set PATH=VALUE`

import Experiments
import Testing

@Suite struct SpecOverrideTests {
  @Test(
    "values are JSON where they are some, else text",
    arguments: [
      ("a=1", JSONValue.int(1)), ("a=-0.5", .number(-0.5)), ("a=1e-3", .number(0.001)),
      ("a=.5", .number(0.5)), ("a=-.5", .number(-0.5)), ("a=true", .bool(true)),
      ("a=null", .null), ("a=adam", .string("adam")), ("a=", .string("")),
      ("a=x=y", .string("x=y")), ("a=\"64\"", .string("64")),
      ("a=[1,\"b\"]", .array([.int(1), .string("b")])),
      ("a={\"type\":\"sgd\"}", .object(["type": .string("sgd")])),
      ("a=[accuracy]", .string("[accuracy]")),
      ("a=nan", .string("nan")), ("a=.inf", .string(".inf")), ("a=0x10", .string("0x10")),
      ("a=1.2.3", .string("1.2.3")),
    ])
  func values(text: String, value: JSONValue) throws {
    #expect(try SpecOverride.parse(text) == SpecOverride(path: "a", value: value))
  }

  @Test("what is not PATH=VALUE is refused", arguments: ["epochs", "", "=3"])
  func noOverride(text: String) {
    #expect(throws: SpecMistakes.self) { try SpecOverride.parse(text) }
  }

  @Test(
    "one value changes, missing objects are made",
    arguments: [
      (#"{"a":{"b":1,"c":2}}"#, "a.b", #"{"a":{"b":9,"c":2}}"#),
      (#"{}"#, "split.test", #"{"split":{"test":9}}"#),
      (
        #"{"model":[{"units":1},{"units":2}]}"#, "model.1.units",
        #"{"model":[{"units":1},{"units":9}]}"#
      ),
      (
        #"{"optimizer":"adam"}"#, "optimizer.epsilon", #"{"optimizer":{"epsilon":9,"type":"adam"}}"#
      ),
      (#"{"optimizer":{"type":"sgd"}}"#, "optimizer", #"{"optimizer":9}"#),
      (#"{"tags":{"x":1}}"#, "tags.team.name", #"{"tags":{"team.name":9,"x":1}}"#),
    ])
  func setting(before: String, path: String, after: String) throws {
    #expect(try json(before).setting(path, to: .int(9)).canonicalText == after)
  }

  @Test(
    "a path that leads nowhere is a mistake with its place",
    arguments: [
      ("model.2.units", "model.2: no such element; model has 2, 0 to 1"),
      ("model.x", "model.x: no such element; model has 2, 0 to 1"),
      ("epochs.x", "epochs.x: cannot be set; epochs is 10, which has no members"),
      ("loss.x", "loss.x: cannot be set; loss is \"mse\", which has no members"),
      ("a..b", "a..b: is not a dotted path of keys"),
      ("", ": is not a dotted path of keys"),
    ])
  func nowhere(path: String, message: String) throws {
    let spec = try json(#"{"model":[{},{}],"epochs":10,"loss":"mse"}"#)
    let found = #expect(throws: SpecMistakes.self) { try spec.setting(path, to: .int(1)) }
    #expect(found?.mistakes.map { "\($0.path): \($0.message)" } == [message])
  }
}
