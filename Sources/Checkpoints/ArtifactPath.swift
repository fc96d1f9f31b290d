// The name of a file kept with a run. It is written to disk when an artifact is fetched, so it must
// not lead anywhere else.

package enum ArtifactPath {
  package static let maxCharacters = 500

  /// Accepts relative paths with `/` between their parts.
  /// - Throws: `artifact_path_invalid`.
  package static func validate(_ path: String) throws(CheckpointError) {
    func invalid(_ reason: String) -> CheckpointError { .pathInvalid(path: path, reason: reason) }
    guard !path.isEmpty else { throw invalid("it is empty") }
    guard path.unicodeScalars.count <= maxCharacters else {
      throw invalid("it has more than \(maxCharacters) characters")
    }
    for scalar in path.unicodeScalars {
      if scalar == "\\" { throw invalid("it contains a backslash") }
      if scalar.properties.generalCategory == .control {
        throw invalid("it contains a control character")
      }
    }
    guard path.utf8.first != UInt8(ascii: "/") else { throw invalid("it is not relative") }
    // Bytes, not characters: a combining mark after a slash would hide it in a character.
    for part in path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
      if part.isEmpty { throw invalid("a part of it is empty") }
      if part.elementsEqual(".".utf8) || part.elementsEqual("..".utf8) {
        throw invalid("it contains . or .. as a part")
      }
    }
  }
}
