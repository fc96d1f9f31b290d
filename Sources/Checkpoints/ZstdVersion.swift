// The version of the zstd library that is loaded, for a run's environment and `assay version`.

import CZstd

package enum ZstdVersion {
  /// For example `1.5.4`.
  package static var text: String { String(cString: ZSTD_versionString()) }
}
