// The token that lets a client in over TCP: made once, kept in the data folder, readable by its owner
// alone.

import Foundation
import Glibc

enum TokenFile {
  static func path(dataFolder: String) -> String { dataFolder + "/assayd.token" }

  private static let bytes = 32

  /// The token of a data folder, which is made if there is none.
  /// - Throws: `ServerError` (`token_unusable`).
  static func token(dataFolder: String) throws -> String {
    let path = path(dataFolder: dataFolder)
    let made = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    if made >= 0 { return try write(to: made, path) }
    guard errno == EEXIST else { throw unusable(path, String(cString: strerror(errno))) }
    return try read(path)
  }

  private static func write(to descriptor: Int32, _ path: String) throws -> String {
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    var generator = SystemRandomNumberGenerator()
    let token = (0..<bytes).map { _ -> String in
      let byte = UInt8.random(in: 0...255, using: &generator)
      return (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }.joined()
    do {
      try handle.write(contentsOf: Data((token + "\n").utf8))
      try handle.synchronize()
    } catch {
      unlink(path)
      throw unusable(path, "\(error)")
    }
    return token
  }

  private static func read(_ path: String) throws -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { throw unusable(path, String(cString: strerror(errno))) }
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    let facts = try FileManager.default.attributesOfItem(atPath: path)
    guard facts[.type] as? FileAttributeType == .typeRegular else {
      throw unusable(path, "it is not a file")
    }
    let owner = (facts[.ownerAccountID] as? NSNumber)?.uint32Value
    let mode = (facts[.posixPermissions] as? NSNumber)?.uint32Value ?? 0o777
    guard owner == geteuid(), mode & 0o077 == 0 else {
      throw unusable(path, "it is open to other users")
    }
    let text = String(decoding: try handle.read(upToCount: 4096) ?? Data(), as: UTF8.self)
    let token = text.trimmingCharacters(in: .whitespacesAndNewlines)
    guard token.utf8.count >= bytes else { throw unusable(path, "it holds no token") }
    return token
  }

  private static func unusable(_ path: String, _ reason: String) -> ServerError {
    .token(path: path, reason: reason)
  }
}
