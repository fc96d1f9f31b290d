// Versions of what the daemon is built on, for `assay status`.

import Checkpoints
import Wire

enum Libraries {
  static func versions() -> [String: String] {
    ["assay": AssayVersion.text, "zstd": ZstdVersion.text]
  }
}
