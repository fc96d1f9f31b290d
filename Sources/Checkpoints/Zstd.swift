// The two calls of zstd that chunks need. Neither ever writes beyond the memory it is given, and
// the working memory does not depend on what the input claims.

import CZstd

/// Compresses; keeps zstd's working memory between calls. For one thread at a time.
struct ZstdCompressor: ~Copyable {
  enum Effort {
    /// Level 1. Higher ones look harder for repetitions, which weights do not have: level 3 made the
    /// shuffled bytes of normal float32 weights 1 % larger and took as long.
    case matches
    /// Little more than Huffman coding: smaller and twice as fast where nothing repeats.
    case entropy
    /// Not even that, for bytes that hardly shrink.
    case noise
  }

  private let context: OpaquePointer

  init() throws(CheckpointError) {
    guard let context = ZSTD_createCCtx() else {
      throw .compressionFailed(reason: "zstd got no memory")
    }
    self.context = context
  }

  deinit { ZSTD_freeCCtx(context) }

  /// Number of bytes written.
  /// - Parameter target: at least `Zstd.bound` of the source's size.
  func compress(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, _ effort: Effort
  ) throws(CheckpointError) -> Int {
    ZSTD_CCtx_reset(context, ZSTD_reset_session_and_parameters)
    switch effort {
    case .matches: ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 1)
    case .noise: ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, -50)
    case .entropy:
      ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, -50)
      // `ZSTD_c_literalCompressionMode`, not yet stable by that name, to
      // `ZSTD_ps_enable`: by itself a negative level leaves literals as they are. A library that
      // does not know it refuses, and then compresses less.
      ZSTD_CCtx_setParameter(context, ZSTD_c_experimentalParam5, 1)
    }
    let result = ZSTD_compress2(
      context, target.baseAddress, target.count, source.baseAddress, source.count)
    guard ZSTD_isError(result) == 0 else {
      throw .compressionFailed(reason: String(cString: ZSTD_getErrorName(result)))
    }
    return result
  }
}

/// Decompresses; keeps zstd's working memory between calls. For one thread at a time.
struct ZstdDecompressor: ~Copyable {
  private let context: OpaquePointer?

  init() { context = ZSTD_createDCtx() }

  deinit { ZSTD_freeDCtx(context) }

  /// Number of bytes written, or what zstd found wrong. Content that is longer than `target` is
  /// an error, not more memory.
  func decompress(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) -> Result<Int, ZstdFailure> {
    guard let context else { return .failure(ZstdFailure(reason: "zstd got no memory")) }
    let result = ZSTD_decompressDCtx(
      context, target.baseAddress, target.count, source.baseAddress, source.count)
    guard ZSTD_isError(result) == 0 else {
      return .failure(ZstdFailure(reason: String(cString: ZSTD_getErrorName(result))))
    }
    return .success(result)
  }
}

enum Zstd {
  /// Bytes that so many take at most when compressed.
  static func bound(_ count: Int) -> Int { ZSTD_compressBound(count) }
}

struct ZstdFailure: Error {
  let reason: String
}
