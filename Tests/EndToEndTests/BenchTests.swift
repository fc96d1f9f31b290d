// The benchmarks' short forms: that they run and find no wrong answer. Their times are printed and
// asserted nowhere: a busy machine is no bug.
import Foundation
import Testing

@Suite(.serialized, .timeLimit(.minutes(3)))
struct BenchTests {
  @Test func theQueriesBenchmarkGetsRightAnswers() async throws {
    let result = try await Programs.run(Programs.path("bench-queries"), ["--quick"])
    let figures = result.output.split(separator: "\n").filter { $0.hasPrefix("RESULT ") }
    figures.forEach { print($0) }
    #expect(figures.count == 7, "\(result.output)\(result.errors)")
    let right = figures.filter {
      $0.contains("\"wrong_answers\"") && $0.contains("\"holds\": true")
    }
    #expect(right.count == 1, "\(result.output)\(result.errors)")
  }

  @Test func theQueueBenchmarkLosesNoJob() async throws {
    let result = try await Programs.run(Programs.path("bench-queue"), ["--quick"])
    let figures = result.output.split(separator: "\n").filter { $0.hasPrefix("RESULT ") }
    figures.forEach { print($0) }
    let names = [
      "enqueued_missing", "submission_full_to_empty", "start_full_to_empty",
      "health_p99_beside_trainings", "true_jobs_to_task_spooler",
    ]
    for name in names {
      #expect(
        figures.contains { $0.contains("\"\(name)\"") }, "\(result.output)\(result.errors)")
    }
    #expect(result.status == 0, "\(result.output)\(result.errors)")
  }

  @Test func theStoreBenchmarkLosesNoPoint() async throws {
    let result = try await Programs.run(
      Programs.path("bench-store"), ["--quick", "--only", "ingest,size,series"])
    let figures = result.output.split(separator: "\n").filter { $0.hasPrefix("RESULT ") }
    figures.forEach { print($0) }
    let names = ["points_missing", "size", "history_p50", "long_series_in_full", "ready"]
    for name in names {
      #expect(
        figures.contains { $0.contains("\"\(name)\"") }, "\(result.output)\(result.errors)")
    }
    #expect(result.status == 0, "\(result.output)\(result.errors)")
  }
}
