// Sparklines: scale, gaps, and peaks that survive being made shorter.

import Analysis
import Testing

struct SparklineTests {
  @Test(
    arguments: [
      ([], 10, ""),
      ([1, 2], 0, ""),
      ([1, 2], -1, ""),
      ([0, 1, 2, 3, 4, 5, 6, 7], 8, "▁▂▃▄▅▆▇█"),
      ([7, 0], 20, "█▁"),
      ([3, 3, 3], 3, "▄▄▄"),
      ([5], 3, "▄"),
      ([1, .nan, 2], 3, "▁·█"),
      ([.nan, .nan], 3, "··"),
      ([.nan, .nan, .nan, .nan], 2, "··"),
      ([0, .infinity, 1, -.infinity], 4, "▁██▁"),
      ([.infinity], 4, "█"),
      ([-1.7e308, 0, 1.7e308], 3, "▁▅█"),
      ([1, 2, 3], 1, "█"),
    ] as [([Double], Int, String)])
  func theTextIs(values: [Double], width: Int, expected: String) {
    #expect(Sparkline.text(values: values, width: width) == expected)
  }

  @Test(arguments: [2, 3, 7, 10, 40, 99], [100, 101, 1_000])
  func noPeakIsLost(width: Int, count: Int) {
    for peak in [0, 1, count / 3, count / 2, count - 1] {
      var values = [Double](repeating: 0.5, count: count)
      values[peak] = 1
      values[(peak + count / 2) % count] = 0
      let text = Sparkline.text(values: values, width: width)
      #expect(text.count <= width)
      #expect(text.count >= width - 1)
      #expect(text.contains("█"))
      #expect(text.contains("▁"))
    }
  }

  @Test func noGapIsLost() {
    var values = (0..<1_000).map { Double($0) }
    values[431] = .nan
    let text = Sparkline.text(values: values, width: 20)
    #expect(text.filter { $0 == Sparkline.gap }.count == 1)
    #expect(text.first == "▁")
    #expect(text.last == "█")
  }

  @Test func aFallingSeriesFalls() {
    let text = Sparkline.text(values: (0..<160).map { -Double($0) }, width: 16)
    #expect(String(text.sorted(by: >)) == text)
    #expect(text.count == 16)
  }
}
