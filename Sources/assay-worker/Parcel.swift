// What a worker has to tell the daemon, in order. A parcel that could not be delivered is kept in
// the attempt's spool as a file, and sent later by this worker or by `assay-worker --flush`.
import Checkpoints
import Experiments
import Foundation
import Wire

enum Parcel: Sendable {
  case dataset(DatasetInfo)
  case metrics([MetricPoint])
  /// Not encoded yet: that happens off the training thread.
  case state(KeptState)
  case epochs([EpochHash])
  case checkpoint(CheckpointManifest, [EncodedChunk], [EpochHash])
  case artifact(ArtifactManifest, [EncodedChunk])
  case finish(FinishAttempt)

  /// For people.
  var name: String {
    switch self {
    case .dataset: "the dataset's description"
    case .metrics: "a batch of metrics"
    case .state(let state): "the checkpoint of epoch \(state.epoch)"
    case .epochs: "the hashes of epochs"
    case .checkpoint(let manifest, _, _): "the checkpoint of epoch \(manifest.epoch)"
    case .artifact(let manifest, _): "the artifact \(manifest.path)"
    case .finish: "the end of the attempt"
    }
  }

  /// About how many bytes of memory it holds.
  var weight: Int {
    switch self {
    case .dataset, .finish: 1_024
    case .metrics(let points): points.count * 96
    case .state(let state): state.tensors.reduce(0) { $0 + $1.bytes.count }
    case .epochs(let hashes): hashes.count * 128
    case .checkpoint(_, let chunks, _), .artifact(_, let chunks):
      chunks.reduce(0) { $0 + $1.stored.count }
    }
  }
}

/// The file form of a parcel: a JSON header with the length of each chunk, a line feed, and the
/// chunks' stored bytes.
struct ParcelFile: Codable {
  var dataset: DatasetInfo?
  var metrics: [MetricPoint]?
  var checkpoint: CheckpointManifest?
  var artifact: ArtifactManifest?
  var finish: FinishAttempt?
  var epochs: [EpochHash]?
  var chunks: [ContentHeader.Chunk] = []

  static func encode(_ parcel: Parcel) throws -> Data {
    var file = ParcelFile()
    var chunks: [EncodedChunk] = []
    switch parcel {
    case .dataset(let info): file.dataset = info
    case .metrics(let points): file.metrics = points
    case .state(let state):
      // By itself: it may be long until it is sent, and its base gone by then.
      var sequence = CheckpointSequence(keepLast: nil)
      let encoded = try state.encoded(by: &sequence)
      file.checkpoint = encoded.manifest
      file.epochs = state.hashes
      chunks = encoded.chunks
    case .epochs(let hashes): file.epochs = hashes
    case .checkpoint(let manifest, let encoded, let hashes):
      file.checkpoint = manifest
      file.epochs = hashes
      chunks = encoded
    case .artifact(let manifest, let encoded):
      file.artifact = manifest
      chunks = encoded
    case .finish(let finish): file.finish = finish
    }
    file.chunks = chunks.map {
      ContentHeader.Chunk(
        sha256: $0.sha256, rawBytes: $0.rawBytes, codec: $0.codec, base: $0.base,
        storedBytes: $0.stored.count)
    }
    var data = try WireCoding.encoder().encode(file)
    data.append(0x0A)
    for chunk in chunks { data.append(contentsOf: chunk.stored) }
    return data
  }

  static func decode(_ data: Data) throws -> Parcel {
    guard let end = data.firstIndex(of: 0x0A) else { throw WorkerError.damagedSpool }
    let file = try WireCoding.decoder().decode(ParcelFile.self, from: data[..<end])
    var chunks: [EncodedChunk] = []
    var position = data.index(after: end)
    for header in file.chunks {
      guard header.storedBytes >= 0, data.endIndex - position >= header.storedBytes else {
        throw WorkerError.damagedSpool
      }
      chunks.append(
        EncodedChunk(
          sha256: header.sha256, rawBytes: header.rawBytes, codec: header.codec,
          base: header.base, stored: Array(data[position..<(position + header.storedBytes)])))
      position += header.storedBytes
    }
    if let info = file.dataset { return .dataset(info) }
    if let points = file.metrics { return .metrics(points) }
    if let manifest = file.checkpoint { return .checkpoint(manifest, chunks, file.epochs ?? []) }
    if let manifest = file.artifact { return .artifact(manifest, chunks) }
    if let hashes = file.epochs { return .epochs(hashes) }
    if let finish = file.finish { return .finish(finish) }
    throw WorkerError.damagedSpool
  }
}
