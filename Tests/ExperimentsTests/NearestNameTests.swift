// What a misspelt name was meant to be.

import Experiments
import Testing

@Suite struct NearestNameTests {
  static let names = [
    "learning_rate", "momentum", "units", "l1", "l2", "relu", "sigmoid", "softmax", "adam", "loss",
  ]

  @Test(
    "near names are found, far ones are not",
    arguments: [
      ("learning_rat", "learning_rate"), ("learning-rate", "learning_rate"),
      ("Learning Rate", "learning_rate"), ("learnign_rate", "learning_rate"),
      ("sigmod", "sigmoid"), ("unit", "units"), ("untis", "units"), ("los", "loss"),
      ("rleu", "relu"), ("Adam", "adam"), ("aadm", "adam"), ("softmaks", "softmax"),
      ("colour", nil), ("x", nil), ("", nil), ("l3", "l1"), ("a", nil), ("momentum", nil),
      ("epochs", nil), (String(repeating: "x", count: 100_000), nil),
    ] as [(String, String?)])
  func suggestions(name: String, suggestion: String?) {
    #expect(NearestName.suggestion(for: name, among: Self.names) == suggestion)
  }

  @Test("the nearest wins, of equals the first")
  func order() {
    #expect(NearestName.suggestion(for: "val_lss", among: ["val_ls", "val_loss"]) == "val_ls")
    #expect(NearestName.suggestion(for: "val_f1", among: ["val_f2", "val_f3"]) == "val_f2")
    #expect(
      NearestName.suggestion(for: "test_acuracy", among: ["test_auc", "test_accuracy"])
        == "test_accuracy")
  }

  @Test("asked as a question")
  func question() {
    #expect(NearestName.question(for: "adm", among: ["sgd", "adam"]) == "; did you mean adam?")
    #expect(NearestName.question(for: "zzz", among: ["sgd", "adam"]) == "")
  }
}
