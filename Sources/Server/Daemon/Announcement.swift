// Tells whoever started the daemon that it is ready, or why it is not: the ready line on standard
// output, and for `--background` a word through a pipe.

import Foundation
import Glibc
import Synchronization

package final class Announcement: Sendable {
  /// The pipe's end that a starter gave, who reads one line from it.
  private let descriptor: Int32?
  /// The pipe is closed with the one word that is said. Its number is soon that of another file, such
  /// as the database's log, so nothing may ever be written to it again.
  private let hasSpoken = Atomic(false)

  package init(descriptor: Int32?) {
    self.descriptor = descriptor
    if let descriptor { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
  }

  package static let readyWord = "ready"

  package static func readyLine(socketPath: String, dataFolder: String) -> String {
    "assayd is ready: \(socketPath), data in \(abbreviated(dataFolder))"
  }

  package func ready(socketPath: String, dataFolder: String) {
    if descriptor == nil {
      write(Self.readyLine(socketPath: socketPath, dataFolder: dataFolder), to: STDOUT_FILENO)
    }
    tell(Self.readyWord)
  }

  /// Why it will not get ready; after `ready` this says nothing.
  package func failed(_ text: String) { tell(text) }

  private func tell(_ text: String) {
    guard let descriptor, !hasSpoken.exchange(true, ordering: .sequentiallyConsistent) else {
      return
    }
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
