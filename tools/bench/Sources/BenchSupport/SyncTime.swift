// The disk by itself, beside what the daemon makes of it.
import Foundation
import Glibc

/// How long the disk takes to make 4 KiB at the end of a file durable.
package enum SyncTime {
  package static func measure(in folder: String, count: Int, pause: Double = 0) async throws
    -> Times
  {
    let path = folder + "/sync-time"
    return try await onThread {
      let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
      guard file >= 0 else {
        throw StoreBenchFailure("\(path): \(String(cString: strerror(errno)))")
      }
      defer {
        close(file)
        unlink(path)
      }
      let block = [UInt8](repeating: 7, count: 4_096)
      return Times(
        (0..<max(1, count)).map { _ in
          if pause > 0 { usleep(UInt32(pause * 1e6)) }
          write(file, block, block.count)
          let start = ContinuousClock.now
          fdatasync(file)
          return (ContinuousClock.now - start) / .seconds(1)
        })
    }
  }
}
