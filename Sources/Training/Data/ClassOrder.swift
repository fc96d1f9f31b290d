// Gives the labels of a target their class indexes.

enum ClassOrder {
  /// Numbers in numeric order if all labels are numbers, else texts in lexicographic order. Of two
  /// classes the positive one comes last: the greater, or `positive`.
  static func classes(
    of labels: [String], column: String, positive: String?
  ) throws(DataError) -> [String] {
    guard labels.count > 1 else { throw .oneClass(column: column, label: labels.first ?? "") }
    let classes = sorted(labels)
    guard let positive else { return classes }
    guard classes.contains(positive) else {
      throw .unknownPositive(positive, classes: classes)
    }
    guard classes.count == 2 else { throw .positiveOfMany(positive, classes: classes) }
    return classes[1] == positive ? classes : [classes[1], classes[0]]
  }

  static func sorted(_ labels: [String]) -> [String] {
    var numbered: [(value: Double, label: String)] = []
    for label in labels {
      guard let value = DecimalNumber.parse(label), value.isFinite else { return labels.sorted() }
      numbered.append((value, label))
    }
    return numbered.sorted { ($0.value, $0.label) < ($1.value, $1.label) }.map(\.label)
  }
}
