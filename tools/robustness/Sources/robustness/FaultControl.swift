// The other side of the preloaded library: arms it in a daemon that runs or is about to start, and
// reads what it has seen. The layout is that of CFaults.h.
import Foundation
import Glibc

final class FaultControl: @unchecked Sendable {
  // Sendable: the mapped memory is another process's too, which no lock of this one would help; each
  // field is one aligned word, and `kinds` is written last.
  enum Kind: Int64, CaseIterable, Sendable {
    case write = 1
    case sync = 2
    case open = 4
    case rename = 8
    case truncate = 16
  }

  struct Fault: Sendable, CustomStringConvertible {
    let kind: Kind
    let errno: Int32
    /// Counted from 1.
    let which: Int64
    /// Whether all calls after it fail too.
    let stays: Bool

    var description: String {
      let name = errno == EIO ? "EIO" : errno == ENOSPC ? "ENOSPC" : "errno \(errno)"
      return "\(kind) \(which) \(name)\(stays ? " and all after it" : "")"
    }
  }

  private static let words = 8
  private let memory: UnsafeMutablePointer<Int64>
  private let path: String

  init(_ place: Place) throws {
    path = place.base + "/faults"
    try Data(count: Self.words * 8).write(to: URL(fileURLWithPath: path))
    let file = Glibc.open(path, O_RDWR | O_CLOEXEC)
    guard file >= 0 else { throw Trouble("cannot open \(path)") }
    defer { close(file) }
    let mapped = mmap(nil, Self.words * 8, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
    guard let mapped, mapped != MAP_FAILED else { throw Trouble("cannot map \(path)") }
    memory = mapped.bindMemory(to: Int64.self, capacity: Self.words)
  }

  deinit { munmap(memory, Self.words * 8) }

  /// For a daemon that is to be watched.
  func environment(_ place: Place) -> [String: String] {
    [
      "LD_PRELOAD": place.program("libfaults.so"), "ASSAY_FAULTS_FOLDER": place.base,
      "ASSAY_FAULTS_CONTROL": path,
    ]
  }

  func arm(_ fault: Fault) {
    set(kinds: fault.kind.rawValue, which: fault.which, error: Int64(fault.errno), fault.stays)
  }

  /// The process is killed in its call number `which` of any kind.
  func armKill(which: Int64) {
    set(kinds: 1 | 2 | 4 | 8 | 16 | 32, which: which, error: -1, false)
  }

  /// Only counts.
  func count(_ kinds: Int64) { set(kinds: kinds, which: .max, error: EIO64, false) }

  func disarm() { memory[0] = 0 }

  /// The kinds that it is armed for.
  var kinds: Int64 { memory[0] }
  /// Calls since it was armed.
  var calls: Int64 { memory[4] }
  var failed: Int64 { memory[5] }
  /// Of the first failure: whether it was a file of the database.
  var failedInDatabase: Bool { (2...3).contains(memory[6]) }
  /// Monotonic nanoseconds of the first failure.
  var time: Int64 { memory[7] }

  private let EIO64 = Int64(EIO)

  private func set(kinds: Int64, which: Int64, error: Int64, _ stays: Bool) {
    memory[0] = 0
    memory[1] = which
    memory[2] = error
    memory[3] = stays ? 1 : 0
    for index in 4..<Self.words { memory[index] = 0 }
    memory[0] = kinds
  }
}
