// How soon ten thousand and a hundred thousand runs answer: filter + order by a metric, a hundred
// whole runs as JSON, through the daemon's socket over one connection. Every answer is compared with
// what the same filter finds among the numbers that the store was filled with.
import BenchSupport
import Experiments
import Foundation
import Store

enum QueryBench {
  static let name = "queries"

  static func run(_ options: BenchOptions, _ figures: inout Figures) async throws {
    let peer = try await peer(options)
    let small = QueryStore(runs: options.quick ? 500 : 10_000, epochs: options.quick ? 5 : 100)
    try await measure(small, "queries", options, &figures, p50: 4, p95: 10, peer)
    let large = QueryStore(runs: options.quick ? 2_000 : 100_000, epochs: 1)
    try await measure(large, "queries_large", options, &figures, p50: 20, p95: nil, nil)
  }

  private static func measure(
    _ data: QueryStore, _ name: String, _ options: BenchOptions, _ figures: inout Figures,
    p50 goal50: Double, p95 goal95: Double?, _ peer: (p50: Double, p95: Double)?
  ) async throws {
    print(
      "filling a store with \(data.runs) runs x 10 params x 5 metrics x \(data.epochs) points …")
    let folder = "/tmp/assay-bench-" + UUID().uuidString.lowercased().prefix(8)
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(atPath: folder) }  // a leftover fails nothing
    try await data.fill(folder: folder + "/data")
    let environment = [
      "ASSAY_DATA": folder + "/data", "ASSAY_SOCKET": folder + "/s/assay.sock",
    ]
    let started = try await Processes.run(
      options.programs + "/assayd", ["--background"], environment)
    guard started.status == 0 else { throw QueryBenchFailure("assayd: \(started.output)") }
    do {
      let times = try ask(data, folder + "/s/assay.sock", rounds: options.quick ? 3 : 40, &figures)
      report(times, name, &figures, goal50, goal95, peer, isQuick: options.quick)
    } catch {
      _ = try await Processes.run(options.programs + "/assayd", ["stop"], environment)
      throw error
    }
    _ = try await Processes.run(options.programs + "/assayd", ["stop"], environment)
  }

  /// The milliseconds of every request but the first round's; wrong answers become a figure.
  private static func ask(
    _ data: QueryStore, _ socket: String, rounds: Int, _ figures: inout Figures
  ) throws -> [Double] {
    let connection = try KeepAliveConnection(socket: socket)
    var all: [Double] = []
    var wrong = 0
    var own: [String: [Double]] = [:]
    for round in 0...rounds {
      for question in QueryStore.questions {
        let start = ContinuousClock.now
        let body = try connection.get(question.path)
        let milliseconds = (ContinuousClock.now - start) / .milliseconds(1)
        if round == 0 {
          let expected = data.answer(question)
          let found = try Self.ids(body)
          if found != Array(expected.prefix(100)) {
            wrong += 1
            print("wrong: \(question.expression): \(found.prefix(5)) for \(expected.prefix(5))")
          }
          continue
        }
        all.append(milliseconds)
        own[question.expression, default: []].append(milliseconds)
      }
    }
    for question in QueryStore.questions {
      let times = (own[question.expression] ?? []).sorted()
      let share = Double(data.answer(question).count) / Double(data.runs) * 100
      print(
        "  \(Figures.rounded(percentile(times, 50))) ms, p95 "
          + "\(Figures.rounded(percentile(times, 95))): \(question.expression) "
          + "(\(Figures.rounded(share)) % of the runs) by \(question.order)")
    }
    figures.add(
      "queries_wrong_of_\(data.runs)", Double(wrong), unit: "answers", goal: "0",
      holds: wrong == 0)
    return all.sorted()
  }

  private static func report(
    _ times: [Double], _ name: String, _ figures: inout Figures, _ goal50: Double,
    _ goal95: Double?, _ peer: (p50: Double, p95: Double)?, isQuick: Bool
  ) {
    let (p50, p95) = (percentile(times, 50), percentile(times, 95))
    figures.add(
      "\(name)_p50", p50, unit: "ms", goal: "<= \(goal50)", holds: isQuick ? nil : p50 <= goal50)
    figures.add(
      "\(name)_p95", p95, unit: "ms", goal: goal95.map { "<= \($0)" } ?? "none",
      holds: isQuick ? nil : goal95.map { p95 <= $0 })
    guard goal95 != nil else { return }
    figures.add(
      "\(name)_p50_ratio_mlflow", peer.map { $0.p50 / p50 } ?? .nan, unit: "times",
      goal: "> 1", holds: peer.map { $0.p50 > p50 })
    figures.add(
      "\(name)_p95_ratio_mlflow", peer.map { $0.p95 / p95 } ?? .nan, unit: "times",
      goal: "> 1", holds: peer.map { $0.p95 > p95 })
  }

  private static func percentile(_ sorted: [Double], _ percent: Int) -> Double {
    sorted.isEmpty ? .nan : sorted[min(sorted.count - 1, sorted.count * percent / 100)]
  }

  private static func ids(_ body: [UInt8]) throws -> [Int64] {
    struct Page: Decodable {
      struct Item: Decodable { let id: Int64 }
      let items: [Item]
    }
    return try JSONDecoder().decode(Page.self, from: Data(body)).items.map(\.id)
  }

  // MARK: The peer

  /// MLflow's own search of as many runs; nil where it is not asked for or cannot be had.
  private static func peer(_ options: BenchOptions) async throws -> (p50: Double, p95: Double)? {
    let scripts = "tools/bench/peers"
    guard let folder = options.peers,
      FileManager.default.fileExists(atPath: scripts + "/mlflow_query.py")
    else { return nil }
    let installed = try await Processes.run(scripts + "/mlflow-peer", [folder], [:])
    guard installed.status == 0,
      let python = installed.output.split(separator: "\n").last.map(String.init)
    else {
      print("MLflow is not there: \(installed.output)")
      return nil
    }
    let result = try await Processes.run(
      python,
      [
        scripts + "/mlflow_query.py", "--runs", options.quick ? "500" : "10000", "--folder", folder,
        "--no-server", "--histories", "1",
      ], [:])
    struct Line: Decodable {
      let name: String
      let value: Double
    }
    var values: [String: Double] = [:]
    for line in result.output.split(separator: "\n") where line.hasPrefix("{") {
      // Other lines are what people read.
      if let figure = try? JSONDecoder().decode(Line.self, from: Data(line.utf8)) {
        values[figure.name] = figure.value
        print("  \(figure.name): \(Figures.rounded(figure.value))")
      }
    }
    guard let p50 = values["mlflow_search_p50"], let p95 = values["mlflow_search_p95"] else {
      print("MLflow's search was not measured: \(result.output.suffix(500))")
      return nil
    }
    return (p50, p95)
  }
}

struct QueryBenchFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
