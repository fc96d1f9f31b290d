// What coding states costs with what anybody has at hand: zstd by itself, and after a byte shuffle.
import Checkpoints
import Experiments

extension CheckpointBench {
  enum Peer {
    struct Result: CustomStringConvertible {
      let ratio: Double
      let rate: Double
      var description: String {
        "\((ratio * 1000).rounded() / 1000) at \(Int(rate)) MB/s"
      }
    }

    /// zstd's level 1, as chunks of bytes are coded.
    static func plainZstd(_ tensors: [Tensor]) throws -> Result {
      try coded(tensors) { $0 }
    }

    static func shuffledZstd(_ tensors: [Tensor]) throws -> Result {
      try coded(tensors) { bytes in
        let words = bytes.count / 4
        var result = bytes
        for word in 0..<words {
          for place in 0..<4 { result[place * words + word] = bytes[4 * word + place] }
        }
        return result
      }
    }

    private static func coded(
      _ tensors: [Tensor], _ prepare: ([UInt8]) -> [UInt8]
    ) throws -> Result {
      var raw = 0
      var stored = 0
      var time = 0.0
      for tensor in tensors {
        for start in stride(from: 0, to: tensor.bytes.count, by: ChunkCoder.maxBytes) {
          let end = min(start + ChunkCoder.maxBytes, tensor.bytes.count)
          let piece = prepare(Array(tensor.bytes[start..<end]))
          raw += piece.count
          time += try CheckpointBench.threadSeconds {
            stored += try ChunkCoder.encode(piece).stored.count
          }
        }
      }
      return Result(
        ratio: Double(raw) / Double(stored), rate: Double(raw) / time / 1e6)
    }
  }
}
