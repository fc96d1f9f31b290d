// Job specs for tests.
import Experiments
import Foundation

enum Specs {
  /// A training on generated data, small by default.
  static func synthetic(
    name: String = "small", rows: Int = 2_000, features: Int = 20, units: Int = 16,
    epochs: Int = 3, seed: Int = 1, changes: [String: JSONValue] = [:]
  ) -> JSONValue {
    var spec: [String: JSONValue] = [
      "kind": .string("train"), "name": .string(name), "experiment": .string("tests"),
      "seed": .int(Int64(seed)),
      "dataset": .object([
        "type": .string("synthetic"), "rows": .int(Int64(rows)), "features": .int(Int64(features)),
      ]),
      "model": .array([
        .object([
          "type": .string("dense"), "units": .int(Int64(units)), "activation": .string("relu"),
        ]),
        .object(["type": .string("dropout"), "rate": .number(0.1)]),
        .object([
          "type": .string("dense"), "units": .int(1), "activation": .string("sigmoid"),
        ]),
      ]),
      "loss": .string("binary_crossentropy"),
      "optimizer": .object(["type": .string("adam"), "learning_rate": .number(0.001)]),
      "epochs": .int(Int64(epochs)), "batch_size": .int(32),
      "checkpoints": .object(["every": .int(1), "best": .string("val_loss")]),
    ]
    for (key, value) in changes { spec[key] = value }
    return .object(spec)
  }
}
