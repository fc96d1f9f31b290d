// Runs as JSON bytes, the very same as `WireCoding` makes of them, in a fiftieth of the time: a page
// of a hundred runs takes an encoder that looks at every key as a text longer than finding them.

package import Experiments

package struct RunJSON {
  package private(set) var bytes: [UInt8] = []

  /// What `WireCoding` makes of `Page(items: runs, next: next, total: total)`.
  package static func page(_ runs: [Run], next: String?, total: Int? = nil) -> [UInt8] {
    var writer = RunJSON()
    writer.bytes.reserveCapacity(runs.count * 2_048 + 64)
    writer.raw("{\"items\":[")
    for (index, run) in runs.enumerated() {
      if index > 0 { writer.byte(UInt8(ascii: ",")) }
      writer.run(run)
    }
    writer.byte(UInt8(ascii: "]"))
    if let next { writer.member(",\"next\":", next) }
    if let total { writer.member(",\"total\":", Int64(total)) }
    writer.byte(UInt8(ascii: "}"))
    return writer.bytes
  }

  private mutating func run(_ run: Run) {
    raw("{")
    if let key = run.comparabilityKey {
      member("\"comparability_key\":", key)
      raw(",")
    }
    if let cost = run.cost {
      raw("\"cost\":")
      self.cost(cost)
      raw(",")
    }
    member("\"created_at\":", run.createdAt.microseconds)
    if let dataset = run.dataset {
      raw(",\"dataset\":")
      self.dataset(dataset)
    }
    optional(",\"deleted_at\":", run.deletedAt?.microseconds)
    optional(",\"ended_at\":", run.endedAt?.microseconds)
    member(",\"experiment\":", run.experiment)
    if let failure = run.failure {
      member(",\"failure\":{\"code\":", failure.code)
      member(",\"message\":", failure.message)
      raw("}")
    }
    member(",\"id\":", run.id)
    optional(",\"job_id\":", run.jobId)
    raw(",\"metrics\":")
    object(run.metrics) { $0.summary($1) }
    member(",\"name\":", run.name)
    member(",\"note\":", run.note)
    raw(",\"params\":")
    object(run.params) { $0.text($1) }
    optional(",\"parent_id\":", run.parentId)
    if let progress = run.progress {
      raw(",\"progress\":")
      self.progress(progress)
    }
    optional(",\"seed\":", run.seed)
    optional(",\"started_at\":", run.startedAt?.microseconds)
    member(",\"status\":", run.status.rawValue)
    raw(",\"tags\":")
    object(run.tags) { $0.text($1) }
    member(",\"uid\":", run.uid.text)
    raw("}")
  }

  private mutating func summary(_ summary: MetricSummary) {
    member("{\"count\":", summary.count)
    member(",\"last\":", summary.last)
    optional(",\"last_epoch\":", summary.lastEpoch)
    member(",\"last_step\":", summary.lastStep)
    member(",\"max\":", summary.max)
    member(",\"mean\":", summary.mean)
    member(",\"min\":", summary.min)
    raw("}")
  }

  private mutating func cost(_ cost: Cost) {
    member("{\"cpu_system_seconds\":", cost.cpuSystemSeconds)
    member(",\"cpu_user_seconds\":", cost.cpuUserSeconds)
    optional(",\"flops_per_step\":", cost.flopsPerStep)
    member(",\"peak_rss_bytes\":", cost.peakRssBytes)
    member(",\"read_bytes\":", cost.readBytes)
    optional(",\"samples_per_second\":", cost.samplesPerSecond)
    optional(",\"steps_per_second\":", cost.stepsPerSecond)
    optional(",\"training_seconds\":", cost.trainingSeconds)
    member(",\"wall_seconds\":", cost.wallSeconds)
    member(",\"written_bytes\":", cost.writtenBytes)
    raw("}")
  }

  private mutating func progress(_ progress: Progress) {
    member("{\"epoch\":", Int64(progress.epoch))
    member(",\"epochs\":", Int64(progress.epochs))
    member(",\"samples_per_second\":", progress.samplesPerSecond)
    member(",\"step\":", Int64(progress.step))
    member(",\"steps\":", Int64(progress.steps))
    raw("}")
  }

  private mutating func dataset(_ dataset: DatasetInfo) {
    raw("{\"classes\":[")
    for (index, name) in dataset.classes.enumerated() {
      if index > 0 { raw(",") }
      text(name)
    }
    member("],\"features\":", Int64(dataset.features))
    member(",\"name\":", dataset.name)
    if let path = dataset.path { member(",\"path\":", path) }
    member(",\"rows\":", Int64(dataset.rows))
    member(",\"sha256\":", dataset.sha256)
    member(",\"test_rows\":", Int64(dataset.testRows))
    member(",\"train_rows\":", Int64(dataset.trainRows))
    member(",\"type\":", dataset.type)
    member(",\"validation_rows\":", Int64(dataset.validationRows))
    raw("}")
  }

  // MARK: Pieces

  private mutating func object<Value>(
    _ members: [String: Value], _ write: (inout RunJSON, Value) -> Void
  ) {
    byte(UInt8(ascii: "{"))
    var isFirst = true
    for (key, value) in members.sorted(by: { $0.key < $1.key }) {
      if !isFirst { byte(UInt8(ascii: ",")) }
      isFirst = false
      text(key)
      byte(UInt8(ascii: ":"))
      write(&self, value)
    }
    byte(UInt8(ascii: "}"))
  }

  private mutating func byte(_ value: UInt8) { bytes.append(value) }

  private mutating func raw(_ text: StaticString) {
    bytes.append(
      contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  private mutating func member(_ name: StaticString, _ value: String) {
    raw(name)
    text(value)
  }

  private mutating func member(_ name: StaticString, _ value: Int64) {
    raw(name)
    integer(value)
  }

  private mutating func member(_ name: StaticString, _ value: Double) {
    raw(name)
    number(value)
  }

  private mutating func optional(_ name: StaticString, _ value: Int64?) {
    if let value { member(name, value) }
  }

  private mutating func optional(_ name: StaticString, _ value: Double?) {
    if let value { member(name, value) }
  }

  private mutating func integer(_ value: Int64) {
    var rest = value.magnitude
    var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
    withUnsafeMutableBytes(of: &digits) { buffer in
      var start = buffer.count
      repeat {
        start -= 1
        buffer[start] = UInt8(ascii: "0") + UInt8(rest % 10)
        rest /= 10
      } while rest > 0
      if value < 0 {
        start -= 1
        buffer[start] = UInt8(ascii: "-")
      }
      bytes.append(contentsOf: buffer[start...])
    }
  }

  /// The shortest digits that read back the same; whole numbers without a point.
  private mutating func number(_ value: Double) {
    guard value.isFinite else { return text(MetricValue.text(value)) }
    if value == value.rounded(.towardZero), abs(value) < 1e15, value != 0 {
      return integer(Int64(value))
    }
    var digits = value.description
    if digits.hasSuffix(".0") { digits.removeLast(2) }
    bytes.append(contentsOf: digits.utf8)
  }

  private mutating func text(_ value: String) {
    byte(UInt8(ascii: "\""))
    var value = value
    value.withUTF8 { utf8 in
      var start = 0
      for (index, byte) in utf8.enumerated()
      where byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
        bytes.append(contentsOf: utf8[start..<index])
        escape(byte)
        start = index + 1
      }
      bytes.append(contentsOf: utf8[start...])
    }
    byte(UInt8(ascii: "\""))
  }

  private mutating func escape(_ value: UInt8) {
    byte(UInt8(ascii: "\\"))
    switch value {
    case 0x08: byte(UInt8(ascii: "b"))
    case 0x09: byte(UInt8(ascii: "t"))
    case 0x0A: byte(UInt8(ascii: "n"))
    case 0x0C: byte(UInt8(ascii: "f"))
    case 0x0D: byte(UInt8(ascii: "r"))
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): byte(value)
    default:
      raw("u00")
      for digit in [value >> 4, value & 15] {
        byte(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
      }
    }
  }
}
