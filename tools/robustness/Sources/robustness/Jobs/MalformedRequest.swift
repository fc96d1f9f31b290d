// A request that is wrong in some way, made from a seed. Some turn out to be right after all: what
// matters is that each is answered or sent away, soon, and that nothing else happens.

struct MalformedRequest {
  let bytes: [UInt8]
  /// For a person who reads what was found.
  let kind: Kind

  enum Kind: Int, CaseIterable {
    case requestLine, header, hugeHeader, manyHeaders, length, chunks, json, path, query, noise
    case flippedBytes, cutShort, pipelined, points
  }

  init(_ random: inout Random) {
    kind = Kind.allCases[random.number(0...Kind.allCases.count - 1)]
    bytes = Self.bytes(kind, &random)
  }

  private static func bytes(_ kind: Kind, _ random: inout Random) -> [UInt8] {
    switch kind {
    case .requestLine: return Array(requestLine(&random).utf8) + Array("\r\nHost: a\r\n\r\n".utf8)
    case .header: return header(&random)
    case .hugeHeader:
      let size = random.number(1...220_000)
      let name = random.oneIn(4) ? String(repeating: "N", count: size / 2) : "X-Huge"
      let value = String(repeating: "v", count: size)
      return Array("GET /api/v1/health HTTP/1.1\r\nHost: a\r\n\(name): \(value)\r\n\r\n".utf8)
    case .manyHeaders:
      var text = "GET /api/v1/health HTTP/1.1\r\nHost: a\r\n"
      for number in 0..<random.number(50...2_000) { text += "X-\(number): \(number)\r\n" }
      return Array((text + "\r\n").utf8)
    case .length: return length(&random)
    case .chunks: return chunks(&random)
    case .json: return post(&random, body: json(&random))
    case .path: return get(path(&random))
    case .query:
      return get("/api/v1/runs?\(pick(&random, Self.queries))=\(escape(garbage(&random, 300)))")
    case .noise: return random.bytes(random.number(1...4_000))
    case .flippedBytes:
      var bytes = valid(&random)
      for _ in 0..<random.number(1...6) {
        bytes[random.number(0...bytes.count - 1)] = UInt8(truncatingIfNeeded: random.next())
      }
      return bytes
    case .cutShort:
      let bytes = valid(&random)
      return Array(bytes.prefix(random.number(1...bytes.count)))
    case .pipelined:
      var bytes: [UInt8] = []
      for _ in 0..<random.number(2...8) {
        bytes += random.oneIn(3) ? Self.bytes(.flippedBytes, &random) : valid(&random)
      }
      return bytes
    case .points: return points(&random)
    }
  }

  private static let methods = [
    "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "CONNECT", "TRACE", "BREW", "get",
  ]
  private static let posts = [
    "/jobs", "/runs", "/compare", "/checks", "/schedules", "/runs/1/params", "/runs/1/metrics",
    "/runs/1/end", "/attempts/1/start", "/attempts/1/metrics", "/attempts/1/log",
    "/attempts/1/finish", "/import/runs", "/jobs/1/cancel", "/runs/1/chunks/missing",
    "/runs/1/artifacts", "/runs/1/checkpoints", "/attempts/1/content",
  ]
  private static let queries = [
    "where", "order", "limit", "cursor", "columns", "nothing", "", "%00", "where=1&where",
  ]

  private static func pick<Item>(_ random: inout Random, _ items: [Item]) -> Item {
    items[random.number(0...items.count - 1)]
  }

  private static func garbage(_ random: inout Random, _ most: Int) -> [UInt8] {
    random.bytes(random.number(0...most))
  }

  private static func escape(_ bytes: [UInt8]) -> String {
    bytes.map { byte in
      let digits = String(byte, radix: 16)
      return digits.count == 1 ? "%0\(digits)" : "%\(digits)"
    }.joined()
  }

  private static func get(_ path: String) -> [UInt8] {
    Array("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
  }

  private static func post(_ random: inout Random, body: [UInt8]) -> [UInt8] {
    let path = pick(&random, posts)
    let token = random.oneIn(3) ? "Authorization: Bearer \(random.hexadecimal(64))\r\n" : ""
    return Array(
      "POST /api/v1\(path) HTTP/1.1\r\nHost: a\r\n\(token)Content-Length: \(body.count)\r\n\r\n"
        .utf8) + body
  }

  private static func valid(_ random: inout Random) -> [UInt8] {
    switch random.number(0...3) {
    case 0: get("/api/v1/health")
    case 1: get("/api/v1/runs?limit=3")
    case 2: get("/api/v1/jobs/\(random.number(1...9))")
    default: post(&random, body: Array(#"{"experiment": "nonsense", "params": {"a": 1}}"#.utf8))
    }
  }

  private static func requestLine(_ random: inout Random) -> String {
    let path = random.oneIn(2) ? "/api/v1/health" : path(&random)
    switch random.number(0...8) {
    case 0: return "\(pick(&random, methods)) \(path)"
    case 1: return "\(pick(&random, methods)) \(path) HTTP/\(random.number(0...99)).1"
    case 2: return "\(pick(&random, methods))\(path) HTTP/1.1"
    case 3: return "\(path) HTTP/1.1"
    case 4: return "GET  \(path)\t HTTP/1.1"
    case 5: return "\(String(repeating: "G", count: random.number(1...40_000))) \(path) HTTP/1.1"
    case 6: return "PRI * HTTP/2.0"
    case 7: return "GET http://elsewhere\(path) HTTP/1.1"
    default: return "\(pick(&random, methods)) \(path) HTTP/1.1"
    }
  }

  private static func path(_ random: inout Random) -> String {
    let parts = [
      "..", ".", "%2e%2e", "%00", "%", "%zz", "api", "v1", "runs", "jobs", "schemas", "artifacts",
      "1", "-1", "0", "99999999999999999999", "@latest", "@", "%ff%fe", "ä", "*", "{run}", "**", "",
      "checkpoints", "best", "file", "chunks", "etc", "passwd", "log", "metrics", "loss", "detail",
      String(repeating: "long", count: random.number(1...5_000)),
    ]
    let prefix = pick(&random, ["/api/v1", "/api/v1", "/", "", "//api//v1", "/api/v1/runs/1"])
    return prefix
      + (0..<random.number(0...6)).map { _ in "/" + pick(&random, parts) }.joined()
  }

  private static func header(_ random: inout Random) -> [UInt8] {
    let lines: [[UInt8]] = [
      Array("NoColon".utf8), Array(": nothing".utf8), Array(" folded: x".utf8),
      Array("Host: b\r\nHost: c".utf8), Array("Na me: x".utf8), Array("Name : x".utf8),
      Array("X: \0".utf8), Array("X: ".utf8) + random.bytes(40), random.bytes(20),
      Array("Transfer-Encoding: gzip, chunked".utf8), Array("Connection: upgrade".utf8),
      Array("Upgrade: websocket\r\nConnection: Upgrade".utf8), Array("Expect: 100-continue".utf8),
      Array("Expect: the worst".utf8), Array("Authorization: Bearer".utf8),
      Array("Authorization: Basic \u{0}".utf8), Array("Last-Event-ID: x".utf8),
      Array("Connection: close".utf8), Array("Content-Length: 0\r\nContent-Length: 0".utf8),
    ]
    var bytes = Array("\(pick(&random, methods)) /api/v1/health HTTP/1.1\r\n".utf8)
    if !random.oneIn(4) { bytes += Array("Host: a\r\n".utf8) }
    for _ in 0..<random.number(1...5) {
      bytes += pick(&random, lines) + Array((random.oneIn(9) ? "\n" : "\r\n").utf8)
    }
    return bytes + Array("\r\n".utf8)
  }

  private static func length(_ random: inout Random) -> [UInt8] {
    let told = pick(
      &random,
      [
        "-1", "1e9", "0x10", "99999999999999999999999", "18446744073709551615", "1, 2", "", "5 5",
        "9223372036854775807", "+5", "1048576000", "4", "1\r\nContent-Length: 5",
        "3\r\nTransfer-Encoding: chunked",
      ])
    let head = "POST /api/v1\(pick(&random, posts)) HTTP/1.1\r\nHost: a\r\nContent-Length: "
    return Array((head + told + "\r\n\r\n").utf8) + garbage(&random, 100)
  }

  private static func chunks(_ random: inout Random) -> [UInt8] {
    var bytes = Array(
      "POST /api/v1\(pick(&random, posts)) HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        .utf8)
    for _ in 0..<random.number(1...6) {
      let size = pick(
        &random,
        ["5", "0", "-1", "ffffffffffffffff", "fffffffffffffffff", "5;name=\0", "zz", "", "3"])
      bytes += Array("\(size)\r\n".utf8) + Array("{\"a\":".utf8)
      if !random.oneIn(4) { bytes += Array("\r\n".utf8) }
    }
    return random.oneIn(2) ? bytes : bytes + Array("0\r\n\r\n".utf8)
  }

  private static func json(_ random: inout Random) -> [UInt8] {
    switch random.number(0...8) {
    case 0: return garbage(&random, 500)
    case 1:
      let depth = random.number(1...60_000)
      return Array(String(repeating: pick(&random, ["[", "{\"a\":"]), count: depth).utf8)
    case 2:
      let depth = random.number(1...20_000)
      return Array(
        (String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
    case 3: return Array("{\"jobs\": \(value(&random, 3)), \"context\": \(value(&random, 3))}".utf8)
    case 4:
      let spec =
        "{\"kind\": \"train\", \"model\": \(value(&random, 3)), \"seed\": \(value(&random, 1))}"
      let uid = random.oneIn(2) ? random.hexadecimal(32) : "short"
      return Array(
        ("{\"jobs\": [{\"uid\": \"\(uid)\", \"spec\": \(spec)}], "
          + "\"context\": {\"directory\": \"/\", \"user\": \"u\"}}").utf8)
    case 5:
      return Array("{\"params\": \(value(&random, 2)), \"experiment\": \(value(&random, 1))}".utf8)
    case 6: return Array("{\"a\": \"\\ud800\", \"\\u0000\": \"\u{1}\"}".utf8)
    case 7:
      return Array("{\"a\": 1, \"a\": 2, \"b\": 1\(String(repeating: "0", count: 5_000))}".utf8)
    default: return [0xEF, 0xBB, 0xBF] + Array("{}".utf8) + [0]
    }
  }

  private static func value(_ random: inout Random, _ depth: Int) -> String {
    let scalars = [
      "null", "true", "0", "-1", "1e400", "1e-400", "99999999999999999999", "\"\"", "\"\\u0000\"",
      "\"NaN\"", "NaN", "-", "\"\(String(repeating: "x", count: random.number(0...9_000)))\"",
    ]
    guard depth > 0, !random.oneIn(3) else { return pick(&random, scalars) }
    let items = (0..<random.number(0...5)).map { _ in value(&random, depth - 1) }
    if random.oneIn(2) { return "[\(items.joined(separator: ", "))]" }
    let names = ["kind", "type", "units", "uid", "spec", "", "path", "dataset"]
    return "{\(items.map { "\"\(pick(&random, names))\": \($0)" }.joined(separator: ", "))}"
  }

  private static func points(_ random: inout Random) -> [UInt8] {
    let type = pick(
      &random, ["application/x-assay-points", "application/vnd.assay.points", "application/json"])
    let body =
      random.oneIn(2)
      ? garbage(&random, 2_000)
      : Array(
        "{\"metrics\": [{\"key\": \(value(&random, 1)), \"points\": \(value(&random, 3))}]}".utf8)
    return Array(
      ("POST /api/v1/runs/\(random.number(1...3))/metrics HTTP/1.1\r\nHost: a\r\n"
        + "Content-Type: \(type)\r\nContent-Length: \(body.count)\r\n\r\n").utf8) + body
  }
}
