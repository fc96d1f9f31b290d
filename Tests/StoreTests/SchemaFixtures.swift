// The databases of earlier schemas, and copies of them to work on.

import Foundation
import GRDB
import Store

enum SchemaFixtures {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appending(path: "Fixtures/schemas").path

  /// Names of the files, oldest first.
  static let all: [String] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasSuffix(".db") }.sorted()
  }()

  /// Runs `body` with a data folder that has a copy of the fixture as its database.
  static func with<Value>(_ name: String, _ body: (String) async throws -> Value) async throws
    -> Value
  {
    let data = TestStore.newFolder()
    try FileManager.default.createDirectory(
      atPath: data, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(atPath: data) }
    try FileManager.default.copyItem(
      atPath: folder + "/" + name, toPath: data + "/" + StoreFile.name)
    return try await body(data)
  }

  /// Opens a database as it is, for `body`.
  static func reading<Value>(
    _ data: String, _ body: (Database) throws -> Value
  ) throws -> Value {
    let queue = try DatabaseQueue(path: data + "/" + StoreFile.name)
    defer { try? queue.close() }  // only read
    return try queue.inDatabase(body)
  }
}
