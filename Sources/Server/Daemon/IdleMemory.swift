// Gives memory back to the system once nobody has asked for anything for a while: what SQLite keeps
// of the file, and what the allocator keeps of answers that were large.

import CLinux
import Store

struct IdleMemory {
  /// Ticks without a question after which memory is given back: five seconds.
  private static let patience = 10

  private var reads = -1
  private var quiet = 0

  /// To be called every half a second.
  mutating func tick(_ store: Store) {
    let reads = store.reads
    guard reads == self.reads else {
      self.reads = reads
      quiet = 0
      return
    }
    guard quiet <= Self.patience else { return }
    quiet += 1
    // The connections need a moment for it; what they have freed then goes back as a whole.
    if quiet == Self.patience { store.releaseMemory() }
    if quiet > Self.patience { clinux_trim_memory() }
  }
}
