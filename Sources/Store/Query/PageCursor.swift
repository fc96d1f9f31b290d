// Where a page of a list ended: the sort keys and the id of its last run, so that the next page
// begins right there whatever has been added meanwhile. Its text means nothing to others.

import Checkpoints
import Experiments
import Foundation
import GRDB

struct PageCursor: Equatable {
  let keys: [DatabaseValue]
  let id: Int64
  /// Of the order it belongs to: with another one it would skip and repeat.
  let orderHash: String

  init(keys: [DatabaseValue], id: Int64, orderBy: [String]) {
    self.keys = keys
    self.id = id
    orderHash = Self.hash(orderBy)
  }

  /// - Throws: `invalid_value` if it is none, or one of another order.
  init(_ text: String, orderBy: [String], terms: Int) throws {
    let invalid = StoreError.invalidValue(
      field: "cursor", message: "is not one that this list has given for this order")
    guard let data = Data(base64Encoded: Self.padded(text)),
      let parts = JSONText.parseForeign(String(decoding: data, as: UTF8.self))?.arrayValue,
      parts.count == terms + 2, let hash = parts[0].stringValue, hash == Self.hash(orderBy),
      case .int(let id) = parts[1]
    else { throw invalid }
    orderHash = hash
    self.id = id
    keys = try parts[2...].map { part in
      switch part {
      case .null: .null
      case .int(let value): value.databaseValue
      case .string(let value): value.databaseValue
      case .array(let bits):
        if case .int(let bits)? = bits.first {
          Double(bitPattern: UInt64(bitPattern: bits)).databaseValue
        } else {
          throw invalid
        }
      default: throw invalid
      }
    }
  }

  var text: String {
    let parts = keys.map { key -> JSONValue in
      switch key.storage {
      case .int64(let value): .int(value)
      // Bits, so that it reads back exactly, infinities included.
      case .double(let value): .array([.int(Int64(bitPattern: value.bitPattern))])
      case .string(let value): .string(value)
      case .null, .blob: .null
      }
    }
    let json = JSONValue.array([.string(orderHash), .int(id)] + parts).canonicalText
    return Data(json.utf8).base64EncodedString()
      .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
  }

  private static func padded(_ text: String) -> String {
    let plain = text.replacing("-", with: "+").replacing("_", with: "/")
    return plain + String(repeating: "=", count: (4 - plain.utf8.count % 4) % 4)
  }

  private static func hash(_ orderBy: [String]) -> String {
    String(ContentHash.sha256Hex(orderBy.joined(separator: "\u{0}")).prefix(12))
  }
}
