// What `assayd doctor` finds, and beside it what SQLite itself says of the file.
import Foundation
import GRDB

enum StoreCheck {
  /// One of the doctor's findings.
  struct Problem: Sendable, CustomStringConvertible {
    let kind: String
    let run: Int64?
    let thing: String
    let message: String

    var description: String { "\(kind): \(thing): \(message)" }
  }

  /// What the doctor complains about. With a daemon running it is that one which looks.
  static func doctor(_ place: Place, environment: [String: String] = [:]) throws -> [String] {
    do {
      return try problems(place, environment: environment).map(\.description)
    } catch let trouble as Trouble {
      return [trouble.description]
    }
  }

  /// - Throws: `Trouble` if it could not look, or names no problem although it has one.
  static func problems(
    _ place: Place, environment: [String: String] = [:]
  ) throws -> [Problem] {
    let result = try ChildProcess.run(
      place.program("assayd"),
      ["doctor", "--json", "--data", place.data, "--socket", place.socket],
      environment: environment, output: place.base + "/doctor.out")
    switch result.exit {
    case .code(0): return []
    case .code(1):
      let problems = problems(result.output)
      guard !problems.isEmpty else {
        throw Trouble("the doctor names no problem: \(result.output)")
      }
      return problems
    default: throw Trouble("the doctor ended with \(result.exit): \(result.output)")
    }
  }

  private static func problems(_ output: String) -> [Problem] {
    guard let start = output.firstIndex(of: "{"),
      let object = try? JSONSerialization.jsonObject(with: Data(output[start...].utf8)),
      let problems = (object as? [String: Any])?["problems"] as? [[String: Any]]
    else { return [] }
    return problems.map { problem in
      Problem(
        kind: problem["kind"] as? String ?? "", run: (problem["run"] as? NSNumber)?.int64Value,
        thing: problem["thing"] as? String ?? "", message: problem["message"] as? String ?? "")
    }
  }

  /// Structure, references between tables, and counts of references between chunks.
  static func sqlite(_ database: String) throws -> [String] {
    let queue = try DatabaseQueue(path: database)
    defer { try? queue.close() }  // nothing was written
    return try queue.read { db in
      var problems = try String.fetchAll(db, sql: "PRAGMA integrity_check").filter { $0 != "ok" }
      for row in try Row.fetchAll(db, sql: "PRAGMA foreign_key_check") {
        problems.append("foreign key: \(row)")
      }
      let wrong = try Int.fetchOne(
        db,
        sql: """
          SELECT count(*) FROM chunks c WHERE reference_count <>
            (SELECT count(*) FROM checkpoint_chunks x WHERE x.chunk_id = c.id) +
            (SELECT count(*) FROM artifact_chunks x WHERE x.chunk_id = c.id) +
            (SELECT count(*) FROM chunks x WHERE x.base_chunk_id = c.id)
          """)
      if let wrong, wrong > 0 { problems.append("\(wrong) chunks with a wrong reference count") }
      return problems
    }
  }
}
