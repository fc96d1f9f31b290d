// The calls on the file system that durability rests on, as values, so that a test can fail any one
// of them. Each returns a result or a negative errno, and is repeated when a signal interrupts it.

import Glibc

package struct FileCalls: Sendable {
  package var open: @Sendable (_ path: String, _ flags: Int32, _ mode: UInt32) -> Int32
  /// Bytes written, at least one.
  package var write: @Sendable (_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int
  package var fsync: @Sendable (_ descriptor: Int32) -> Int32
  package var rename: @Sendable (_ from: String, _ to: String) -> Int32
  package var link: @Sendable (_ from: String, _ to: String) -> Int32
  package var unlink: @Sendable (_ path: String) -> Int32

  /// The kernel's own.
  package static let system = FileCalls(
    open: { path, flags, mode in
      Self.repeating { Glibc.open(path, flags | O_CLOEXEC, mode) }
    },
    write: { descriptor, bytes in
      Self.repeating { Glibc.write(descriptor, bytes.baseAddress, bytes.count) }
    },
    fsync: { descriptor in Self.repeating { Glibc.fsync(descriptor) } },
    rename: { from, to in Self.repeating { Glibc.rename(from, to) } },
    link: { from, to in Self.repeating { Glibc.link(from, to) } },
    unlink: { path in Self.repeating { Glibc.unlink(path) } })

  private static func repeating<Number: SignedInteger>(_ call: () -> Number) -> Number {
    while true {
      let result = call()
      if result >= 0 { return result }
      if errno != EINTR { return Number(-errno) }
    }
  }
}
