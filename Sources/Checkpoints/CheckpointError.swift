// What can be wrong with a checkpoint, an artifact or a safetensors file. Every case says which
// part is meant, and none of them is a trap: all of it may come from outside.

import Experiments

package enum CheckpointError: Error, Sendable, Equatable {
  /// The file ends before what its header promises.
  case fileTruncated(have: Int, need: Int)
  case headerTooLong(bytes: UInt64)
  case headerInvalid(reason: String, offset: Int)
  case typeUnsupported(tensor: String, type: String)
  case shapeInvalid(tensor: String, shape: [Int])
  case offsetsInvalid(tensor: String, reason: String)
  case nameInvalid(name: String)
  case duplicateName(name: String)
  /// A tensor's bytes are not as many as its type and shape say.
  case sizeMismatch(tensor: String, have: Int, need: Int)
  case chunkTooLarge(bytes: Int)
  /// All tensors of a checkpoint together.
  case checkpointTooLarge(bytes: Int64)
  /// A chunk does not give the bytes that its hash names. `part` is what it belongs to.
  case chunkDamaged(sha256: String, part: String, reason: String)
  /// A chunk would be too many differences away from one that is stored whole.
  case chunkChainTooLong(sha256: String, limit: Int)
  case compressionFailed(reason: String)
  case manifestInvalid(field: String, reason: String)
  /// All chunks are as their hashes say, but together they are not what the manifest says.
  case contentDamaged(part: String, expected: String, found: String)
  case pathInvalid(path: String, reason: String)
  case mediaTypeInvalid(text: String)
  case artifactTooLarge(path: String, bytes: Int)
}

extension CheckpointError {
  /// Stable; what programs compare with.
  package var code: String {
    switch self {
    case .fileTruncated: "safetensors_truncated"
    case .headerTooLong: "safetensors_header_too_long"
    case .headerInvalid: "safetensors_header_invalid"
    case .typeUnsupported: "tensor_type_unsupported"
    case .shapeInvalid: "tensor_shape_invalid"
    case .offsetsInvalid: "tensor_offsets_invalid"
    case .nameInvalid: "tensor_name_invalid"
    case .duplicateName: "tensor_duplicate"
    case .sizeMismatch: "tensor_size_mismatch"
    case .chunkTooLarge: "chunk_too_large"
    case .checkpointTooLarge: "checkpoint_too_large"
    case .chunkDamaged: "chunk_damaged"
    case .chunkChainTooLong: "chunk_chain_too_long"
    case .compressionFailed: "compression_failed"
    case .manifestInvalid: "manifest_invalid"
    case .contentDamaged: "content_damaged"
    case .pathInvalid: "artifact_path_invalid"
    case .mediaTypeInvalid: "media_type_invalid"
    case .artifactTooLarge: "artifact_too_large"
    }
  }

  /// What is wrong, in one sentence with the offending value.
  package var message: String {
    switch self {
    case .fileTruncated(let have, let need):
      "the safetensors file has \(have) bytes where \(need) are needed"
    case .headerTooLong(let bytes):
      "the safetensors header claims \(bytes) bytes; the limit is \(SafetensorsHeader.maxBytes)"
    case .headerInvalid(let reason, let offset):
      "the safetensors header is not valid at byte \(offset): \(reason)"
    case .typeUnsupported(let tensor, let type):
      "tensor \(quoted(tensor)) has the type \(quoted(type)); it must be one of "
        + TensorTypeNames.all
    case .shapeInvalid(let tensor, let shape):
      "tensor \(quoted(tensor)) has the shape \(shape), which no memory can hold"
    case .offsetsInvalid(let tensor, let reason):
      "tensor \(quoted(tensor)) has wrong data_offsets: \(reason)"
    case .nameInvalid(let name):
      "\(quoted(name)) cannot be the name of a tensor"
    case .duplicateName(let name):
      "the name \(quoted(name)) occurs twice"
    case .sizeMismatch(let tensor, let have, let need):
      "tensor \(quoted(tensor)) has \(have) bytes where its type and shape need \(need)"
    case .chunkTooLarge(let bytes):
      "a chunk of \(bytes) bytes is over the limit"
    case .checkpointTooLarge(let bytes):
      "the checkpoint has \(bytes) bytes, which is over the limit"
    case .chunkDamaged(let sha256, let part, let reason):
      "chunk \(sha256.prefix(64)) of \(part) is damaged: \(reason)"
    case .chunkChainTooLong(let sha256, let limit):
      "chunk \(sha256.prefix(64)) is more than \(limit) differences away from a whole one"
    case .compressionFailed(let reason):
      "compression failed: \(reason)"
    case .manifestInvalid(let field, let reason):
      "the manifest's \(field) is not valid: \(reason)"
    case .contentDamaged(let part, let expected, let found):
      "\(part) has the SHA-256 \(found) where its manifest says \(expected.prefix(64))"
    case .pathInvalid(let path, let reason):
      "\(quoted(path)) cannot be an artifact's path: \(reason)"
    case .mediaTypeInvalid(let text):
      "\(quoted(text)) is not a media type"
    case .artifactTooLarge(let path, let bytes):
      "artifact \(quoted(path)) has \(bytes) bytes, which is over the limit"
    }
  }

  /// What to do about it, where that is known.
  package var hint: String? {
    switch self {
    case .fileTruncated: "was it copied or downloaded completely?"
    case .headerTooLong, .headerInvalid: "is it a safetensors file?"
    case .typeUnsupported: "convert the tensor before saving it"
    case .chunkDamaged, .contentDamaged:
      "the storage or memory is faulty; restore a backup or use another checkpoint"
    case .chunkChainTooLong: "send it whole, or as the difference to another base"
    case .chunkTooLarge: "a chunk has at most \(ChunkCoder.maxBytes) bytes"
    case .checkpointTooLarge: "a checkpoint has at most \(Limits.checkpointBytes) bytes"
    case .pathInvalid: "use a relative path such as plots/roc.png"
    case .mediaTypeInvalid: "use one such as text/csv"
    case .artifactTooLarge: "an artifact has at most \(ArtifactCoder.maxBytes) bytes"
    case .shapeInvalid, .offsetsInvalid, .nameInvalid, .duplicateName, .sizeMismatch,
      .compressionFailed, .manifestInvalid:
      nil
    }
  }

  /// Names come from outside, so a message shows no more than their beginning.
  private func quoted(_ text: String) -> String {
    let shown = text.prefix(80)
    return "\"\(shown)\(shown.endIndex == text.endIndex ? "" : "…")\""
  }
}

extension CheckpointError: CustomStringConvertible {
  package var description: String { "\(code): \(message)" }
}
