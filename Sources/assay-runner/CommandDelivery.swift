// What goes to the daemon, in this order: the start, metrics, what lies in the spool, the log, signs
// of life, and at last the end. While the daemon is away metrics go to the spool; the log is in the
// output file anyway.

import Experiments
import Glibc

struct CommandDelivery {
  private let files: AttemptFiles
  private let order: Order
  private var link: DaemonLink
  var output: KeptOutput
  var points = Points()
  /// The daemon says that the job was cancelled before it began, or refuses it.
  var wantsStop = false
  private(set) var isFenced = false
  /// While another process has the spool.
  var spoolIsOthers = false
  /// Nothing more is taken of this attempt, for this reason.
  private var refusal: Failure?
  private var hasStarted = false
  private var isFinished = false
  private var sentLog = 0
  /// Numbers of spooled parcels, oldest first.
  private var parcels: [Int]
  private var nextParcel: Int
  private var times = Times()
  private var awaySince: Double?
  private var pause = shortest

  private struct Times {
    var retry = 0.0
    var metrics = 0.0
    var log = 0.0
    var progress = 0.0
    var spool = 0.0
    var record = 0.0
  }

  private static let shortest = 0.02
  private static let longest = 1.0
  private static let metricsInterval = 0.1
  private static let logInterval = 0.05
  private static let progressInterval = 2.0
  private static let logPiece = 512 << 10
  /// How long the end waits for a daemon that is away.
  private static let patience = 5.0
  private static let hurriedPatience = 1.0

  init(files: AttemptFiles, order: Order) {
    self.files = files
    self.order = order
    link = DaemonLink(socketPath: order.socketPath, token: order.token)
    output = KeptOutput(path: files.outputPath)
    parcels = files.parcels()
    nextParcel = (parcels.last ?? 0) + 1
    times.progress = Moment.now + Self.progressInterval
  }

  var isRefused: Bool { refusal != nil }
  var descriptor: Int32 { link.descriptor }
  var interest: Int16 { link.interest }

  // MARK: Sending

  private var endingSince: Double?
  private var isHurried = false

  /// Begins the next request, if one is due and the daemon is there.
  mutating func advance(
    _ now: Double, isEnding: Bool, isHurried: Bool, end: ProgramEnd?, cost: () -> JSONValue
  ) {
    self.isHurried = isHurried
    if isEnding, endingSince == nil {
      endingSince = now
      // What its keeper left in the spool.
      parcels = files.parcels()
      nextParcel = (parcels.last ?? 0) + 1
    }
    guard refusal == nil, !isFinished, link.isIdle, now >= times.retry else { return }
    guard let request = next(now, isEnding: isEnding, end: end, cost: cost) else { return }
    guard link.connect() else { return away(now) }
    link.begin(request)
    proceed()
  }

  private mutating func next(
    _ now: Double, isEnding: Bool, end: ProgramEnd?, cost: () -> JSONValue
  ) -> LinkRequest? {
    guard hasStarted else {
      let start: [String: JSONValue] = [
        "protocol_version": .int(Int64(Versions.workerProtocol)),
        "environment": HostFacts.environment,
      ]
      return json(.start, "start", .object(start))
    }
    if !points.waiting.isEmpty, isEnding || now >= times.metrics {
      let (body, count) = points.request()
      times.metrics = now + Self.metricsInterval
      return LinkRequest(purpose: .metrics(count), path: path("metrics"), body: body)
    }
    while !spoolIsOthers, let parcel = parcels.first {
      if let body = files.readParcel(parcel).flatMap({ Points.request(parcel: $0) }) {
        return LinkRequest(purpose: .parcel(parcel), path: path("metrics"), body: body)
      }
      // It is for `assay-worker --flush`.
      guard isEnding else { break }
      parcels.removeFirst()
    }
    if sentLog < output.fileBytes, isEnding || now >= times.log {
      times.log = now + Self.logInterval
      let piece = output.piece(at: sentLog, atMost: Self.logPiece)
      if !piece.isEmpty {
        return LinkRequest(
          purpose: .log(end: sentLog + piece.count), path: path("log") + "?offset=\(sentLog)",
          body: piece, isJSON: false)
      }
    }
    if isEnding {
      // The end comes last, so what is to be sent by another process keeps it back.
      guard let end, files.parcels().isEmpty else { return nil }
      return json(.finish, "finish", end.finish(cost: cost(), at: WallClock.system.now()))
    }
    guard now >= times.progress else { return nil }
    times.progress = now + Self.progressInterval
    let progress: [String: JSONValue] = [
      "epoch": .int(0), "epochs": .int(0), "step": .int(0), "steps": .int(0),
      "samples_per_second": .int(0),
    ]
    return json(.progress, "progress", .object(["progress": .object(progress), "cost": cost()]))
  }

  private func json(
    _ purpose: LinkRequest.Purpose, _ action: String, _ body: JSONValue
  ) -> LinkRequest {
    LinkRequest(purpose: purpose, path: path(action), body: Array(body.canonicalText.utf8))
  }

  private func path(_ action: String) -> String { "/api/v1/attempts/\(order.attempt)/\(action)" }

  /// Takes the answer if it is there.
  mutating func proceed() {
    switch link.proceed() {
    case .waiting: break
    case .broken: away(Moment.now)
    case .answer(let answer): take(answer)
    }
  }

  private mutating func away(_ now: Double) {
    awaySince = awaySince ?? now
    times.retry = now + pause
    pause = min(pause * 2, Self.longest)
    if !spoolIsOthers, now >= times.spool, now - (awaySince ?? now) > 0.5 {
      times.spool = now + 1
      spool(durable: endingSince != nil)
    }
  }

  private mutating func take(_ answer: LinkAnswer) {
    if answer.isFence {
      isFenced = true
      return
    }
    guard answer.status < 300 else { return takeError(answer) }
    awaySince = nil
    pause = Self.shortest
    switch answer.purpose {
    case .start:
      hasStarted = true
      if answer.body?["cancelled"] == .bool(true) { wantsStop = true }
    case .metrics(let count): points.removeFirst(count)
    case .parcel(let number):
      files.removeParcel(number)
      parcels.removeAll { $0 == number }
    case .log(let end): sentLog = max(end, answer.body?["next"]?.intValue ?? end)
    case .progress: break
    case .finish: isFinished = true
    }
  }

  private mutating func takeError(_ answer: LinkAnswer) {
    guard answer.isFinal else { return away(Moment.now) }
    let words = "\(answer.code): \(answer.message)"
    switch answer.purpose {
    case .start, .finish:
      refusal = Failure(code: answer.code, message: answer.message)
      wantsStop = true
    case .metrics(let count):
      output.append("assay: \(count) points are refused: \(words)\n")
      points.removeFirst(count)
    case .parcel(let number):
      output.append("assay: points are refused: \(words)\n")
      files.removeParcel(number)
      parcels.removeAll { $0 == number }
    // The daemon knows less than it did: from the beginning, it leaves out what it has.
    case .log: sentLog = sentLog == 0 ? output.fileBytes : 0
    case .progress: break
    }
  }

  // MARK: The spool

  /// Whether all points are in the spool now.
  @discardableResult
  private mutating func spool(durable: Bool) -> Bool {
    while !points.waiting.isEmpty {
      let (bytes, count) = points.parcel()
      do {
        try files.addParcel(bytes, number: nextParcel, durable: durable)
      } catch {
        // The disk is full or gone; they stay in memory.
        return false
      }
      parcels.append(nextParcel)
      nextParcel += 1
      points.removeFirst(count)
    }
    return true
  }

  // MARK: The end

  /// Whether the end is on record: the daemon has it, or all that it needs is in the folder.
  mutating func conclude(_ end: ProgramEnd, cost: JSONValue) -> Bool {
    var end = end
    let now = Moment.now
    if isFinished {
      write(end, cost, unsent: false, durable: false)
      return true
    }
    if let refusal {
      end.state = .failed
      end.failure = refusal
      return write(end, cost, unsent: false, durable: true)
    }
    let isForAnother =
      hasStarted && link.isIdle && points.waiting.isEmpty && sentLog >= output.fileBytes
      && parcels.isEmpty && !files.parcels().isEmpty
    let patience = isHurried ? Self.hurriedPatience : Self.patience
    let isLate =
      awaySince.map { now - max($0, endingSince ?? now) > patience } ?? false
    guard isForAnother || isLate, now >= times.record else { return false }
    times.record = now + 1
    guard spool(durable: true) else { return false }
    return write(end, cost, unsent: !files.parcels().isEmpty, durable: true)
  }

  @discardableResult
  private mutating func write(
    _ end: ProgramEnd, _ cost: JSONValue, unsent: Bool, durable: Bool
  ) -> Bool {
    let record = end.record(cost: cost, at: WallClock.system.now(), unsent: unsent)
    do {
      try files.writeExit(record, durable: durable)
      return true
    } catch {
      return false
    }
  }

  // MARK: Time

  /// When there is something to do again if nothing happens before.
  func nextDue(isEnding: Bool) -> Double {
    let now = Moment.now
    guard link.isIdle, refusal == nil else { return now + 1 }
    guard hasStarted else { return max(now, times.retry) }
    if isEnding { return max(now + 0.05, min(times.retry, now + 1)) }
    var due = times.progress
    if !points.waiting.isEmpty { due = min(due, times.metrics) }
    if sentLog < output.fileBytes { due = min(due, times.log) }
    if !parcels.isEmpty, !spoolIsOthers { due = now }
    return max(due, times.retry)
  }
}
