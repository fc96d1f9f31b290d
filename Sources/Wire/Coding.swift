// How every value looks on the wire: JSON with keys in snake case, times in integer microseconds,
// non-finite numbers as the strings "NaN", "Infinity" and "-Infinity".
import Experiments
package import Foundation

package enum WireCoding {
  package static func encoder() -> JSONEncoder {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    return encoder
  }

  package static func decoder() -> JSONDecoder {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    return decoder
  }
}

/// The version of what worker and daemon say to each other; a worker of another one is refused.
package enum WorkerProtocol {
  package static let version = Versions.workerProtocol
}

/// The version of Assay itself.
package enum AssayVersion {
  package static let text = Versions.assay
}
