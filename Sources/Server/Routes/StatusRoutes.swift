// Whether the daemon lives, how it is, and the schemas of what it takes and gives.

import Experiments
import HTTPTypes
import Store
import Wire

enum StatusRoutes {
  static func endpoints(_ core: Core) -> [Endpoint] {
    [
      Endpoint(.get, "/health") { _ in
        try Reply.json(Health(ok: true, version: AssayVersion.text, pid: core.facts.pid))
      },
      Endpoint(.get, "/status") { _ in
        let counts = try await core.store.status()
        let facts = core.facts
        return try Reply.json(
          DaemonStatus(
            version: AssayVersion.text, pid: facts.pid, startedAt: facts.startedAt,
            socket: facts.socketPath, dataFolder: facts.dataFolder,
            databaseBytes: counts.databaseBytes, slots: await core.supervisor.slots,
            slotsInUse: await core.supervisor.slotsInUse,
            jobsByState: Dictionary(
              uniqueKeysWithValues: counts.jobsByState.map { ($0.key.rawValue, $0.value) }),
            runs: counts.runs, schedules: counts.schedules, libraries: facts.libraries))
      },
      Endpoint(.get, "/schemas") { _ in
        try Reply.json(Page(items: EmbeddedTexts.all.map { Self.name($0.name) }))
      },
      Endpoint(.get, "/schemas/{name}") { request in
        let name = try request.text("name")
        guard let schema = EmbeddedTexts.all.first(where: { Self.name($0.name) == name }) else {
          throw ServerError.schemaNotFound(name: name)
        }
        return Reply.bytes(Array(schema.text.utf8), contentType: "application/json")
      },
    ]
  }

  private static func name(_ file: String) -> String {
    file.hasSuffix(".json") ? String(file.dropLast(5)) : file
  }
}
