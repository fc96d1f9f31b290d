// The care of the database while the daemon serves it: a backup, and the doctor's examination.

import Experiments
import HTTPTypes
import Store
import Wire

enum CareRoutes {
  private static let bodyBytes = 16 << 10

  static func endpoints(_ core: Core) -> [Endpoint] {
    let store = core.store
    return [
      Endpoint(.post, "/backup", bodyLimit: bodyBytes) { request in
        let order: BackupRequest = try await request.json()
        return try await ProgressStream.response { progress in
          try await store.backup(
            to: order.path, replacing: order.replace ?? false, progress: progress)
        }
      },
      Endpoint(.post, "/doctor") { _ in
        try await ProgressStream.response { progress in
          try await store.doctor(progress: progress)
        }
      },
    ]
  }
}
