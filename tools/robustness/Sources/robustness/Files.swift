// Reading, writing and copying files.
import Foundation

enum Files {
  static func text(_ path: String) throws -> String {
    String(decoding: try bytes(path), as: UTF8.self)
  }

  static func bytes(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  /// Leaves it to the system when the bytes get to the disk; Foundation's writing does not.
  static func writeUnsynced(_ bytes: [UInt8], to path: String) throws {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw Trouble("cannot write \(path)") }
    defer { close(file) }
    guard write(file, bytes, bytes.count) == bytes.count else {
      throw Trouble("cannot write \(path)")
    }
  }

  static func copy(_ source: String, to target: String) throws {
    try FileManager.default.copyItem(atPath: source, toPath: target)
  }

  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Of a file; 0 if there is none.
  static func size(_ path: String) -> Int {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : 0
  }

  static func remove(_ path: String) {
    try? FileManager.default.removeItem(atPath: path)  // it may not be there
  }
}
