// A daemon in a temporary folder, and the trainings that checkpoints are measured with.
import BenchSupport
import Client
import Experiments
import Foundation
import Wire

struct CheckpointBenchDaemon {
  let client: AssayClient
  private let folder: String
  private let programs: String

  init(programs: String) async throws {
    self.programs = programs
    folder = FileManager.default.temporaryDirectory.path + "/assay-bench-\(UUID().uuidString)"
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    client = AssayClient(socketPath: folder + "/assay.sock")
    let started = try await Processes.run(
      programs + "/assayd", ["--background", "--slots", "1"], environment)
    guard started.status == 0 else { throw BenchFailure("assayd did not start: \(started.output)") }
  }

  private var environment: [String: String] {
    ["ASSAY_SOCKET": folder + "/assay.sock", "ASSAY_DATA": folder + "/data"]
  }

  func stop() async {
    await client.shutdown()
    do {
      _ = try await Processes.run(programs + "/assayd", ["stop"], environment)
      try FileManager.default.removeItem(atPath: folder)
    } catch {
      print("what was left in \(folder) stays: \(error)")
    }
  }

  /// Submits a job and waits for its end.
  func finished(_ spec: JSONValue) async throws -> Job {
    let job = try await client.submit(
      SubmitRequest(
        jobs: [SubmittedJob(uid: Identifier(at: WallClock.system.now()), spec: spec)],
        context: SubmitContext(directory: folder, user: "bench"))
    ).jobs[0]
    while true {
      let now = try await client.job(job.id)
      if now.state == .finished { return now }
      guard !now.state.isFinal else {
        throw BenchFailure("a training ended \(now.state.rawValue): \(now.failure?.message ?? "")")
      }
      try await Task.sleep(for: .milliseconds(20))
    }
  }

  /// Seconds from the first epoch's end to the last one's, by the worker's own clock.
  func trainingWall(_ spec: JSONValue) async throws -> Double {
    let job = try await finished(spec)
    let history = try await client.history(String(job.runId ?? 0), key: "loss")
    guard let first = history.times.first, let last = history.times.last else {
      throw BenchFailure("a training has no loss")
    }
    return Double(last.microseconds - first.microseconds) / 1e6
  }

  /// 784-512-512-10 with Adam on rows like those of handwritten digits, 32 at a time.
  func wide(rows: Int, epochs: Int, seed: UInt64) throws -> JSONValue {
    let file = folder + "/wide-\(rows).csv"
    if !FileManager.default.fileExists(atPath: file) {
      try Self.digits(rows: rows, seed: seed).write(to: URL(fileURLWithPath: file))
    }
    return try Self.json(
      """
      {"kind": "train", "name": "wide", "seed": 7,
       "dataset": {"type": "csv", "path": "\(file)", "target": "digit"},
       "model": [{"type": "dense", "units": 512, "activation": "relu"},
         {"type": "dense", "units": 512, "activation": "relu"},
         {"type": "dense", "units": 10, "activation": "softmax"}],
       "loss": "sparse_categorical_crossentropy", "optimizer": {"type": "adam"},
       "metrics": ["accuracy"], "epochs": \(epochs), "batch_size": 32,
       "checkpoints": {"every": 1, "full_every": 1}}
      """)
  }

  /// The spec of the documentation.
  func reference(rows: Int, epochs: Int) throws -> JSONValue {
    try Self.json(
      """
      {"kind": "train", "name": "reference", "seed": 7,
       "dataset": {"type": "synthetic", "rows": \(rows), "features": 100},
       "model": [{"type": "dense", "units": 64, "activation": "relu"},
         {"type": "dense", "units": 32, "activation": "relu"},
         {"type": "dense", "units": 1, "activation": "sigmoid"}],
       "loss": "binary_crossentropy", "optimizer": {"type": "adam"},
       "metrics": ["accuracy", "precision", "recall", "f1"], "epochs": \(epochs),
       "batch_size": 32}
      """)
  }

  private static func json(_ text: String) throws -> JSONValue {
    try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
  }

  /// Each class has an image; each row is one, with noise over it and sometimes a wrong label.
  private static func digits(rows: Int, seed: UInt64) -> Data {
    var state = seed
    func next() -> UInt64 {  // SplitMix64
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
    let images = (0..<7840).map { _ in Int(next() % 160) }
    var text = (0..<784).map { "p\($0)" }.joined(separator: ",") + ",digit\n"
    text.reserveCapacity(rows * 784 * 4)
    for _ in 0..<rows {
      let digit = Int(next() % 10)
      for pixel in 0..<784 {
        let noise = Int(next() % 255) + Int(next() % 255) - 255
        text += String(min(255, max(0, images[784 * digit + pixel] / 2 + noise))) + ","
      }
      text += "d\(next() % 10 == 0 ? Int(next() % 10) : digit)\n"
    }
    return Data(text.utf8)
  }
}

extension JSONValue {
  /// With one member of an object changed.
  func with(_ key: String, _ value: JSONValue) -> JSONValue {
    guard case .object(var members) = self else { return self }
    members[key] = value
    return .object(members)
  }
}
