// Regroups the bytes of an array of words by their place in the word: first the lowest byte of all
// words, then the second, … Floats of one tensor share their exponents, which this puts side by
// side. (The "shuffle" filter of HDF5 and Blosc.) Bytes after the last whole word stay in place.

enum ByteShuffle {
  /// - Parameter width: bytes of a word, 4 or 8; with any other it only copies.
  static func shuffle(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, width: Int
  ) {
    assert(source.count == target.count)
    guard let from = source.baseAddress, let to = target.baseAddress else { return }
    switch width {
    case 4: shuffle4(from, to, count: source.count / 4)
    case 8: shuffle8(from, to, count: source.count / 8)
    default: break
    }
    copyRest(source, target, width: width)
  }

  static func unshuffle(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, width: Int
  ) {
    assert(source.count == target.count)
    guard let from = source.baseAddress, let to = target.baseAddress else { return }
    switch width {
    case 4: unshuffle4(from, to, count: source.count / 4)
    case 8: unshuffle8(from, to, count: source.count / 8)
    default: break
    }
    copyRest(source, target, width: width)
  }

  private static func copyRest(
    _ source: UnsafeRawBufferPointer, _ target: UnsafeMutableRawBufferPointer, width: Int
  ) {
    let done = width == 4 || width == 8 ? source.count / width * width : 0
    for index in done..<source.count { target[index] = source[index] }
  }

  // Sixteen words at a time, written out as vectors: with so many streams the compiler cannot
  // prove that they do not overlap and would stay scalar.

  private static func shuffle4(
    _ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer, count: Int
  ) {
    var word = 0
    while word + 16 <= count {
      let words = from.loadUnaligned(fromByteOffset: 4 * word, as: SIMD16<UInt32>.self)
      for place in 0..<4 {
        let plane = SIMD16<UInt8>(truncatingIfNeeded: words &>> UInt32(8 * place))
        to.storeBytes(of: plane, toByteOffset: place * count + word, as: SIMD16<UInt8>.self)
      }
      word += 16
    }
    shuffleRest(from, to, count: count, first: word, width: 4)
  }

  private static func shuffle8(
    _ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer, count: Int
  ) {
    var word = 0
    while word + 16 <= count {
      let words = from.loadUnaligned(fromByteOffset: 8 * word, as: SIMD16<UInt64>.self)
      for place in 0..<8 {
        let plane = SIMD16<UInt8>(truncatingIfNeeded: words &>> UInt64(8 * place))
        to.storeBytes(of: plane, toByteOffset: place * count + word, as: SIMD16<UInt8>.self)
      }
      word += 16
    }
    shuffleRest(from, to, count: count, first: word, width: 8)
  }

  private static func unshuffle4(
    _ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer, count: Int
  ) {
    var word = 0
    while word + 16 <= count {
      var words = SIMD16<UInt32>.zero
      for place in 0..<4 {
        let plane = from.loadUnaligned(
          fromByteOffset: place * count + word, as: SIMD16<UInt8>.self)
        words |= SIMD16<UInt32>(truncatingIfNeeded: plane) &<< UInt32(8 * place)
      }
      to.storeBytes(of: words, toByteOffset: 4 * word, as: SIMD16<UInt32>.self)
      word += 16
    }
    unshuffleRest(from, to, count: count, first: word, width: 4)
  }

  private static func unshuffle8(
    _ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer, count: Int
  ) {
    var word = 0
    while word + 16 <= count {
      var words = SIMD16<UInt64>.zero
      for place in 0..<8 {
        let plane = from.loadUnaligned(
          fromByteOffset: place * count + word, as: SIMD16<UInt8>.self)
        words |= SIMD16<UInt64>(truncatingIfNeeded: plane) &<< UInt64(8 * place)
      }
      to.storeBytes(of: words, toByteOffset: 8 * word, as: SIMD16<UInt64>.self)
      word += 16
    }
    unshuffleRest(from, to, count: count, first: word, width: 8)
  }

  private static func shuffleRest(
    _ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer, count: Int, first: Int, width: Int
  ) {
    for word in first..<count {
      for place in 0..<width {
        let byte = from.load(fromByteOffset: width * word + place, as: UInt8.self)
        to.storeBytes(of: byte, toByteOffset: place * count + word, as: UInt8.self)
      }
    }
  }

  private static func unshuffleRest(
    _ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer, count: Int, first: Int, width: Int
  ) {
    for word in first..<count {
      for place in 0..<width {
        let byte = from.load(fromByteOffset: place * count + word, as: UInt8.self)
        to.storeBytes(of: byte, toByteOffset: width * word + place, as: UInt8.self)
      }
    }
  }
}
