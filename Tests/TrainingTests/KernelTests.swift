// The matrix products and reductions against plain loops, and that they are bit-for-bit the same
// wherever their memory lies.

import Experiments
import Testing
import Training

@Suite struct KernelTests {
  private static let sizes = [1, 2, 3, 5, 7, 8, 15, 16, 17, 31, 33, 64, 100]

  private func numbers(_ stream: UInt64, _ count: Int) -> [Float] {
    FixtureNumbers.weights(stream, count, sixteenths: 16)
  }

  private func close(_ a: [Float], _ b: [Double]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { abs(Double($0) - $1) <= 2e-5 }
  }

  @Test(arguments: sizes, sizes)
  func productsAgreeWithPlainLoops(m: Int, n: Int) {
    for k in [1, 4, 9, 32, 65] {
      let a = numbers(1, m * k)
      let b = numbers(2, k * n)
      var expected = [Double](repeating: 0, count: m * n)
      var aTransposed = [Float](repeating: 0, count: k * m)
      var bTransposed = [Float](repeating: 0, count: n * k)
      for i in 0..<m {
        for l in 0..<k {
          aTransposed[l * m + i] = a[i * k + l]
          for j in 0..<n { expected[i * n + j] += Double(a[i * k + l]) * Double(b[l * n + j]) }
        }
      }
      for l in 0..<k { for j in 0..<n { bTransposed[j * k + l] = b[l * n + j] } }

      var c = [Float](repeating: .nan, count: m * n)
      BLAS.multiply(a, b, into: &c, m: m, n: n, k: k)
      #expect(close(c, expected), "a·b with k = \(k)")
      c = [Float](repeating: .nan, count: m * n)
      BLAS.multiply(transposed: aTransposed, b, into: &c, m: m, n: n, k: k)
      #expect(close(c, expected), "aᵀ·b with k = \(k)")
      c = [Float](repeating: .nan, count: m * n)
      BLAS.multiply(a, transposed: bTransposed, into: &c, m: m, n: n, k: k)
      #expect(close(c, expected), "a·bᵀ with k = \(k)")
    }
  }

  @Test(arguments: sizes)
  func productsWithOneColumnAgreeWithPlainLoops(inputs: Int) {
    let rows = 13
    let x = numbers(3, rows * inputs)
    let w = numbers(4, inputs)
    let g = numbers(5, rows)
    var y = [Float](repeating: .nan, count: rows)
    Columns.multiply(x, w, into: &y, rows: rows, inputs: inputs)
    #expect(
      close(
        y,
        (0..<rows).map { r in
          (0..<inputs).reduce(0.0) { $0 + Double(x[r * inputs + $1]) * Double(w[$1]) }
        }))
    var gw = [Float](repeating: .nan, count: inputs)
    Columns.multiply(transposed: x, g, into: &gw, rows: rows, inputs: inputs)
    #expect(
      close(
        gw,
        (0..<inputs).map { i in
          (0..<rows).reduce(0.0) { $0 + Double(x[$1 * inputs + i]) * Double(g[$1]) }
        }))
    var gx = [Float](repeating: .nan, count: rows * inputs)
    Columns.outer(g, w, into: &gx, rows: rows, inputs: inputs)
    #expect(
      close(
        gx, (0..<rows).flatMap { r in (0..<inputs).map { Double(g[r]) * Double(w[$0]) } }))
  }

  @Test(arguments: sizes + [1000])
  func reductionsAgreeWithPlainLoops(count: Int) {
    let a = numbers(6, count)
    let b = numbers(7, count)
    let tolerance = 1e-6 * Double(count) + 1e-6
    let dot = zip(a, b).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    #expect(abs(Double(Reductions.dot(a, b, count: count)) - dot) <= tolerance)
    let magnitudes = a.reduce(0.0) { $0 + Double(abs($1)) }
    #expect(abs(Double(Reductions.sumOfMagnitudes(a, count: count)) - magnitudes) <= tolerance)
    #expect(Reductions.allFinite(a, count: count))
    for place in Set([0, count / 2, count - 1]) {
      for bad in [Float.nan, .infinity, -.infinity] {
        var c = a
        c[place] = bad
        #expect(!Reductions.allFinite(c, count: count))
      }
    }
  }

  @Test(arguments: [(32, 64, 100), (32, 32, 64), (7, 10, 64), (256, 64, 30), (32, 1, 32)])
  func resultsDoNotDependOnAlignment(rows: Int, units: Int, inputs: Int) {
    let x = numbers(8, rows * inputs)
    let w = numbers(9, inputs * units)
    var results: [[Float]] = []
    for shift in [0, 1, 3, 6] {
      let arena = FloatArena(count: rows * inputs + inputs * units + rows * units + 3 * 16)
      let xs = arena.base + shift
      let ws = xs + rows * inputs + shift
      let ys = ws + inputs * units + shift
      xs.update(from: x, count: x.count)
      ws.update(from: w, count: w.count)
      if units == 1 {
        Columns.multiply(xs, ws, into: ys, rows: rows, inputs: inputs)
      } else {
        BLAS.multiply(xs, ws, into: ys, m: rows, n: units, k: inputs)
      }
      results.append(Array(UnsafeBufferPointer(start: ys, count: rows * units)))
    }
    #expect(results.allSatisfy { $0 == results[0] })
  }

  @Test func openBLASPassesTheStartUpCheck() throws {
    try BLASCheck.prepare(threads: 1, shapes: [BLASCheck.Shape(rows: 32, inputs: 100, units: 64)])
    let fingerprint = NumericsFingerprint.current
    #expect(fingerprint.openBLAS.hasPrefix("OpenBLAS"))
    #expect(fingerprint.openBLASVersion.contains("."))
    #expect(fingerprint.threads == 1)
    #expect(fingerprint == NumericsFingerprint.current)
  }

  @Test func nanPassesThroughEveryActivation() {
    for activation in [ActivationName.relu, .sigmoid, .tanh, .softmax, .linear] {
      var output: [Float] = [1, .nan, 2, 3]
      Activations.forward(
        activation, bias: [0, 0, 0, 0], output: &output, rows: 1, units: 4)
      #expect(output[1].isNaN, "\(activation)")
    }
  }

  #if arch(x86_64)
    @Test func denormalNumbersAreZeroOnlyWhileFlushed() {
      func half(_ x: Float) -> Float {
        var result: [Float] = [0]
        Columns.outer([x], [0.5], into: &result, rows: 1, inputs: 1)
        return result[0]
      }
      let least = Float.leastNormalMagnitude
      #expect(half(least) > 0)
      #expect(Denormals.flushed { half(least) } == 0)
      #expect(half(least) > 0)
    }
  #endif
}
