// The targets of one batch, and the gathering of a batch's rows into contiguous memory.

final class Batch {
  let capacity: Int
  private let classes: UnsafeMutablePointer<Int32>
  private let values: UnsafeMutablePointer<Float>

  init(capacity: Int) {
    self.capacity = capacity
    classes = .allocate(capacity: capacity)
    classes.initialize(repeating: 0, count: capacity)
    values = .allocate(capacity: capacity)
    values.initialize(repeating: 0, count: capacity)
  }

  deinit {
    classes.deallocate()
    values.deallocate()
  }

  /// Copies the features of `rows` into `features` [rows, columns] and their targets into the batch.
  /// The rows must be rows of `part`.
  func gather(
    _ rows: UnsafeBufferPointer<Int32>, from part: DataPart,
    into features: UnsafeMutablePointer<Float>
  ) -> Targets {
    let columns = part.features.columns
    part.features.values.withUnsafeBufferPointer { source in
      guard let base = source.baseAddress else { return }
      for (index, row) in rows.enumerated() {
        (features + index * columns).update(from: base + Int(row) * columns, count: columns)
      }
    }
    guard part.classIndexes.isEmpty else {
      for (index, row) in rows.enumerated() { classes[index] = part.classIndexes[Int(row)] }
      return Targets(classes: classes)
    }
    for (index, row) in rows.enumerated() { values[index] = part.values[Int(row)] }
    return Targets(values: values)
  }
}
