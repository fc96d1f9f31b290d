// Parcels on disk while the daemon is away: one file each, named by their order, made durable before
// the worker relies on them. Every call may wait for the disk. Of states that it will not be told to
// keep the daemon hears nothing, so that a training does not fill the disk while nobody listens.
import Checkpoints
import Experiments
import Foundation
import Jobs

struct Spool: Sendable {
  private let folder: String
  private var names: [String]
  private var nextNumber: Int
  private let keepLast: Int?
  /// The states that this process has put in, by the names of their files.
  private var states: [String: Held] = [:]

  private struct Held {
    let isBest: Bool
    /// Whether there are more than weights in it, and whether those are to stay.
    var isWhole: Bool
    let keepsWhole: Bool
  }

  /// Opens the spool of an attempt's folder with what is in it, oldest first.
  /// - Parameter keepLast: how many of the newest epochs are kept; nil for all.
  init(folder: String, keepLast: Int? = nil) throws {
    self.folder = folder
    self.keepLast = keepLast
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
    try replace(name, by: parcel)
    names.append(name)
    nextNumber += 1
    guard case .state(let state) = parcel else { return }
    do {
      try thin(before: state)
    } catch {
      // It takes more room than it need.
      WorkerLog.write("an older state stays in the spool: \(error)")
    }
    states[name] = Held(
      isBest: state.isBest, isWhole: state.whole != nil, keepsWhole: state.keepsWhole)
  }

  /// As the outbox does with what waits in memory: of the states, only the newest and the best stay
  /// whole, and those that are to stay whole for good; and the newest few stay at all, if no more are
  /// kept.
  private mutating func thin(before state: KeptState) throws {
    var newer = 1
    var hasBest = state.isBest
    for name in names.reversed() {
      guard var held = states[name] else { continue }
      let isBest = held.isBest && !hasBest
      hasBest = hasBest || isBest
      if !isBest, let keepLast, newer >= max(1, keepLast) {
        try leaveHashes(name)
        states[name] = nil
      } else if !isBest && !held.keepsWhole && held.isWhole {
        try becomeSnapshot(name)
        held.isWhole = false
        states[name] = held
      }
      newer += 1
    }
  }

  private func becomeSnapshot(_ name: String) throws {
    guard case .checkpoint(let manifest, let chunks, let hashes) = try parcel(name),
      let snapshot = manifest.snapshot
    else { return }
    let needed = Set(snapshot.tensors.flatMap(\.chunks))
    try replace(
      name, by: .checkpoint(snapshot, chunks.filter { needed.contains($0.sha256) }, hashes))
  }

  private func leaveHashes(_ name: String) throws {
    guard case .checkpoint(_, _, let hashes) = try parcel(name) else { return }
    try replace(name, by: .epochs(hashes))
  }

  private func parcel(_ name: String) throws -> Parcel {
    try ParcelFile.decode(try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name)))
  }

  private func replace(_ name: String, by parcel: Parcel) throws {
    try DurableFile().replace(folder + "/" + name, with: try ParcelFile.encode(parcel))
  }

  func first() throws -> Parcel? {
    guard let name = names.first else { return nil }
    return try parcel(name)
  }

  mutating func removeFirst() throws {
    guard let name = names.first else { return }
    try FileManager.default.removeItem(atPath: folder + "/" + name)
    names.removeFirst()
    states[name] = nil
  }
}
