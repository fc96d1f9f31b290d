// Kinds of writers: points one by one and in batches, runs with params and tags, jobs, checkpoints
// and artifacts.
import Checkpoints
import Experiments
import Foundation
import Wire

/// Runs that no job has made.
enum NewRun {
  static func request(uid: String, params: String = "{}") -> Request {
    Request(
      "POST", "/runs",
      json: """
        {"uid": "\(uid)", "name": "storm", "experiment": "robustness", "params": \(params)}
        """)
  }

  static func id(_ reply: HTTPConnection.Reply) throws -> Int64 {
    guard let id = try reply.object()["id"] as? NSNumber else {
      throw Trouble("a run without id: \(reply.text.prefix(200))")
    }
    return id.int64Value
  }
}

/// Begins with a run of its own, then writes to it.
class RunOwner: WriteMaker {
  var random: Random
  private(set) var run: Int64?
  private let uid: String

  init(_ random: Random) {
    self.random = random
    uid = self.random.hexadecimal(32)
  }

  func next() throws -> [Request] {
    guard let run else { return [NewRun.request(uid: uid)] }
    return try next(run)
  }

  func acknowledged(_ replies: [HTTPConnection.Reply]) throws -> Ledger.Fact {
    guard let run else {
      let id = try NewRun.id(replies[0])
      self.run = id
      return .run(id: id, uid: uid, params: [:])
    }
    return try acknowledged(run)
  }

  func next(_ run: Int64) throws -> [Request] { [] }
  func acknowledged(_ run: Int64) throws -> Ledger.Fact { .params(run: run, [:]) }
}

final class PointMaker: RunOwner {
  enum Form: Sendable { case single, rows(Int), columns(Int), binary(Int) }

  private static let keys = ["loss", "val_loss", "accuracy"]
  private let form: Form
  private var step: Int64 = 0
  private var sent: [(key: String, point: Ledger.Point)] = []

  init(_ form: Form, _ random: Random) {
    self.form = form
    super.init(random)
  }

  override func next(_ run: Int64) throws -> [Request] {
    sent = []
    let path = "/runs/\(run)/metrics"
    switch form {
    case .single:
      add(Self.keys[random.number(0...2)], 1)
      return [Request("POST", path, json: rows)]
    case .rows(let count):
      for key in Self.keys.prefix(2) { add(key, count / 2) }
      return [Request("POST", path, json: rows)]
    case .columns(let count):
      for key in Self.keys.prefix(2) { add(key, count / 2) }
      return [Request("POST", path, json: columns)]
    case .binary(let count):
      for key in Self.keys.prefix(2) { add(key, count / 2) }
      return [Request("POST", path, type: "application/vnd.assay.points", binary)]
    }
  }

  override func acknowledged(_ run: Int64) throws -> Ledger.Fact { .points(run: run, sent) }

  private func add(_ key: String, _ count: Int) {
    for _ in 0..<count {
      // Now and then a second point of the same step.
      if !random.oneIn(20) { step += 1 }
      let value: Double =
        switch random.number(1...60) {
        case 1: .nan
        case 2: .infinity
        case 3: -.infinity
        default: Double.random(in: -10...10, using: &random)
        }
      sent.append(
        (key, Ledger.Point(step: step, time: 1_700_000_000_000_000 + step * 977, value: value)))
    }
  }

  private static func text(_ value: Double) -> String {
    if value.isNaN { return "\"NaN\"" }
    return value.isFinite ? "\(value)" : value > 0 ? "\"Infinity\"" : "\"-Infinity\""
  }

  private var rows: String {
    let points = sent.map { key, point in
      """
      {"key": "\(key)", "step": \(point.step), "time": \(point.time), \
      "value": \(Self.text(point.value))}
      """
    }
    return "{\"points\": [\(points.joined(separator: ","))]}"
  }

  private var byKey: [(key: String, points: [Ledger.Point])] {
    Dictionary(grouping: sent, by: \.key).sorted { $0.key < $1.key }
      .map { ($0.key, $0.value.map(\.point)) }
  }

  private var columns: String {
    let series = byKey.map { key, points in
      """
      {"key": "\(key)", "steps": [\(points.map { "\($0.step)" }.joined(separator: ","))], \
      "times": [\(points.map { "\($0.time)" }.joined(separator: ","))], \
      "values": [\(points.map { Self.text($0.value) }.joined(separator: ","))]}
      """
    }
    return "{\"series\": [\(series.joined(separator: ","))]}"
  }

  private var binary: [UInt8] {
    func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
      withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }
    var body = Array("APT1".utf8) + bytes(UInt32(byKey.count))
    for (key, points) in byKey {
      body += bytes(UInt16(key.utf8.count)) + Array(key.utf8)
      body += bytes(UInt32(points.count)) + [0]
      for point in points { body += bytes(point.step) }
      for point in points { body += bytes(point.time) }
      for point in points { body += bytes(point.value.bitPattern) }
    }
    return body
  }
}

/// Makes runs, each with params, and then gives it more params and tags.
final class RunMaker: WriteMaker {
  private enum Kind { case run, params, tags }

  private var random: Random
  private var kind = Kind.run
  private var uid = ""
  private var run: Int64 = 0
  private var number = 0
  private var sent: [String: String] = [:]

  init(_ random: Random) { self.random = random }

  func next() throws -> [Request] {
    number += 1
    kind = run == 0 || random.oneIn(3) ? .run : random.oneIn(2) ? .params : .tags
    sent = [:]
    for index in 0..<3 { sent["group.p\(number).\(index)"] = "\(random.number(0...999_999))" }
    let numbers = "{" + sent.map { "\"\($0)\": \($1)" }.sorted().joined(separator: ", ") + "}"
    let texts = "{" + sent.map { "\"\($0)\": \"\($1)\"" }.sorted().joined(separator: ", ") + "}"
    switch kind {
    case .run:
      uid = random.hexadecimal(32)
      return [NewRun.request(uid: uid, params: numbers)]
    case .params: return [Request("POST", "/runs/\(run)/params", json: "{\"params\": \(numbers)}")]
    case .tags: return [Request("PATCH", "/runs/\(run)", json: "{\"tags\": \(texts)}")]
    }
  }

  func acknowledged(_ replies: [HTTPConnection.Reply]) throws -> Ledger.Fact {
    switch kind {
    case .run:
      run = try NewRun.id(replies[0])
      return .run(id: run, uid: uid, params: sent)
    case .params: return .params(run: run, sent)
    case .tags: return .tags(run: run, sent)
    }
  }
}

/// Submits jobs, of which the idle worker takes the first; the others wait.
final class JobMaker: WriteMaker {
  private var random: Random
  private var uids: [String] = []

  init(_ random: Random) { self.random = random }

  func next() throws -> [Request] {
    uids = (0..<random.number(1...3)).map { _ in random.hexadecimal(32) }
    let jobs = uids.map { "{\"uid\": \"\($0)\", \"spec\": \(Self.spec)}" }
    return [
      Request(
        "POST", "/jobs",
        json: """
          {"jobs": [\(jobs.joined(separator: ","))], \
          "context": {"directory": "/tmp", "user": "robustness"}}
          """)
    ]
  }

  func acknowledged(_ replies: [HTTPConnection.Reply]) throws -> Ledger.Fact { .jobs(uids) }

  private static let spec = """
    {"kind": "train", "name": "storm", "experiment": "robustness", \
    "dataset": {"type": "synthetic", "rows": 100, "features": 4}, \
    "model": [{"type": "dense", "units": 1, "activation": "sigmoid"}], \
    "loss": "binary_crossentropy", "epochs": 1}
    """
}

/// Uploads a checkpoint per epoch, and an artifact beside it.
final class ContentMaker: RunOwner {
  private let words: Int
  private var epoch = 0
  private var isArtifact = false
  private var sha256 = ""
  private var weights: [UInt8]

  /// - Parameter words: float32 numbers of the tensor that changes from epoch to epoch.
  init(words: Int = 8_000, _ random: Random) {
    self.words = words
    weights = []
    super.init(random)
    weights = self.random.bytes(4 * words)
  }

  override func next(_ run: Int64) throws -> [Request] {
    epoch += 1
    isArtifact = epoch.isMultiple(of: 2)
    return isArtifact ? try artifact(run) : try checkpoint(run)
  }

  override func acknowledged(_ run: Int64) throws -> Ledger.Fact {
    isArtifact
      ? .artifact(.init(run: run, name: path), sha256: sha256)
      : .checkpoint(.init(run: run, name: "\(epoch)"), sha256: sha256)
  }

  private var path: String { "files/\(epoch).bin" }

  private func artifact(_ run: Int64) throws -> [Request] {
    let (manifest, chunks) = try ArtifactCoder.encode(
      path: path, mediaType: "application/octet-stream",
      bytes: random.bytes(random.number(1_000...60_000)))
    sha256 = manifest.sha256
    return chunks.map { put($0, run) } + [
      Request(
        "POST", "/runs/\(run)/artifacts", type: "application/json",
        [UInt8](try WireCoding.encoder().encode(manifest)))
    ]
  }

  private func checkpoint(_ run: Int64) throws -> [Request] {
    for _ in 0..<words / 4 {
      weights[4 * random.number(0...words - 1)] = UInt8(truncatingIfNeeded: random.next())
    }
    let tensors = [
      Tensor(name: "dense.kernel", type: .f32, shape: [words], bytes: weights),
      Tensor(
        name: "dense.bias", type: .f32, shape: [16], bytes: [UInt8](repeating: 0, count: 64)),
    ]
    let (manifest, chunks) = try CheckpointCoder.encode(
      tensors: tensors, metadata: ["kind": "robustness"], epoch: epoch, step: Int64(epoch) * 10)
    sha256 = manifest.sha256
    return chunks.map { put($0, run) } + [
      Request(
        "POST", "/runs/\(run)/checkpoints", type: "application/json",
        [UInt8](try WireCoding.encoder().encode(manifest)))
    ]
  }

  private func put(_ chunk: EncodedChunk, _ run: Int64) -> Request {
    Request(
      "PUT",
      "/runs/\(run)/chunks/\(chunk.sha256)?codec=\(chunk.codec.rawValue)&raw_bytes=\(chunk.rawBytes)",
      type: "application/octet-stream", chunk.stored)
  }
}

extension WriterCrew {
  /// One of each kind.
  func startAll(_ random: inout Random) {
    start(seed: random.next()) { PointMaker(.single, $0) }
    start(seed: random.next()) { PointMaker(.single, $0) }
    start(seed: random.next()) { PointMaker(.rows(40), $0) }
    start(seed: random.next()) { PointMaker(.columns(200), $0) }
    start(seed: random.next()) { PointMaker(.binary(200), $0) }
    start(seed: random.next()) { RunMaker($0) }
    start(seed: random.next()) { JobMaker($0) }
    start(seed: random.next()) { ContentMaker($0) }
  }
}
