// A store with checkpoints of real trainings (whole ones, differences, snapshots) and artifacts, and
// where each chunk of them lies in its file.
import Checkpoints
import Foundation
import GRDB

struct FlipStore {
  /// A checkpoint or an artifact.
  struct Thing: Sendable {
    let run: Int64
    /// As the doctor and errors name it.
    let name: String
    let path: String
    /// A snapshot of an epoch whose whole state is kept, too, is not given out until that goes: only
    /// the doctor reads it.
    let isHidden: Bool
    let sha256: String
    /// Of its chunks and all that they are differences to.
    fileprivate(set) var chunks: Set<Int64>
  }

  struct Chunk: Sendable {
    let id: Int64
    let data: [UInt8]
    /// Of the things that need it.
    let users: [Int]
  }

  let place: Place
  private(set) var things: [Thing] = []
  /// Those that something needs which can be read.
  private(set) var chunks: [Chunk] = []
  let file: [UInt8]

  /// Trains, uploads, and stops the daemon.
  init(_ options: Options, _ random: inout Random) throws {
    place = try Place(programs: options.programs)
    let daemon = try DaemonProcess(place, worker: place.program("assay-worker"))
    let connection = HTTPConnection(place.socket)
    try Self.train(connection, jobs: options.quick ? 2 : 4, &random)
    let content = ContentMaker(Random(seed: random.next()))
    let large = ContentMaker(words: 400_000, Random(seed: random.next()))
    for _ in 0..<(options.quick ? 16 : 120) { _ = try FilledStore.send(content, connection) }
    for _ in 0..<6 { _ = try FilledStore.send(large, connection) }
    let exit = daemon.stop()
    let left = Files.size(place.database + "-wal")
    guard exit == .code(0), left == 0 else {
      let end = exit.map { "\($0)" } ?? "no end"
      throw Trouble("\(end) at SIGTERM, and \(left) bytes of the write-ahead log")
    }
    file = try Files.bytes(place.database)
    let queue = try DatabaseQueue(path: place.database)
    defer { try? queue.close() }  // nothing was written
    let (things, chunks) = try queue.read { try Self.content($0) }
    self.things = things
    self.chunks = chunks
  }

  private static func train(
    _ connection: HTTPConnection, jobs: Int, _ random: inout Random
  ) throws {
    let specs = (0..<jobs).map { _ in
      """
      {"uid": "\(random.hexadecimal(32))", "spec": {"kind": "train", "name": "flips", \
      "seed": \(random.number(1...1_000)), \
      "dataset": {"type": "synthetic", "rows": 600, "features": \(random.number(20...200))}, \
      "model": [{"type": "dense", "units": \(random.number(16...160)), "activation": "relu"}, \
      {"type": "dense", "units": 1, "activation": "sigmoid"}], \
      "loss": "binary_crossentropy", "epochs": 16, \
      "checkpoints": {"every": 1, "full_every": \(random.number(2...6))}}}
      """
    }
    let reply = try connection.send(
      Request(
        "POST", "/jobs",
        json: """
          {"jobs": [\(specs.joined(separator: ","))], \
          "context": {"directory": "/tmp", "user": "robustness"}}
          """))
    guard reply.isSuccess else { throw Trouble("no training: \(reply.text)") }
    let end = Moment.now + 120
    while true {
      let jobs = try connection.get("/jobs").object()["items"] as? [[String: Any]] ?? []
      let states = jobs.map { $0["state"] as? String ?? "" }
      if states.contains(where: { ["failed", "lost", "timed_out"].contains($0) }) {
        throw Trouble("a training did not finish: \(states)")
      }
      if states.count == specs.count, states.allSatisfy({ $0 == "finished" }) { return }
      guard Moment.now < end else { throw Trouble("the trainings take too long: \(states)") }
      usleep(50_000)
    }
  }

  private static func content(_ db: Database) throws -> ([Thing], [Chunk]) {
    var bases: [Int64: Int64] = [:]
    for row in try Row.fetchAll(
      db, sql: "SELECT id, base_chunk_id FROM chunks WHERE base_chunk_id IS NOT NULL")
    {
      bases[row[0]] = row[1]
    }
    func needs(_ list: String) throws -> Set<Int64> {
      var all: Set<Int64> = []
      for var id in try Int64.fetchAll(db, sql: list) {
        all.insert(id)
        while let base = bases[id] {
          all.insert(base)
          id = base
        }
      }
      return all
    }
    var things: [Thing] = []
    let checkpoints = try Row.fetchAll(
      db,
      sql: """
        SELECT c.id, c.run_id, c.kind, c.epoch, c.sha256, c.kind = 'snapshot' AND EXISTS (
          SELECT 1 FROM checkpoints w WHERE w.run_id = c.run_id AND w.epoch = c.epoch
            AND w.kind = 'checkpoint')
        FROM checkpoints c ORDER BY c.id
        """)
    for row in checkpoints {
      let epoch: Int64 = row[3]
      things.append(
        Thing(
          run: row[1], name: "\(row[2] as String) of epoch \(epoch)",
          path: "/runs/\(row[1] as Int64)/checkpoints/\(epoch)/file", isHidden: row[5],
          sha256: row[4],
          chunks: try needs(
            "SELECT chunk_id FROM checkpoint_chunks WHERE checkpoint_id = \(row[0] as Int64)")))
    }
    for row in try Row.fetchAll(db, sql: "SELECT id, run_id, path, sha256 FROM artifacts") {
      let path: String = row[2]
      things.append(
        Thing(
          run: row[1], name: "artifact \"\(path)\"",
          path: "/runs/\(row[1] as Int64)/artifacts/\(path)", isHidden: false, sha256: row[3],
          chunks: try needs(
            "SELECT chunk_id FROM artifact_chunks WHERE artifact_id = \(row[0] as Int64)")))
    }
    var chunks: [Chunk] = []
    for row in try Row.fetchAll(db, sql: "SELECT id, data FROM chunks ORDER BY id") {
      let id: Int64 = row[0]
      let users = things.indices.filter { things[$0].chunks.contains(id) }
      if !users.allSatisfy({ things[$0].isHidden }) {
        chunks.append(Chunk(id: id, data: [UInt8](row[1] as Data), users: users))
      }
    }
    return (things, chunks)
  }

  // MARK: Places in the file

  private static let window = 48

  /// Where a byte of a chunk lies: found by what stands around it, which must be there only once. Nil
  /// where it is not, as at the seam of two pages in a few bytes of content.
  func offset(of byte: Int, in chunk: Chunk) -> Int? {
    for before in [Self.window / 2, 0, Self.window] {
      let start = max(0, byte - before)
      let end = min(chunk.data.count, start + Self.window + 1)
      guard end > byte else { continue }
      let first = find(chunk.data[start..<end], from: 0)
      guard let first, find(chunk.data[start..<end], from: first + 1) == nil else { continue }
      return first + byte - start
    }
    return nil
  }

  private func find(_ bytes: ArraySlice<UInt8>, from start: Int) -> Int? {
    file.withUnsafeBytes { file in
      bytes.withUnsafeBytes { wanted in
        guard let base = file.baseAddress, let needle = wanted.baseAddress else { return nil }
        var position = start
        while position + wanted.count <= file.count {
          let rest = file.count - wanted.count + 1 - position
          guard let found = memchr(base + position, Int32(wanted[0]), rest) else { return nil }
          position = UnsafeRawPointer(found) - base
          if memcmp(found, needle, wanted.count) == 0 { return position }
          position += 1
        }
        return nil
      }
    }
  }
}
