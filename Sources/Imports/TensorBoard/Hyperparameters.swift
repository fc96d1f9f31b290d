// What TensorBoard's hparams plugin keeps of a run: its hyperparameters, and how it ended.

import Experiments

enum Hyperparameters {
  static let plugin = "hparams"

  struct Content {
    var params: [String: String] = [:]
    /// Lists and structures, which are no params.
    var skipped: [String] = []
    var endSeconds: Double?
    var status: RunStatus?
  }

  /// - Parameter bytes: an HParamsPluginData.
  static func content(_ bytes: UnsafeRawBufferPointer) throws(ProtobufFields.Malformed) -> Content {
    var content = Content()
    var fields = ProtobufFields(bytes)
    while let (number, value) = try fields.next() {
      guard let message = value.message else { continue }
      switch number {
      case 3: try readStart(message, into: &content)
      case 4: try readEnd(message, into: &content)
      default: break
      }
    }
    return content
  }

  private static func readStart(
    _ bytes: UnsafeRawBufferPointer, into content: inout Content
  ) throws(ProtobufFields.Malformed) {
    var fields = ProtobufFields(bytes)
    while let (number, value) = try fields.next() {
      switch number {
      case 1:
        guard let entry = value.message else { continue }
        var parts = ProtobufFields(entry)
        var key = ""
        var text: String?
        while let (number, value) = try parts.next() {
          if number == 1 { key = value.text ?? "" }
          if number == 2, let message = value.message { text = try self.text(message) }
        }
        if let text { content.params[key] = text } else { content.skipped.append(key) }
      default: break
      }
    }
  }

  private static func readEnd(
    _ bytes: UnsafeRawBufferPointer, into content: inout Content
  ) throws(ProtobufFields.Malformed) {
    var fields = ProtobufFields(bytes)
    while let (number, value) = try fields.next() {
      switch (number, value.integer) {
      case (1, 1): content.status = .finished
      case (1, 2): content.status = .failed
      case (1, 3): content.status = .running
      case (2, _): content.endSeconds = value.double
      default: break
      }
    }
  }

  /// A google.protobuf.Value as a param's text; nil for lists and structures.
  private static func text(
    _ bytes: UnsafeRawBufferPointer
  ) throws(ProtobufFields.Malformed) -> String? {
    var text: String?
    var fields = ProtobufFields(bytes)
    while let (number, value) = try fields.next() {
      switch number {
      case 1: text = "null"
      case 2: text = value.double.map(number(_:))
      case 3: text = value.text
      case 4: text = value.integer == 0 ? "false" : "true"
      default: break
      }
    }
    return text
  }

  /// All numbers are doubles there: whole ones are shown as such.
  private static func number(_ value: Double) -> String {
    if abs(value) < 0x1p53, let whole = Int64(exactly: value) { return String(whole) }
    return MetricValue.text(value)
  }
}
