// The file of the daemon's socket. Whatever else lies at its path is left alone: only the socket that
// this process has bound is ever removed.

import Foundation
import Glibc
import Synchronization

final class SocketFile: Sendable {
  private struct Place: Equatable {
    let device: UInt64
    let number: UInt64
  }

  let path: String
  private let bound = Mutex<Place?>(nil)

  init(path: String) { self.path = path }

  /// The path is free, or has a socket that an earlier daemon left, which binding replaces.
  /// - Throws: `ServerError` (`socket_path_taken`, `socket_unusable`).
  static func check(_ path: String) throws {
    let attributes: [FileAttributeKey: Any]
    do {
      // Of a link itself, not of what it leads to.
      attributes = try FileManager.default.attributesOfItem(atPath: path)
    } catch let error as CocoaError where error.code == .fileReadNoSuchFile {
      return
    } catch {
      throw ServerError.socket(path: path, reason: error.localizedDescription)
    }
    guard attributes[.type] as? FileAttributeType == .typeSocket else {
      throw ServerError.socketPathTaken(path: path)
    }
  }

  /// What lies at the path now is this process's socket.
  func isBound() {
    bound.withLock { $0 = place() }
  }

  /// Removes the socket if it is still the one that was bound.
  func remove() {
    bound.withLock { bound in
      if let own = bound, place() == own { unlink(path) }
      bound = nil
    }
  }

  /// Nil unless a socket is there.
  private func place() -> Place? {
    // What cannot be looked at is not ours.
    guard let attributes = try? FileManager.default.attributesOfItem(atPath: path),
      attributes[.type] as? FileAttributeType == .typeSocket,
      let device = attributes[.systemNumber] as? NSNumber,
      let number = attributes[.systemFileNumber] as? NSNumber
    else { return nil }
    return Place(device: device.uint64Value, number: number.uint64Value)
  }
}
