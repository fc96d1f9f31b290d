// Queues: their slots, and whether their jobs start.

import Experiments
import HTTPTypes
import Store
import Wire

enum QueueRoutes {
  static func endpoints(_ core: Core) -> [Endpoint] {
    [
      Endpoint(.get, "/queues") { _ in
        try Reply.json(Page(items: try await core.store.queues()))
      },
      Endpoint(.put, "/queues/{queue}", bodyLimit: Limits.specBytes) { request in
        let wish = try await request.json(QueueRequest.self)
        return try Reply.json(
          try await core.store.setQueue(try request.text("queue"), slots: wish.slots))
      },
      Endpoint(.post, "/queues/{queue}/pause") { request in
        try Reply.json(
          try await core.store.setPaused(queue: try request.text("queue"), true))
      },
      Endpoint(.post, "/queues/{queue}/resume") { request in
        try Reply.json(
          try await core.store.setPaused(queue: try request.text("queue"), false))
      },
      Endpoint(.delete, "/queues/{queue}") { request in
        try await core.store.removeQueue(try request.text("queue"))
        return try Reply.acknowledged
      },
    ]
  }
}
