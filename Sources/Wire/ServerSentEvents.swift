// Server-sent events as in the HTML standard (section 9.2): writing one, and reading a stream of
// them piece by piece. Only what Assay sends is understood: no `retry:`, no byte order mark.

/// One event of a stream.
package struct ServerSentEvent: Sendable, Equatable {
  package var name: String
  /// What a client sends back as `Last-Event-ID` to go on after this event.
  package var id: String?
  package var data: String

  package init(name: String, id: String? = nil, data: String) {
    self.name = name
    self.id = id
    self.data = data
  }

  /// The event as it goes over the wire.
  package var text: String {
    var text = "event: \(name)\n"
    if let id { text += "id: \(id)\n" }
    for line in data.split(separator: "\n", omittingEmptySubsequences: false) {
      text += "data: \(line)\n"
    }
    return text + "\n"
  }

  /// A comment: keeps a silent connection alive and is ignored by readers.
  package static let keepAlive = ": alive\n\n"
}

/// Reads events out of bytes that arrive in pieces of any size.
package struct ServerSentEventReader: Sendable {
  private var line: [UInt8] = []
  private var name = ""
  private var id: String?
  private var data: [String] = []

  package init() {}

  /// The events that `bytes` completes.
  package mutating func read(_ bytes: some Sequence<UInt8>) -> [ServerSentEvent] {
    var events: [ServerSentEvent] = []
    for byte in bytes {
      if byte != UInt8(ascii: "\n") {
        line.append(byte)
        continue
      }
      if line.last == UInt8(ascii: "\r") { line.removeLast() }
      if let event = take(String(decoding: line, as: UTF8.self)) { events.append(event) }
      line.removeAll(keepingCapacity: true)
    }
    return events
  }

  private mutating func take(_ line: String) -> ServerSentEvent? {
    if line.isEmpty {
      defer {
        name = ""
        id = nil
        data = []
      }
      guard !data.isEmpty else { return nil }
      return ServerSentEvent(
        name: name.isEmpty ? "message" : name, id: id, data: data.joined(separator: "\n"))
    }
    guard let colon = line.firstIndex(of: ":"), colon != line.startIndex else { return nil }
    var value = line[line.index(after: colon)...]
    if value.first == " " { value.removeFirst() }
    switch line[..<colon] {
    case "event": name = String(value)
    case "id": id = String(value)
    case "data": data.append(String(value))
    default: break
    }
    return nil
  }
}
