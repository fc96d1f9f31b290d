// The table of a part's predictions that is kept with a run: per row its number in the source, the
// true value, what was predicted, and the scores.
import Experiments
import Training

enum Predictions {
  /// CSV with the columns `row,true,predicted` and one score per class (`score` alone, the positive
  /// class's, in a binary task; none in a regression).
  static func csv(scores: Matrix, part: DataPart, classes: [String]) -> [UInt8] {
    var text = "row,true,predicted"
    if classes.isEmpty {
      // a regression: the prediction is the score
    } else if scores.columns == 1 {
      text += ",score"
    } else {
      for name in classes { text += "," + quoted("score_" + name) }
    }
    text += "\n"
    for row in 0..<scores.rows {
      let values = scores.values[(row * scores.columns)..<((row + 1) * scores.columns)]
      text += "\(part.rowNumbers[row]),"
      if classes.isEmpty {
        text += "\(part.values[row]),\(values.first ?? .nan)\n"
        continue
      }
      let predicted =
        scores.columns == 1
        ? ((values.first ?? 0) > 0.5 ? 1 : 0)
        : values.indices.max { values[$0] < values[$1] }.map { $0 - values.startIndex } ?? 0
      text += quoted(classes[Int(part.classIndexes[row])]) + "," + quoted(classes[predicted])
      for value in values { text += ",\(value)" }
      text += "\n"
    }
    return [UInt8](text.utf8)
  }

  private static func quoted(_ text: String) -> String {
    guard text.contains(where: { ",\"\r\n".contains($0) }) else { return text }
    return "\"" + text.replacing("\"", with: "\"\"") + "\""
  }
}
