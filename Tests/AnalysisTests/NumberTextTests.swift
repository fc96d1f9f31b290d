// Numbers as people read them.

import Analysis
import Testing

struct NumberTextTests {
  @Test(
    arguments: [
      (0.8714, 3, "0.871"), (0.8715, 0, "1"), (-0.031, 3, "-0.031"), (-0.0001, 3, "0.000"),
      (1234.5, 1, "1234.5"), (0, 2, "0.00"), (0.999, 2, "1.00"), (.nan, 2, "NaN"),
      (-.infinity, 2, "-Infinity"), (1e300, 2, "1e+300"), (0.05, 20, "0.050000000000000"),
    ] as [(Double, Int, String)])
  func fixed(value: Double, places: Int, expected: String) {
    #expect(NumberText.fixed(value, places: places) == expected)
  }

  @Test(
    arguments: [
      (0, "0"), (1, "1.00"), (0.301, "0.301"), (0.00012345, "0.000123"), (123_456, "123456"),
      (-12.34, "-12.3"), (9.996, "10.0"), (0.9999, "1.00"), (1.5e-7, "1.50e-7"),
      (2.5e20, "2.50e20"), (1e-300, "1.00e-300"),
      (.leastNonzeroMagnitude, "4.94e-324"), (.nan, "NaN"), (.infinity, "Infinity"),
    ] as [(Double, String)])
  func significant(value: Double, expected: String) {
    #expect(NumberText.significant(value) == expected)
  }

  @Test(
    arguments: [
      ("step_time", 29e-6, "29.0 µs"), ("wall_seconds", 12, "12.0 s"),
      ("wall_seconds", 0.25, "250 ms"), ("step_time", 0, "0 ns"),
      ("peak_rss_bytes", 118e6, "118 MB"), ("peak_rss_bytes", 12, "12.0 B"),
      ("test_f1", 0.8714, "0.871"), ("step_time", .nan, "NaN"),
    ] as [(String, Double, String)])
  func withUnits(metric: String, value: Double, expected: String) {
    #expect(NumberText.value(value, of: metric) == expected)
  }
}
