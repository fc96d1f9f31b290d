// The true values of the rows of one batch, as pointers that the losses read. Whoever makes it
// keeps the memory alive and has checked that class indexes are below the number of outputs.

package struct Targets {
  /// 0-based classes [rows]; nil in a regression.
  package let classes: UnsafePointer<Int32>?
  /// Numbers [rows]; nil in a classification.
  package let values: UnsafePointer<Float>?

  package init(classes: UnsafePointer<Int32>) {
    self.classes = classes
    values = nil
  }

  package init(values: UnsafePointer<Float>) {
    classes = nil
    self.values = values
  }

  /// What output `output` of `row` should be: the number, the class (0 or 1) if there is but one
  /// output, or 1 for the row's class and 0 for the others.
  @inline(__always)
  func wanted(row: Int, output: Int, outputs: Int) -> Float {
    if let values { return values[row] }
    guard let classes else { return 0 }
    return outputs == 1 ? Float(classes[row]) : (Int(classes[row]) == output ? 1 : 0)
  }

  @inline(__always)
  func classIndex(row: Int) -> Int {
    if let classes { Int(classes[row]) } else { 0 }
  }
}
