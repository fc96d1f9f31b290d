// Versions of what the daemon is built on, for `assay status`.

import Checkpoints
import Store
import Wire

enum Libraries {
  static func versions(_ store: Store) -> [String: String] {
    ["assay": AssayVersion.text, "sqlite": store.sqliteVersion, "zstd": ZstdVersion.text]
  }
}
