// Parcels on disk while the daemon is away: one file each, named by their order, made durable before
// the worker relies on them. Every call may wait for the disk.
import Experiments
import Foundation
import Jobs

struct Spool: Sendable {
  private let folder: String
  private var names: [String]
  private var nextNumber: Int

  /// Opens the spool of an attempt's folder with what is in it, oldest first.
  init(folder: String) throws {
    self.folder = folder
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    names = try FileManager.default.contentsOfDirectory(atPath: folder)
      .filter { $0.hasSuffix(".parcel") && !$0.hasPrefix(".") }.sorted()
    nextNumber = (names.last.flatMap { Int($0.dropLast(7)) } ?? 0) + 1
  }

  var isEmpty: Bool { names.isEmpty }

  /// Keeps a parcel, durably.
  mutating func append(_ parcel: Parcel) throws {
    let digits = String(nextNumber)
    let name = String(repeating: "0", count: max(0, 8 - digits.count)) + digits + ".parcel"
    try DurableFile().replace(folder + "/" + name, with: try ParcelFile.encode(parcel))
    names.append(name)
    nextNumber += 1
  }

  func first() throws -> Parcel? {
    guard let name = names.first else { return nil }
    return try ParcelFile.decode(try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name)))
  }

  mutating func removeFirst() throws {
    guard let name = names.first else { return }
    try FileManager.default.removeItem(atPath: folder + "/" + name)
    names.removeFirst()
  }
}
