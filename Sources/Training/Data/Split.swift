// Divides the rows into training, validation and test part. Every row lands in exactly one part,
// and which one depends on the split's seed, the sizes and the rows' classes alone.

package import Experiments

/// Row indexes from 0, each list ascending.
package struct Split: Sendable, Equatable {
  package private(set) var train: [Int] = []
  package private(set) var validation: [Int] = []
  package private(set) var test: [Int] = []

  /// The parts have `rows * fraction` rows, rounded. Stratified, each class gives its share of each
  /// part, rounded so that the parts keep their sizes (largest remainder).
  /// - Parameter classIndexes: Class per row, or nil for a regression.
  package init(rows: Int, classIndexes: [Int32]?, spec: SplitSpec) throws(DataError) {
    let sizes = try Self.sizes(rows: rows, spec: spec)
    let random = CounterRandom(seed: spec.seed, stream: 0)
    var groups = Self.groups(rows: rows, classIndexes: spec.stratify ? classIndexes : nil)
    for index in groups.indices {
      let keyed = groups[index].map { (key: random.bits(UInt64($0)), row: $0) }
      groups[index] = keyed.sorted { ($0.key, $0.row) < ($1.key, $1.row) }.map(\.row)
    }
    test = Self.take(sizes.test, from: &groups)
    validation = Self.take(sizes.validation, from: &groups)
    train = groups.flatMap(\.self).sorted()
  }

  private static func sizes(
    rows: Int, spec: SplitSpec
  ) throws(DataError) -> (validation: Int, test: Int) {
    let validation = Int((Double(rows) * spec.validation).rounded())
    let test = Int((Double(rows) * spec.test).rounded())
    if spec.validation > 0, validation == 0 {
      throw .emptyPart("validation", fraction: spec.validation, rows: rows)
    }
    if spec.test > 0, test == 0 { throw .emptyPart("test", fraction: spec.test, rows: rows) }
    if validation + test >= rows {
      throw .emptyPart("training", fraction: 1 - spec.validation - spec.test, rows: rows)
    }
    return (validation, test)
  }

  /// The rows of each class, classes in the order of their first row: how classes are numbered
  /// does not change the split.
  private static func groups(rows: Int, classIndexes: [Int32]?) -> [[Int]] {
    guard let classIndexes else { return [Array(0..<rows)] }
    var groups: [[Int]] = []
    var groupOfClass: [Int32: Int] = [:]
    for (row, index) in classIndexes.enumerated() {
      if let group = groupOfClass[index] {
        groups[group].append(row)
      } else {
        groupOfClass[index] = groups.count
        groups.append([row])
      }
    }
    return groups
  }

  /// Takes `count` rows off the ends of the groups in proportion to their sizes.
  private static func take(_ count: Int, from groups: inout [[Int]]) -> [Int] {
    let total = groups.reduce(0) { $0 + $1.count }
    guard count > 0, total > 0 else { return [] }
    var shares = groups.map { count * $0.count / total }
    let byRemainder = groups.indices.sorted { a, b in
      let (left, right) = (count * groups[a].count % total, count * groups[b].count % total)
      return left != right ? left > right : a < b
    }
    for group in byRemainder.prefix(count - shares.reduce(0, +)) { shares[group] += 1 }
    var rows: [Int] = []
    for (group, share) in shares.enumerated() {
      rows += groups[group].suffix(share)
      groups[group].removeLast(share)
    }
    return rows.sorted()
  }
}
