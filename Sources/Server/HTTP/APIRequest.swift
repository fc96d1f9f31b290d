// A request as its endpoint sees it: parameters by name and kind, and a body of limited size and
// time.

import Experiments
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Store
import Wire

struct APIRequest: Sendable {
  private let request: Request
  private let parameters: Parameters
  private let queryItems: [String: String]
  private let bodyLimit: Int
  private let workshop: Workshop
  /// Whose token was sent; nil without one.
  var scope: Store.TokenScope?

  /// Throws where the query is not one that the endpoint takes.
  init(
    _ request: Request, parameters: Parameters, endpoint: Endpoint, workshop: Workshop
  ) throws(ServerError) {
    self.request = request
    self.parameters = parameters
    self.workshop = workshop
    bodyLimit = endpoint.bodyLimit
    queryItems = try Self.query(request.uri.query ?? "", allowed: endpoint.query)
  }

  // MARK: Parameters

  /// A part of the path.
  func text(_ name: String) throws(ServerError) -> String {
    guard let raw = parameters.get(name) else { throw .missingParameter(name: name) }
    guard let text = raw.removingPercentEncoding, !text.isEmpty else {
      throw .badParameter(name: name, value: raw, expected: "percent-encoded UTF-8")
    }
    return text
  }

  /// What the path's last parameter took: any number of parts.
  func rest() throws(ServerError) -> String {
    let raw = parameters.getCatchAll().joined(separator: "/")
    guard let text = raw.removingPercentEncoding, !text.isEmpty else {
      throw .badParameter(name: "path", value: raw, expected: "percent-encoded UTF-8")
    }
    return text
  }

  func id(_ name: String) throws(ServerError) -> Int64 {
    let text = try text(name)
    guard let id = Int64(text), id > 0 else {
      throw .badParameter(name: name, value: text, expected: "a number such as 12")
    }
    return id
  }

  func query(_ name: String) -> String? { queryItems[name] }

  func integer<Number: FixedWidthInteger>(
    _ name: String, in range: ClosedRange<Number>
  ) throws(ServerError) -> Number? {
    guard let text = queryItems[name] else { return nil }
    guard let value = Number(text), range.contains(value) else {
      throw .badParameter(
        name: name, value: text,
        expected: "a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  /// The number of items on a page.
  func limit(default count: Int = 100) throws(ServerError) -> Int {
    try integer("limit", in: 1...Limits.pageItems) ?? count
  }

  func flag(_ name: String) throws(ServerError) -> Bool {
    switch queryItems[name] {
    case nil, "false": return false
    case "true", "": return true
    case let text?: throw .badParameter(name: name, value: text, expected: "true or false")
    }
  }

  /// Names separated by commas, each one of the enum's.
  func list<Name: RawRepresentable & CaseIterable>(
    _ name: String, of: Name.Type
  ) throws(ServerError) -> [Name] where Name.RawValue == String {
    var names: [Name] = []
    for part in items(name) {
      guard let value = Name(rawValue: part) else {
        let all = Name.allCases.map(\.rawValue).joined(separator: ", ")
        throw .badParameter(name: name, value: part, expected: "one of \(all)")
      }
      names.append(value)
    }
    return names
  }

  /// Texts separated by commas.
  func items(_ name: String) -> [String] {
    (queryItems[name] ?? "").split(separator: ",")
      .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
  }

  func header(_ name: HTTPField.Name) -> String? { request.headers[name] }

  var method: HTTPRequest.Method { request.method }

  var hasToken: Bool { request.headers[.authorization] != nil }

  /// The token of a worker's attempt.
  func token() throws(ServerError) -> String {
    guard let value = request.headers[.authorization], value.hasPrefix("Bearer "),
      case let token = value.dropFirst(7), (1...200).contains(token.utf8.count)
    else { throw .tokenMissing }
    return String(token)
  }

  // MARK: Body

  /// One that does not come to its end ends with its connection.
  func body() async throws -> ByteBuffer {
    let limit = bodyLimit
    if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > limit {
      throw ServerError.bodyTooLarge(limit: limit)
    }
    var whole = ByteBuffer()
    for try await piece in request.body {
      guard whole.readableBytes + piece.readableBytes <= limit else {
        throw ServerError.bodyTooLarge(limit: limit)
      }
      // The first piece nearly always is the only one, and then is taken as it is.
      if whole.readableBytes == 0 { whole = piece } else { whole.writeImmutableBuffer(piece) }
    }
    return whole
  }

  func bytes() async throws -> [UInt8] { Array(buffer: try await body()) }

  /// - Parameter hasSpec: whether there is a `JSONValue` in it. In one, the text "NaN" (a common
  ///   mark of missing values) must stay text, so then the non-finite numbers have no texts.
  func json<Value: Decodable & Sendable>(
    _ type: Value.Type = Value.self, hasSpec: Bool = false
  ) async throws -> Value {
    let body = try await body()
    // Decoding a large batch takes long enough to hold up everything else on the pool.
    if body.readableBytes > 32 << 10 {
      return try await workshop.run { try Self.decode(body, hasSpec: hasSpec) }
    }
    return try Self.decode(body, hasSpec: hasSpec)
  }

  private static func decode<Value: Decodable>(
    _ body: ByteBuffer, hasSpec: Bool
  ) throws -> Value {
    try decode(Value.self, from: body.readableBytesView, hasSpec: hasSpec)
  }

  /// - Throws: `bad_json`.
  static func decode<Value: Decodable>(
    _ type: Value.Type, from body: some Collection<UInt8>, hasSpec: Bool = false
  ) throws -> Value {
    let decoder = WireCoding.decoder()
    if hasSpec { decoder.nonConformingFloatDecodingStrategy = .throw }
    do {
      return try decoder.decode(Value.self, from: Data(body))
    } catch let error as DecodingError {
      throw JSONMistake.error(error)
    }
  }

  // MARK: Query

  private static func query(
    _ text: String, allowed: [String]
  ) throws(ServerError) -> [String: String] {
    var items: [String: String] = [:]
    for part in text.split(separator: "&") {
      let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = try decoded(pair[0], name: "query")
      guard allowed.contains(name) else {
        throw .unknownParameter(name: String(name.prefix(80)), allowed: allowed)
      }
      items[name] = pair.count == 2 ? try decoded(pair[1], name: name) : ""
    }
    return items
  }

  private static func decoded(_ text: Substring, name: String) throws(ServerError) -> String {
    guard let result = text.replacing("+", with: " ").removingPercentEncoding else {
      throw .badParameter(name: name, value: String(text), expected: "percent-encoded UTF-8")
    }
    return result
  }
}
