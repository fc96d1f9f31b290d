// The worker's own words: lines on standard error, which is the attempt's output file.
import Foundation
import Glibc

enum WorkerLog {
  static func write(_ text: String) {
    let line = Array("\(Date().formatted(.iso8601)) \(text)\n".utf8)
    // Not by FileHandle, which traps when the disk is full: a line that cannot be written is no
    // reason to stop working.
    _ = Glibc.write(STDERR_FILENO, line, line.count)
  }
}
