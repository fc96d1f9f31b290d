// What is wrong with an expression, told with the expression and a caret under the place.

struct QueryMistake: Error, Equatable {
  let reason: String
  /// In characters, from 0; the expression's length means its end.
  let position: Int

  /// The reason, the line of the expression that is meant, and a caret under the place.
  func storeError(in expression: String) -> StoreError {
    let characters = Array(expression)
    let place = min(max(position, 0), characters.count)
    let start = characters[..<place].lastIndex(where: \.isNewline).map { $0 + 1 } ?? 0
    let end = characters[place...].firstIndex(where: \.isNewline) ?? characters.count
    let line = String(characters[start..<end].map { $0 == "\t" ? " " : $0 })
    let caret = String(repeating: " ", count: place - start) + "^"
    return .invalidQuery(
      message: "\(reason), at character \(place + 1)\n  \(line)\n  \(caret)", position: place)
  }
}
