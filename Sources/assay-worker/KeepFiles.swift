// Keeps the files that a command job's spec names as artifacts of its run. assay-runner starts this
// when the program has ended. What cannot be sent now lies in the spool when this returns.
import Checkpoints
import Client
import Experiments
import Foundation
import Glibc
import Jobs
import Wire

struct KeepFiles {
  let folder: AttemptFolder

  /// 0: all is sent or in the spool; 1: something is not.
  func run() async throws -> Int32 {
    guard let order = try folder.readOrder() else { throw WorkerError.noOrder(folder.path) }
    guard case .command(let spec) = try JobSpec.parse(order.spec).work else {
      throw WorkerError.unsupportedKind(.train)
    }
    let outbox = Outbox()
    let delivery = try Delivery(
      client: AssayClient(socketPath: order.socketPath, token: order.token),
      attempt: order.attemptId, outbox: outbox, gauge: Gauge(), folder: folder, cost: { Cost() })
    let found = KeptPaths(directory: spec.directory, paths: spec.keep)
    var isWhole = found.complaints.isEmpty
    for complaint in found.complaints { WorkerLog.write(complaint) }
    for file in found.files {
      do {
        let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: file.source)))
        let (manifest, chunks) = try ArtifactCoder.encode(
          path: file.path, mediaType: MediaType.of(file.path), bytes: bytes)
        outbox.putAtOnce(.artifact(manifest, chunks))
      } catch {
        WorkerLog.write("\(file.path) is not kept: \(Failures.describe(error).message)")
        isWhole = false
      }
      // One file in memory at a time.
      await delivery.deliver()
    }
    var pause = Duration.milliseconds(100)
    while await delivery.refusal == nil, !outbox.isEmpty {
      try await Task.sleep(for: pause)
      pause = min(pause * 2, .seconds(2))
      await delivery.deliver()
    }
    if let refusal = await delivery.refusal {
      throw Failure(code: refusal.code, message: refusal.message)
    }
    return isWhole ? 0 : 1
  }
}

/// The files below a folder that a spec's `keep` means.
struct KeptPaths {
  struct File {
    /// As an artifact: relative to the folder.
    let path: String
    /// Where it really lies.
    let source: String
  }

  private(set) var files: [File] = []
  private(set) var complaints: [String] = []
  private let root: String

  init(directory: String, paths: [String]) {
    guard let root = Self.real(directory) else {
      self.root = directory
      complaints = ["nothing is kept: \(directory) is not there"]
      return
    }
    self.root = root
    for path in paths {
      let path = path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
      take(path, isNamed: true)
    }
  }

  private mutating func take(_ path: String, isNamed: Bool) {
    let place = path.isEmpty ? root : root + "/" + path
    // Through no link to somewhere else.
    guard let source = Self.real(place) else {
      if isNamed { complaints.append("\(path) is not there, so it is not kept") }
      return
    }
    guard source == root || source.hasPrefix(root + "/") else {
      complaints.append("\(path) leads out of \(root), so it is not kept")
      return
    }
    var info = stat()
    guard stat(source, &info) == 0 else { return }
    switch info.st_mode & S_IFMT {
    case S_IFREG:
      guard files.count < Limits.keptFiles else {
        if files.count == Limits.keptFiles, complaints.last?.hasPrefix("more than") != true {
          complaints.append("more than \(Limits.keptFiles) files: the others are not kept")
        }
        return
      }
      files.append(File(path: path, source: source))
    case S_IFDIR:
      // A link to a folder may lead round in circles.
      var own = stat()
      guard isNamed || lstat(place, &own) == 0 && own.st_mode & S_IFMT == S_IFDIR else { return }
      do {
        for name in try FileManager.default.contentsOfDirectory(atPath: source).sorted() {
          take(path.isEmpty ? name : path + "/" + name, isNamed: false)
        }
      } catch {
        complaints.append("\(path) cannot be read, so it is not kept")
      }
    default: break
    }
  }

  private static func real(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }
}
