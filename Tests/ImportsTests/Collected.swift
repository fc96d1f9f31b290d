// What a source gives, gathered, and the expected values from the JSON files of the fixtures.

import Experiments
import Foundation
import Imports
import Testing

struct Collected {
  struct Run {
    var run: FoundRun
    var params: [String: String]
    var tags: [String: String]
    var points: [String: [[String]]] = [:]
    var artifacts: [String: Int64] = [:]
    var status: RunStatus?
    var endedAt: Timestamp?
    var pieces = 0
  }

  var runs: [Identifier: Run] = [:]
  var order: [Identifier] = []
  var skipped: [Skipped] = []

  init(_ source: any ImportSource, known: [Identifier: String] = [:]) throws {
    var (runs, order, skipped) = (runs, order, skipped)
    try source.read(known: { known[$0] }) { item in
      switch item {
      case .run(let run):
        runs[run.uid] = Run(run: run, params: run.params, tags: run.tags)
        order.append(run.uid)
      case .params(let uid, let params): runs[uid]?.params.merge(params) { $1 }
      case .tags(let uid, let tags): runs[uid]?.tags.merge(tags) { $1 }
      case .points(let uid, let series):
        runs[uid]?.pieces += 1
        for one in series {
          #expect(one.isRectangular)
          for index in 0..<one.count {
            runs[uid]?.points[one.key, default: []].append(
              Self.point(one.steps[index], one.times[index], one.values[index]))
          }
        }
      case .artifact(let uid, let artifact):
        runs[uid]?.artifacts[artifact.path] = artifact.bytes
        #expect(FileManager.default.fileExists(atPath: artifact.file))
      case .end(let uid, let status, let time):
        runs[uid]?.status = status
        runs[uid]?.endedAt = time
      case .skipped(let one): skipped.append(one)
      case .progress: break
      }
    }
    (self.runs, self.order, self.skipped) = (runs, order, skipped)
  }

  /// The only run.
  var only: Run {
    get throws {
      #expect(runs.count == 1)
      return try #require(runs.values.first)
    }
  }

  func run(named name: String) throws -> Run {
    try #require(runs.values.first { $0.run.name == name })
  }

  static func point(_ step: Int64, _ time: Int64, _ value: Double) -> [String] {
    ["\(step)", time == PointSeries.noTime ? "-" : "\(time)", MetricValue.text(value)]
  }

  /// Sorted as points are compared, whatever their order was.
  static func sorted(_ points: [[String]]?) -> [String] {
    (points ?? []).map { $0.joined(separator: " ") }.sorted()
  }
}

enum Fixture {
  static func path(_ name: String, file: String = #filePath) -> String {
    URL(fileURLWithPath: file).deletingLastPathComponent().appendingPathComponent(
      "Fixtures/\(name)"
    )
    .path
  }

  static func json(_ name: String) throws -> JSONValue {
    let data = try Data(contentsOf: URL(fileURLWithPath: path(name)))
    return try JSONDecoder().decode(JSONValue.self, from: data)
  }

  /// A new folder with a file in it, gone after `body`.
  @discardableResult
  static func withFile<Result>(
    _ name: String, _ bytes: some Sequence<UInt8>, _ body: (String) throws -> Result
  ) throws -> Result {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("assay-imports-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }  // only a temporary folder
    let file = folder.appendingPathComponent(name)
    try Data(bytes).write(to: file)
    return try body(file.path)
  }
}

extension JSONValue {
  /// A metric's value as the fixtures write it.
  var metricText: String? {
    stringValue ?? doubleValue.map(MetricValue.text)
  }
}
