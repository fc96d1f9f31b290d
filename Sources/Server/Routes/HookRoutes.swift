// Hooks: adding and removing them, trying one out, and what became of their deliveries.

import Experiments
import Hooks
import HTTPTypes
import Store
import Wire

enum HookRoutes {
  static func endpoints(_ core: Core) -> [Endpoint] {
    [
      Endpoint(.get, "/hooks") { _ in
        try Reply.json(Page(items: try await core.store.hooks()))
      },
      Endpoint(.post, "/hooks", bodyLimit: Limits.specBytes) { request in
        let body = try await request.json(HookRequest.self)
        if let path = body.secretFile, path.hasPrefix("/") {
          // Whoever adds it is to hear now what would fail later.
          do { _ = try SecretFile.read(path) } catch {
            throw StoreError.invalidValue(field: "secret_file", message: "\(error)")
          }
        }
        let hook = Store.NewHook(
          name: body.name, events: body.events, command: body.command, url: body.url,
          secretFile: body.secretFile,
          timeoutSeconds: body.timeoutSeconds ?? HookRequest.defaultTimeoutSeconds)
        return try Reply.json(try await core.store.addHook(hook), status: .created)
      },
      Endpoint(.delete, "/hooks/{hook}") { request in
        try await core.store.deleteHook(try request.text("hook"))
        return try Reply.acknowledged
      },
      Endpoint(.post, "/hooks/{hook}/test") { request in
        try Reply.json(try await core.store.testHook(try request.text("hook")))
      },
      Endpoint(.get, "/hooks/{hook}/deliveries", query: ["limit", "cursor"]) { request in
        let limit = try request.limit()
        let deliveries = try await core.store.deliveries(
          hook: try request.text("hook"), limit: limit,
          before: try request.integer("cursor", in: 1...Int64.max))
        return try Reply.json(
          Page(items: deliveries, next: Cursor.next(deliveries, limit: limit, id: \.id)))
      },
    ]
  }
}
