// A file that appears under its name whole and on disk, or not at all: also when the process is
// killed, since it has no name before (where the file system knows such files, as ext4, xfs, btrfs and
// tmpfs do; elsewhere one that is killed leaves a hidden file beside it).

import Glibc

final class NewFile {
  private let path: String
  private let folder: String
  private let isReplacing: Bool
  /// Of a file that has a name of its own for now.
  private var temporary: String?
  private let descriptor: Int32
  private var buffer: [UInt8] = []
  private(set) var size: Int64 = 0
  private var isPublished = false

  private static let bufferBytes = 1 << 20
  /// `O_TMPFILE`, which Swift does not import.
  private static let unnamed: Int32 = 0o20000000 | O_DIRECTORY

  /// - Parameter replacing: whether it takes the place of a file of its name.
  /// - Throws: `file_error`.
  init(_ path: String, replacing: Bool) throws(ArchiveError) {
    self.path = path
    isReplacing = replacing
    let slash = path.lastIndex(of: "/")
    folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    var opened = open(folder, O_RDWR | O_CLOEXEC | Self.unnamed, 0o600)
    if opened < 0, errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL {
      let name = Self.hidden(path, folder)
      opened = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
      if opened >= 0 { temporary = name }
    }
    guard opened >= 0 else {
      throw .cannotWrite(path: path, reason: String(cString: strerror(errno)))
    }
    descriptor = opened
    buffer.reserveCapacity(Self.bufferBytes)
  }

  deinit {
    close(descriptor)
    if !isPublished, let temporary { unlink(temporary) }
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws(ArchiveError) {
    size += Int64(bytes.count)
    if buffer.count + bytes.count > Self.bufferBytes { try flush() }
    if bytes.count >= Self.bufferBytes {
      try put(bytes) { Glibc.write(self.descriptor, $0, $1) }
    } else {
      buffer.append(contentsOf: bytes)
    }
  }

  func write(_ bytes: [UInt8]) throws(ArchiveError) {
    try bytes.withUnsafeBufferPointer { raw throws(ArchiveError) in
      try write(UnsafeRawBufferPointer(raw))
    }
  }

  /// Writes over what stands at `offset`.
  func write(_ bytes: [UInt8], at offset: Int64) throws(ArchiveError) {
    try flush()
    var place = offset
    try bytes.withUnsafeBufferPointer { raw throws(ArchiveError) in
      try put(UnsafeRawBufferPointer(raw)) {
        let count = pwrite(self.descriptor, $0, $1, off_t(place))
        if count > 0 { place += Int64(count) }
        return count
      }
    }
  }

  /// Goes back to where the file had so many bytes.
  func truncate(to size: Int64) throws(ArchiveError) {
    try flush()
    guard ftruncate(descriptor, off_t(size)) == 0, lseek(descriptor, off_t(size), SEEK_SET) >= 0
    else { throw failure() }
    self.size = size
  }

  /// Gives the file its name. Where that fails nothing of it is left, but where it has taken the place
  /// of another already.
  /// - Throws: `file_error`, also where there is a file of its name that it must not replace.
  func publish() throws(ArchiveError) {
    try flush()
    guard fsync(descriptor) == 0 else { throw failure() }
    if isReplacing { try replace() } else { try link() }
    isPublished = true
    do {
      try syncFolder()
    } catch {
      // The name may not outlast a power cut, and the caller is told that there is no file.
      if !isReplacing { unlink(path) }
      throw error
    }
  }

  private func replace() throws(ArchiveError) {
    if temporary == nil {
      let name = Self.hidden(path, folder)
      guard linkDescriptor(to: name) == 0 else { throw failure() }
      temporary = name
    }
    guard let temporary, rename(temporary, path) == 0 else { throw failure() }
  }

  /// A link never takes the place of what is there.
  private func link() throws(ArchiveError) {
    guard let temporary else {
      guard linkDescriptor(to: path) == 0 else { throw failure() }
      return
    }
    if Glibc.link(temporary, path) == 0 {
      unlink(temporary)
      return
    }
    // Some file systems have no links.
    guard [EPERM, EOPNOTSUPP, ENOSYS].contains(errno) else { throw failure() }
    guard access(path, F_OK) != 0 else {
      throw .cannotWrite(path: path, reason: String(cString: strerror(EEXIST)))
    }
    guard rename(temporary, path) == 0 else { throw failure() }
  }

  private func linkDescriptor(to name: String) -> Int32 {
    linkat(AT_FDCWD, "/proc/self/fd/\(descriptor)", AT_FDCWD, name, AT_SYMLINK_FOLLOW)
  }

  private func syncFolder() throws(ArchiveError) {
    let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { throw failure() }
    defer { close(directory) }
    // Some network file systems have no fsync of a folder; their renames are synchronous.
    guard fsync(directory) == 0 || errno == EINVAL else { throw failure() }
  }

  private func flush() throws(ArchiveError) {
    guard !buffer.isEmpty else { return }
    try buffer.withUnsafeBufferPointer { raw throws(ArchiveError) in
      try put(UnsafeRawBufferPointer(raw)) { Glibc.write(self.descriptor, $0, $1) }
    }
    buffer.removeAll(keepingCapacity: true)
  }

  private func put(
    _ bytes: UnsafeRawBufferPointer, _ call: (UnsafeRawPointer?, Int) -> Int
  ) throws(ArchiveError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = call(UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw failure() }
      rest = rest.dropFirst(count)
    }
  }

  private func failure() -> ArchiveError {
    .cannotWrite(path: path, reason: String(cString: strerror(errno)))
  }

  private static func hidden(_ path: String, _ folder: String) -> String {
    let name = path.split(separator: "/").last.map(String.init) ?? "archive"
    return "\(folder)/.\(name.prefix(100)).\(String(UInt64.random(in: 0 ... .max), radix: 36)).tmp"
  }
}
