// Answers: JSON as everywhere on the wire, or bytes as they are.

import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Wire

enum Reply {
  static func json(
    _ value: some Encodable, status: HTTPResponse.Status = .ok
  ) throws -> Response {
    response(try WireCoding.encoder().encode(value), status: status)
  }

  /// The same for answers that may be large, encoded where that holds up nobody.
  static func json(
    large value: some Encodable & Sendable, in workshop: Workshop
  ) async throws -> Response {
    response(try await workshop.run { try WireCoding.encoder().encode(value) }, status: .ok)
  }

  /// JSON that has been written already.
  static func json(bytes: [UInt8]) -> Response {
    Response(
      status: .ok, headers: [.contentType: "application/json"],
      body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
  }

  static func bytes(
    _ bytes: [UInt8], contentType: String, headers: HTTPFields = [:]
  ) -> Response {
    var headers = headers
    headers[.contentType] = contentType
    // What a run recorded is data, never a page to be run in a browser.
    headers[.xContentTypeOptions] = "nosniff"
    return Response(
      status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
  }

  static var acknowledged: Response {
    get throws { try json(Acknowledged()) }
  }

  private static func response(_ data: Data, status: HTTPResponse.Status) -> Response {
    Response(
      status: status, headers: [.contentType: "application/json"],
      body: ResponseBody(byteBuffer: ByteBuffer(bytes: data)))
  }
}
