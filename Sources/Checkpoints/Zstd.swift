// The two calls of zstd that chunks need. Neither ever writes beyond the memory it is given, and
// the working memory does not depend on what the input claims.

import CZstd

/// Compresses; keeps zstd's working memory between calls. For one thread at a time.
struct ZstdCompressor: ~Copyable {
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
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, level: Int32
  ) throws(CheckpointError) -> Int {
    let result = ZSTD_compressCCtx(
      context, target.baseAddress, target.count, source.baseAddress, source.count, level)
    guard ZSTD_isError(result) == 0 else {
      throw .compressionFailed(reason: String(cString: ZSTD_getErrorName(result)))
    }
    return result
  }
}

enum Zstd {
  /// Bytes that so many take at most when compressed.
  static func bound(_ count: Int) -> Int { ZSTD_compressBound(count) }

  /// Number of bytes written, or what zstd found wrong. Content that is longer than `target` is
  /// an error, not more memory.
  static func decompress(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) -> Result<Int, ZstdFailure> {
    let result = ZSTD_decompress(
      target.baseAddress, target.count, source.baseAddress, source.count)
    guard ZSTD_isError(result) == 0 else {
      return .failure(ZstdFailure(reason: String(cString: ZSTD_getErrorName(result))))
    }
    return .success(result)
  }
}

struct ZstdFailure: Error {
  let reason: String
}
