// An event of TensorFlow's event.proto and the values of its summary, as far as they are read here.

struct EventMessage {
  struct Summary {
    var tag = ""
    /// A scalar of either form; nil for everything else.
    var scalar: Double?
    /// The plugin named in the metadata, if there are any.
    var plugin: String?
    /// What the plugin keeps there.
    var pluginContent: UnsafeRawBufferPointer?
    /// What it is if it is no scalar: `image`, `histogram` …
    var kind = "empty"
  }

  /// Seconds since 1970.
  var wallTime = 0.0
  var step: Int64 = 0
  var summaries: [Summary] = []

  /// The summaries hold pointers into `bytes`.
  init(_ bytes: UnsafeRawBufferPointer) throws(ProtobufFields.Malformed) {
    var fields = ProtobufFields(bytes)
    while let (number, value) = try fields.next() {
      switch number {
      case 1: wallTime = value.double ?? wallTime
      case 2: step = value.integer ?? step
      case 5:
        guard let summary = value.message else { throw ProtobufFields.Malformed() }
        var values = ProtobufFields(summary)
        while let (number, value) = try values.next() {
          guard number == 1, let message = value.message else { continue }
          summaries.append(try Self.summary(message))
        }
      default: break
      }
    }
  }

  private static func summary(
    _ bytes: UnsafeRawBufferPointer
  ) throws(ProtobufFields.Malformed) -> Summary {
    var summary = Summary()
    var fields = ProtobufFields(bytes)
    while let (number, value) = try fields.next() {
      switch number {
      case 1:
        guard let tag = value.text else { throw ProtobufFields.Malformed() }
        summary.tag = tag
      case 2: summary.scalar = value.float.map(Double.init)
      case 4: summary.kind = "image"
      case 5: summary.kind = "histogram"
      case 6: summary.kind = "audio"
      case 8:
        guard let tensor = value.message else { throw ProtobufFields.Malformed() }
        summary.kind = "tensor"
        summary.scalar = try ScalarTensor.value(tensor)
      case 9:
        guard let metadata = value.message else { throw ProtobufFields.Malformed() }
        try readPlugin(metadata, into: &summary)
      default: break
      }
    }
    return summary
  }

  private static func readPlugin(
    _ metadata: UnsafeRawBufferPointer, into summary: inout Summary
  ) throws(ProtobufFields.Malformed) {
    var fields = ProtobufFields(metadata)
    while let (number, value) = try fields.next() {
      guard number == 1, let plugin = value.message else { continue }
      var parts = ProtobufFields(plugin)
      while let (number, value) = try parts.next() {
        switch number {
        case 1: summary.plugin = value.text
        case 2: summary.pluginContent = value.message
        default: break
        }
      }
    }
  }
}

/// A TensorProto of one float or double.
enum ScalarTensor {
  private static let (floatType, doubleType): (Int64, Int64) = (1, 2)

  /// Nil if it is anything else.
  static func value(_ bytes: UnsafeRawBufferPointer) throws(ProtobufFields.Malformed) -> Double? {
    var type: Int64 = 0
    var elements = 1
    var content: UnsafeRawBufferPointer?
    var (floats, doubles): ([Float], [Double]) = ([], [])
    var fields = ProtobufFields(bytes)
    while let (number, value) = try fields.next() {
      switch number {
      case 1: type = value.integer ?? 0
      case 2: if let shape = value.message { elements = try Self.elements(shape) }
      case 4: content = value.message
      case 5:
        if let one = value.float { floats.append(one) }
        if let packed = value.message {
          for place in stride(from: 0, to: packed.count - 3, by: 4) {
            floats.append(packed.float(at: place))
          }
        }
      case 6:
        if let one = value.double { doubles.append(one) }
        if let packed = value.message {
          for place in stride(from: 0, to: packed.count - 7, by: 8) {
            doubles.append(packed.double(at: place))
          }
        }
      default: break
      }
    }
    guard elements == 1 else { return nil }
    switch (type, content) {
    case (floatType, let content?) where content.count == 4:
      return Double(content.float(at: 0))
    case (doubleType, let content?) where content.count == 8:
      return content.double(at: 0)
    // A tensor leaves out what is zero.
    case (floatType, nil) where floats.count <= 1: return Double(floats.first ?? 0)
    case (doubleType, nil) where doubles.count <= 1: return doubles.first ?? 0
    default: return nil
    }
  }

  /// 1 if the shape is that of one element, else 0.
  private static func elements(
    _ shape: UnsafeRawBufferPointer
  ) throws(ProtobufFields.Malformed) -> Int {
    var fields = ProtobufFields(shape)
    while let (number, value) = try fields.next() {
      guard number == 2, let dimension = value.message else { continue }
      var size: Int64 = 0
      var parts = ProtobufFields(dimension)
      while let (number, value) = try parts.next() {
        if number == 1 { size = value.integer ?? 0 }
      }
      guard size == 1 else { return 0 }
    }
    return 1
  }
}

extension UnsafeRawBufferPointer {
  fileprivate func float(at place: Int) -> Float {
    Float(bitPattern: UInt32(littleEndian: loadUnaligned(fromByteOffset: place, as: UInt32.self)))
  }

  fileprivate func double(at place: Int) -> Double {
    Double(bitPattern: UInt64(littleEndian: loadUnaligned(fromByteOffset: place, as: UInt64.self)))
  }
}
