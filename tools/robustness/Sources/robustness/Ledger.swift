// What the daemon has acknowledged: written down by each writer the moment the answer is there, and
// compared with the database afterwards.
import Synchronization

final class Ledger: Sendable {
  struct Series: Hashable, Sendable {
    let run: Int64
    let key: String
  }

  struct Point: Hashable, Sendable {
    let step: Int64
    /// Microseconds since 1970.
    let time: Int64
    private let bits: UInt64

    init(step: Int64, time: Int64, value: Double) {
      self.step = step
      self.time = time
      bits = value.isNaN ? Double.nan.bitPattern : value == 0 ? 0 : value.bitPattern
    }

    var value: Double { Double(bitPattern: bits) }
  }

  struct Place: Hashable, Sendable {
    let run: Int64
    /// A checkpoint's epoch or an artifact's path.
    let name: String
  }

  enum Fact: Sendable {
    case points(run: Int64, [(key: String, point: Point)])
    case run(id: Int64, uid: String, params: [String: String])
    case params(run: Int64, [String: String])
    case tags(run: Int64, [String: String])
    case jobs([String])
    case checkpoint(Place, sha256: String)
    case artifact(Place, sha256: String)
  }

  struct Contents: Sendable {
    var points: [Series: Set<Point>] = [:]
    /// By uid, with their number.
    var runs: [String: Int64] = [:]
    var params: [Int64: [String: String]] = [:]
    var tags: [Int64: [String: String]] = [:]
    var jobs: Set<String> = []
    /// With the hash of their content.
    var checkpoints: [Place: String] = [:]
    var artifacts: [Place: String] = [:]

    var pointCount: Int { points.values.reduce(0) { $0 + $1.count } }
    var paramCount: Int { params.values.reduce(0) { $0 + $1.count } }

    mutating func add(_ fact: Fact) {
      switch fact {
      case .points(let run, let added):
        for (key, point) in added { points[Series(run: run, key: key), default: []].insert(point) }
      case .run(let id, let uid, let added):
        runs[uid] = id
        params[id, default: [:]].merge(added) { $1 }
      case .params(let run, let added): params[run, default: [:]].merge(added) { $1 }
      case .tags(let run, let added): tags[run, default: [:]].merge(added) { $1 }
      case .jobs(let uids): jobs.formUnion(uids)
      case .checkpoint(let place, let sha256): checkpoints[place] = sha256
      case .artifact(let place, let sha256): artifacts[place] = sha256
      }
    }
  }

  private let state = Mutex(Contents())

  func acknowledge(_ fact: Fact) { state.withLock { $0.add(fact) } }

  /// It has been removed for good.
  func forget(run: Int64) {
    state.withLock { contents in
      contents.points = contents.points.filter { $0.key.run != run }
      contents.runs = contents.runs.filter { $0.value != run }
      contents.params[run] = nil
      contents.tags[run] = nil
      contents.checkpoints = contents.checkpoints.filter { $0.key.run != run }
      contents.artifacts = contents.artifacts.filter { $0.key.run != run }
    }
  }

  var contents: Contents { state.withLock { $0 } }
}
