// Tells whoever started the daemon that it is ready, or why it is not: the ready line on standard
// output, and for `--background` a word through a pipe.

import Foundation
import Glibc

struct Announcement: Sendable {
  /// The pipe's end that a starter gave; it reads one line from it.
  let descriptor: Int32?

  init(descriptor: Int32?) {
    self.descriptor = descriptor
    if let descriptor { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
  }

  static let readyWord = "ready"

  static func readyLine(socketPath: String, dataFolder: String) -> String {
    "assayd is ready: \(socketPath), data in \(abbreviated(dataFolder))"
  }

  func ready(socketPath: String, dataFolder: String) {
    if descriptor == nil {
      write(Self.readyLine(socketPath: socketPath, dataFolder: dataFolder), to: STDOUT_FILENO)
    }
    tell(Self.readyWord)
  }

  func failed(_ problem: Problem) { tell(problem.text) }

  private func tell(_ text: String) {
    guard let descriptor else { return }
    write(text, to: descriptor)
    close(descriptor)
  }

  private func write(_ text: String, to descriptor: Int32) {
    // If nobody reads any more, nobody needs to know.
    _ = (text + "\n").withCString { Glibc.write(descriptor, $0, strlen($0)) }
  }

  /// `~/…` for what lies in the home folder.
  private static func abbreviated(_ path: String) -> String {
    let home = ProcessInfo.processInfo.environment["HOME"] ?? NSHomeDirectory()
    guard home != "/", path.hasPrefix(home + "/") else { return path }
    return "~" + path.dropFirst(home.count)
  }
}
