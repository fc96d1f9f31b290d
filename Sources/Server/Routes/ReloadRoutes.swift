// Reading the daemon's settings anew.

import Experiments
import HTTPTypes
import Wire

enum ReloadRoutes {
  static func endpoints(_ core: Core) -> [Endpoint] {
    [
      Endpoint(.post, "/reload") { _ in
        try await ProgressStream.response { _ in try await core.reloading.reload() }
      }
    ]
  }
}
