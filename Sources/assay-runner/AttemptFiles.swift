// The folder of an attempt as its runner sees it: the order to read, the claim, the spool and the
// record of its end. The protocol is that of `AttemptFolder`, which the daemon uses.

import CLinux
import Experiments
import Glibc

/// What the runner is told.
struct Order {
  let attempt: Int64
  let job: Int64
  let run: Int64
  let number: Int
  let socketPath: String
  let token: String
  let spec: JSONValue
  let secrets: [String: String]

  init?(_ json: JSONValue) {
    guard let attempt = json["attempt_id"]?.intValue, let job = json["job_id"]?.intValue,
      let run = json["run_id"]?.intValue, let number = json["number"]?.intValue,
      let socketPath = json["socket_path"]?.stringValue, let token = json["token"]?.stringValue,
      let spec = json["spec"]
    else { return nil }
    self.attempt = Int64(attempt)
    self.job = Int64(job)
    self.run = Int64(run)
    self.number = number
    self.socketPath = socketPath
    self.token = token
    self.spec = spec
    secrets = (json["secrets"]?.objectValue ?? [:]).compactMapValues(\.stringValue)
  }
}

struct AttemptFiles {
  let folder: String

  var outputPath: String { folder + "/output" }
  private var spoolPath: String { folder + "/spool" }

  /// The lock that the daemon passed on as descriptor 3 stays with this process alone.
  func inheritLock() throws(Failure) {
    var ours = stat()
    var theirs = stat()
    guard clinux_close_on_exec(3) == 0, fstat(3, &ours) == 0, stat(folder + "/lock", &theirs) == 0,
      ours.st_ino == theirs.st_ino, ours.st_dev == theirs.st_dev,
      clinux_lock_exclusive(3) == 0
    else {
      throw Failure(code: "lock_held", message: "descriptor 3 is not the lock of \(folder)")
    }
  }

  func readOrder() throws(Failure) -> Order {
    let path = folder + "/attempt.json"
    guard let bytes = Self.read(path), let json = JSONValue(parsing: bytes), let order = Order(json)
    else { throw Failure(code: "attempt_folder_unusable", message: "\(path) cannot be read") }
    return order
  }

  /// Whether the work may begin: of all who ask, one is told so, once. Durable.
  func claim() throws(Failure) -> Bool {
    let temporary = folder + "/.claim.\(getpid()).tmp"
    try write(temporary, Array("claimed".utf8), durable: true)
    let linked = link(temporary, folder + "/claim")
    let number = errno
    unlink(temporary)
    try syncFolder()
    if linked == 0 { return true }
    if number == EEXIST { return false }
    throw failure("create", folder + "/claim", number)
  }

  /// - Parameter durable: not where the daemon has it on disk already.
  func writeExit(_ record: JSONValue, durable: Bool) throws(Failure) {
    let temporary = folder + "/.exit.json.tmp"
    try write(temporary, Array(record.canonicalText.utf8), durable: durable)
    guard rename(temporary, folder + "/exit.json") == 0 else {
      throw failure("rename to", folder + "/exit.json", errno)
    }
    if durable { try syncFolder() }
  }

  // MARK: The spool

  /// Numbers of the parcels that wait, oldest first.
  func parcels() -> [Int] {
    guard let directory = opendir(spoolPath) else { return [] }
    defer { closedir(directory) }
    var numbers: [Int] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name.hasSuffix(".parcel"), let number = Int(name.dropLast(7)) { numbers.append(number) }
    }
    return numbers.sorted()
  }

  /// Keeps a parcel as the last one, as `assay-worker` does, which sends what is left.
  func addParcel(_ bytes: [UInt8], number: Int, durable: Bool) throws(Failure) {
    let path = parcelPath(number)
    try write(path + ".tmp", bytes, durable: durable)
    guard rename(path + ".tmp", path) == 0 else { throw failure("rename to", path, errno) }
  }

  func readParcel(_ number: Int) -> [UInt8]? { Self.read(parcelPath(number)) }

  func removeParcel(_ number: Int) { unlink(parcelPath(number)) }

  private func parcelPath(_ number: Int) -> String {
    let digits = String(number)
    return spoolPath + "/" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits
      + ".parcel"
  }

  // MARK: Calls

  private func write(_ path: String, _ bytes: [UInt8], durable: Bool) throws(Failure) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    if descriptor < 0 { throw failure("create", path, errno) }
    defer { close(descriptor) }
    var number: Int32 = 0
    if !Self.writeAll(descriptor, bytes) || durable && fsync(descriptor) != 0 { number = errno }
    if number != 0 {
      unlink(path)
      throw failure("write", path, number)
    }
  }

  private func syncFolder() throws(Failure) {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if descriptor < 0 { throw failure("open", folder, errno) }
    defer { close(descriptor) }
    if fsync(descriptor) != 0, errno != EINVAL { throw failure("fsync", folder, errno) }
  }

  private func failure(_ operation: String, _ path: String, _ number: Int32) -> Failure {
    Failure(
      code: number == ENOSPC || number == EDQUOT ? "disk_full" : "file_failed",
      message: "cannot \(operation) \(path): \(SystemError.text(number))")
  }

  /// False with errno set.
  static func writeAll(_ descriptor: Int32, _ bytes: some Sequence<UInt8>) -> Bool {
    Array(bytes).withUnsafeBytes { buffer in
      var position = 0
      while position < buffer.count {
        let count = Glibc.write(
          descriptor, buffer.baseAddress.map { $0 + position }, buffer.count - position)
        if count < 0 && errno == EINTR { continue }
        if count <= 0 { return false }
        position += count
      }
      return true
    }
  }

  /// Nil if it is not there, or cannot be read.
  static func read(_ path: String, atMost limit: Int = 64 << 20) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 16 << 10)
    while bytes.count < limit {
      let count = Glibc.read(descriptor, &piece, min(piece.count, limit - bytes.count))
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { break }
      bytes.append(contentsOf: piece[..<count])
    }
    return bytes
  }

  static func text(_ path: String, atMost limit: Int = 1 << 20) -> String? {
    read(path, atMost: limit).map { String(decoding: $0, as: UTF8.self) }
  }
}
