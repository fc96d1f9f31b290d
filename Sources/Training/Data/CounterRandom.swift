// Random numbers as a function of (seed, stream, counter), so that any of them can be had without
// the ones before it. Only integer and basic IEEE operations are used: the same on every machine.

/// SplitMix64's output function (Steele, Lea, Flood 2014) over a counter. Seeds data and splits
/// only; what a training draws comes from the run's own generator.
struct CounterRandom: Sendable {
  private let key: UInt64

  init(seed: Int, stream: UInt64) {
    key = Self.mix(Self.mix(UInt64(bitPattern: Int64(seed))) &+ (stream &+ 1) &* Self.golden)
  }

  /// 64 uniform bits.
  @inline(__always)
  func bits(_ counter: UInt64) -> UInt64 { Self.mix(key &+ counter &* Self.golden) }

  /// Uniform in (0, 1), never 0 or 1: the middles of 2^52 equal intervals.
  @inline(__always)
  func uniform(_ counter: UInt64) -> Double {
    (Double(bits(counter) >> 12) + 0.5) * 0x1p-52
  }

  /// Standard normal.
  @inline(__always)
  func normal(_ counter: UInt64) -> Double { NormalQuantile.value(at: uniform(counter)) }

  private static let golden: UInt64 = 0x9E37_79B9_7F4A_7C15

  @inline(__always)
  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// The inverse of the standard normal distribution function by Wichura's algorithm AS 241 (PPND16),
/// accurate to about 1e-15.
enum NormalQuantile {
  /// - Parameter p: In (0, 1).
  @inline(__always)
  static func value(at p: Double) -> Double {
    let q = p - 0.5
    if abs(q) <= 0.425 {
      let r = 0.180625 - q * q
      var a = 2509.0809287301226727
      a = a * r + 33430.575583588128105
      a = a * r + 67265.770927008700853
      a = a * r + 45921.953931549871457
      a = a * r + 13731.693765509461125
      a = a * r + 1971.5909503065514427
      a = a * r + 133.14166789178437745
      a = a * r + 3.387132872796366608
      var b = 5226.495278852854561
      b = b * r + 28729.085735721942674
      b = b * r + 39307.89580009271061
      b = b * r + 21213.794301586595867
      b = b * r + 5394.1960214247511077
      b = b * r + 687.1870074920579083
      b = b * r + 42.313330701600911252
      b = b * r + 1
      return q * a / b
    }
    let tail = tail(at: q < 0 ? p : 1 - p)
    return q < 0 ? -tail : tail
  }

  @inline(never)
  private static func tail(at p: Double) -> Double {
    var r = (-logarithm(p)).squareRoot()
    if r <= 5 {
      r -= 1.6
      var c = 7.7454501427834140764e-4
      c = c * r + 0.0227238449892691845833
      c = c * r + 0.24178072517745061177
      c = c * r + 1.27045825245236838258
      c = c * r + 3.64784832476320460504
      c = c * r + 5.7694972214606914055
      c = c * r + 4.6303378461565452959
      c = c * r + 1.42343711074968357734
      var d = 1.05075007164441684324e-9
      d = d * r + 5.475938084995344946e-4
      d = d * r + 0.0151986665636164571966
      d = d * r + 0.14810397642748007459
      d = d * r + 0.68976733498510000455
      d = d * r + 1.6763848301838038494
      d = d * r + 2.05319162663775882187
      d = d * r + 1
      return c / d
    }
    r -= 5
    var e = 2.01033439929228813265e-7
    e = e * r + 2.71155556874348757815e-5
    e = e * r + 0.0012426609473880784386
    e = e * r + 0.026532189526576123093
    e = e * r + 0.29656057182850489123
    e = e * r + 1.7848265399172913358
    e = e * r + 5.4637849111641143699
    e = e * r + 6.6579046435011037772
    var f = 2.04426310338993978564e-15
    f = f * r + 1.4215117583164458887e-7
    f = f * r + 1.8463183175100546818e-5
    f = f * r + 7.868691311456132591e-4
    f = f * r + 0.0148753612908506148525
    f = f * r + 0.13692988092273580531
    f = f * r + 0.59983220655588793769
    f = f * r + 1
    return e / f
  }

  /// The natural logarithm of a normal number, by 2 artanh((m - 1) / (m + 1)) of its significand.
  /// The C library's differs between versions in the last bit, and the data must not.
  private static func logarithm(_ x: Double) -> Double {
    var significand = x.significand
    var exponent = Double(x.exponent)
    if significand > 1.4142135623730951 {
      significand *= 0.5
      exponent += 1
    }
    let s = (significand - 1) / (significand + 1)
    let square = s * s
    var sum = 0.0
    // |s| ≤ 0.1716, so the first term left out is below 1e-17
    for power in stride(from: 21.0, through: 1, by: -2) { sum = sum * square + 1 / power }
    return exponent * 0.6931471805599453094 + 2 * s * sum
  }
}
