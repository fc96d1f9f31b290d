// What is known of the terminal, and writing to it. Everything a command prints goes through here.

import Glibc

enum Terminal {
  static let isInteractive = isatty(STDOUT_FILENO) == 1
  static let style = Style.forTerminal(STDOUT_FILENO)

  /// Columns of the terminal now; nil if the output is not one.
  static var width: Int? { size?.columns }
  static var height: Int? { size?.rows }

  private static var size: (columns: Int, rows: Int)? {
    guard isInteractive else { return nil }
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
      return (80, 24)
    }
    return (Int(size.ws_col), max(2, Int(size.ws_row)))
  }

  static func print(_ lines: [String]) {
    guard !lines.isEmpty else { return }
    write(lines.joined(separator: "\n") + "\n")
  }

  static func print(_ line: String) { write(line + "\n") }

  static func print(_ table: TextTable) { print(table.lines(width: width, style: style)) }

  static func write(_ text: String) { write(Array(text.utf8), to: STDOUT_FILENO) }

  static func write(_ bytes: [UInt8]) { write(bytes, to: STDOUT_FILENO) }

  static func complain(_ text: String) { write(Array((text + "\n").utf8), to: STDERR_FILENO) }

  private static func write(_ bytes: [UInt8], to descriptor: Int32) {
    bytes.withUnsafeBytes { buffer in
      var rest = buffer[...]
      while !rest.isEmpty {
        let count = Glibc.write(
          descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if count >= 0 {
          rest = rest.dropFirst(count)
        } else if errno == EAGAIN {
          var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
          poll(&waiting, 1, -1)
        } else if errno != EINTR {
          // the reader has gone (`assay runs | head`): nobody is left to tell
          exit(errno == EPIPE ? 0 : 2)
        }
      }
    }
  }
}
