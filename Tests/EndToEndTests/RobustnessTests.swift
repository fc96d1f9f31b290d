// The robustness programs' short forms.
import Testing

@Suite(.serialized, .timeLimit(.minutes(5)))
struct RobustnessTests {
  @Test func killsLoseAndDoubleNothing() async throws {
    let result = try await Programs.run(
      Programs.path("robustness"), ["killstorm", "--quick"])
    result.output.split(separator: "\n").filter { $0.hasPrefix("RESULT ") }.forEach { print($0) }
    #expect(result.status == 0, "\(result.output)\(result.errors)")
  }
}
