// The area under the ROC curve of a binary classification, exact and in linear time.

enum ROCCurve {
  /// The probability that a row of class 1 scores higher than one of class 0, ties counting half
  /// (the Mann-Whitney statistic, equal to scikit-learn's `roc_auc_score`). NaN if a class is
  /// absent, a score is NaN, or there are more than two classes.
  static func area(
    scores: UnsafeBufferPointer<Float>, outputs: Int, classIndexes: [Int32]
  ) -> Double {
    let rows = classIndexes.count
    guard outputs == 1 || outputs == 2, scores.count == rows * outputs else { return .nan }
    var keys: [UInt64] = []
    keys.reserveCapacity(rows)
    var positives = 0
    for row in 0..<rows {
      let score = scores[row * outputs + outputs - 1]
      if score.isNaN { return .nan }
      let isPositive = classIndexes[row] == 1
      positives += isPositive ? 1 : 0
      keys.append(UInt64(orderedBits(of: score)) << 1 | (isPositive ? 1 : 0))
    }
    let negatives = rows - positives
    guard positives > 0, negatives > 0 else { return .nan }
    RadixSort.sort(&keys, bits: 33)

    // Twice the number of pairs in order, so that ties are whole numbers.
    var orderedTwice = 0
    var negativesBelow = 0
    var start = 0
    while start < rows {
      let score = keys[start] >> 1
      var end = start
      var positivesHere = 0
      while end < rows, keys[end] >> 1 == score {
        positivesHere += Int(keys[end] & 1)
        end += 1
      }
      let negativesHere = end - start - positivesHere
      orderedTwice += positivesHere * (2 * negativesBelow + negativesHere)
      negativesBelow += negativesHere
      start = end
    }
    return Double(orderedTwice) / (2 * Double(positives) * Double(negatives))
  }

  /// Bits that compare as integers as the values do; both zeros are one.
  private static func orderedBits(of value: Float) -> UInt32 {
    let bits = (value + 0).bitPattern
    return bits >> 31 == 1 ? ~bits : bits | 0x8000_0000
  }
}

enum RadixSort {
  /// Sorts by the lowest `bits` bits, which are all that may be set, eleven at a time.
  static func sort(_ keys: inout [UInt64], bits: Int) {
    let digit = 11
    let mask: UInt64 = (1 << 11) - 1
    var other = [UInt64](repeating: 0, count: keys.count)
    for shift in stride(from: 0, to: bits, by: digit) {
      var starts = [Int](repeating: 0, count: 1 << digit)
      for key in keys { starts[Int(key >> UInt64(shift) & mask)] += 1 }
      var sum = 0
      for bucket in starts.indices {
        let count = starts[bucket]
        starts[bucket] = sum
        sum += count
      }
      other.withUnsafeMutableBufferPointer { target in
        for key in keys {
          let bucket = Int(key >> UInt64(shift) & mask)
          target[starts[bucket]] = key
          starts[bucket] += 1
        }
      }
      swap(&keys, &other)
    }
  }
}
