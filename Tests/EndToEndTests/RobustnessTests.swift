// The robustness programs' short forms.
import Testing

@Suite(.serialized, .timeLimit(.minutes(5)))
struct RobustnessTests {
  /// Where it takes root or a disk that cannot be had, the program says so and finds nothing.
  @Test(arguments: ["killstorm", "powercut", "faults", "migrations", "jobs"])
  func nothingIsLostOrDoubled(_ program: String) async throws {
    let result = try await Programs.run(Programs.path("robustness"), [program, "--quick"])
    result.output.split(separator: "\n").filter {
      $0.hasPrefix("RESULT ") || $0.hasPrefix("skipped")
    }.forEach { print($0) }
    #expect(result.status == 0, "\(result.output)\(result.errors)")
  }
}
