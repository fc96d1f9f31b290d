// A folder of a test's own, removed after it.

import Foundation
import Glibc

enum TemporaryFolder {
  static func with<Result>(_ body: (String) throws -> Result) throws -> Result {
    let path = try make()
    defer { remove(path) }
    return try body(path)
  }

  static func with<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    let path = try make()
    defer { remove(path) }
    return try await body(path)
  }

  static func names(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  private static func make() throws -> String {
    let path = NSTemporaryDirectory() + "/assay-jobs-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return URL(filePath: path).resolvingSymlinksInPath().path()
  }

  private static func remove(_ path: String) {
    do { try FileManager.default.removeItem(atPath: path) } catch {}
  }
}
