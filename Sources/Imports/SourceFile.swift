// A file that is read from its beginning to its end in blocks, with errors that name it.

import Glibc

/// Not thread-safe; closed when it is let go.
final class SourceFile {
  let path: String
  private let descriptor: Int32

  init(_ path: String) throws(ImportError) {
    self.path = path
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Self.unreadable(path) }
    var information = stat()
    if fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFDIR {
      close(descriptor)
      throw .unreadable(path: path, reason: "it is a folder")
    }
  }

  deinit { close(descriptor) }

  /// Reads on until `buffer` is full from `start` on or the file ends; answers how many bytes there
  /// were.
  func read(into buffer: inout [UInt8], from start: Int = 0) throws(ImportError) -> Int {
    var filled = start
    var failure: ImportError?
    buffer.withUnsafeMutableBytes { buffer in
      while filled < buffer.count, failure == nil {
        let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
        let count = Glibc.read(descriptor, rest.baseAddress, rest.count)
        if count == 0 { break }
        if count > 0 {
          filled += count
        } else if errno != EINTR {
          failure = Self.unreadable(path)
        }
      }
    }
    if let failure { throw failure }
    return filled - start
  }

  /// The whole of a file that is expected to be small.
  static func text(_ path: String, limit: Int = 1 << 20) throws(ImportError) -> String {
    let file = try SourceFile(path)
    var bytes = [UInt8](repeating: 0, count: min(limit + 1, try Facts(path).size + 1))
    let count = try file.read(into: &bytes)
    guard count <= limit else {
      throw .unreadable(path: path, reason: "it has more than \(limit) bytes")
    }
    return String(decoding: bytes[..<count], as: UTF8.self)
  }

  /// What the file system says of a file, following links.
  struct Facts {
    var size: Int
    var modifiedNanoseconds: Int64
    var isFolder: Bool
    var isRegular: Bool
    /// Names the file whatever the way to it.
    var number: [UInt64]

    init(_ path: String) throws(ImportError) {
      var information = stat()
      guard stat(path, &information) == 0 else { throw SourceFile.unreadable(path) }
      size = Int(information.st_size)
      modifiedNanoseconds =
        Int64(information.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(information.st_mtim.tv_nsec)
      isFolder = information.st_mode & S_IFMT == S_IFDIR
      isRegular = information.st_mode & S_IFMT == S_IFREG
      number = [UInt64(information.st_dev), UInt64(information.st_ino)]
    }
  }

  /// Names in a folder, sorted by their bytes; without `.` and `..`.
  static func names(in folder: String) throws(ImportError) -> [String] {
    guard let handle = opendir(folder) else { throw unreadable(folder) }
    defer { closedir(handle) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = readdir(handle) else { break }
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    guard errno == 0 else { throw unreadable(folder) }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  static func unreadable(_ path: String) -> ImportError {
    .unreadable(path: path, reason: String(cString: strerror(errno)))
  }
}
