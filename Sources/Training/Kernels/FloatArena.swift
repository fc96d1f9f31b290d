// Memory for floats with one owner: zeroed, 64-byte aligned, freed with the owner. The kernels work
// on pointers into it, so nothing is counted or copied in a step.

package final class FloatArena {
  package let base: UnsafeMutablePointer<Float>
  package let count: Int

  package init(count: Int) {
    self.count = count
    let bytes = UnsafeMutableRawPointer.allocate(
      byteCount: max(1, count) * MemoryLayout<Float>.stride, alignment: 64)
    base = bytes.bindMemory(to: Float.self, capacity: max(1, count))
    base.initialize(repeating: 0, count: max(1, count))
  }

  deinit { UnsafeMutableRawPointer(base).deallocate() }

  /// `count` rounded up to whole cache lines.
  package static func padded(_ count: Int) -> Int { (count + 15) / 16 * 16 }
}
