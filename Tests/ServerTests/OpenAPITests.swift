// The description of the API and the daemon's own table of routes say the same.

import Client
import Experiments
import Foundation
import Server
import Testing

@Suite(.serialized, .timeLimit(.minutes(5)))
struct OpenAPITests {
  @Test func everyRouteIsDescribedAndNothingElse() async throws {
    try await TestDaemon.with { daemon in
      let described = try await Self.described(daemon.client.schema("openapi"))
      let routes = daemon.daemon.routes.map { route, query in
        (route.replacing("...}", with: "}"), query.sorted())
      }
      #expect(Set(routes.map(\.0)) == Set(described.keys))
      for (route, query) in routes { #expect(described[route] == query, "\(route)") }
    }
  }

  @Test func everyReferenceHasItsSchema() async throws {
    try await TestDaemon.with { daemon in
      let document = try await daemon.client.schema("openapi")
      var references: Set<String> = []
      Self.collect(document, into: &references)
      #expect(references.count > 40)
      for reference in references {
        let path = reference.dropFirst(2).split(separator: "/").map(String.init)
        let target = path.reduce(Optional(document)) { $0?[$1] }
        #expect(target != nil, "\(reference)")
      }
    }
  }

  /// The query parameters of each `METHOD PATH`.
  private static func described(_ document: JSONValue) throws -> [String: [String]] {
    let paths = try #require(document["paths"]?.objectValue)
    var routes: [String: [String]] = [:]
    for (path, item) in paths {
      for (method, operation) in try #require(item.objectValue) {
        let parameters = operation["parameters"]?.arrayValue ?? []
        routes["\(method.uppercased()) \(path)"] =
          parameters.filter { $0["in"] == .string("query") }
          .compactMap { $0["name"]?.stringValue }.sorted()
      }
    }
    return routes
  }

  private static func collect(_ value: JSONValue, into references: inout Set<String>) {
    switch value {
    case .object(let members):
      if let reference = members["$ref"]?.stringValue { references.insert(reference) }
      for member in members.values { collect(member, into: &references) }
    case .array(let elements):
      for element in elements { collect(element, into: &references) }
    default: break
    }
  }
}
