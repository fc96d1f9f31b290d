// Safetensors files that must be refused, each with the code of its error.

import Testing

struct MalformedFile: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let bytes: [UInt8]
  let code: String

  init(_ description: String, _ bytes: [UInt8], _ code: String) {
    testDescription = description
    self.bytes = bytes
    self.code = code
  }

  /// A file with one tensor "a" of this description.
  private init(_ description: String, tensor: String, content: Int, _ code: String) {
    self.init(description, safetensors(header: "{\"a\":{\(tensor)}}", content: content), code)
  }

  private init(_ description: String, header: String, _ code: String) {
    self.init(description, safetensors(header: header), code)
  }

  private static let invalid = "safetensors_header_invalid"
  private static let byte = #""a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}"#

  static let table: [MalformedFile] = [
    .init("no bytes", [], "safetensors_truncated"),
    .init("less than a length", [1, 0, 0], "safetensors_truncated"),
    .init("header longer than the file", [9, 0, 0, 0, 0, 0, 0, 0, 0x7B], "safetensors_truncated"),
    .init(
      "header over the limit", SafetensorsFixture.bytes(of: [UInt64(100_000_001)]),
      "safetensors_header_too_long"),
    .init(
      "greatest length", SafetensorsFixture.bytes(of: [UInt64.max]), "safetensors_header_too_long"),
    .init("empty header", header: "", invalid),
    .init("space before the header", header: " {}", invalid),
    .init("array", header: "[]", invalid),
    .init("no end", header: "{", invalid),
    .init("text without end", header: "{\"a", invalid),
    .init("escape without end", header: "{\"a\\", invalid),
    .init("trailing comma", header: "{\(byte),}", invalid),
    .init("something after the end", header: "{} {}", invalid),
    .init("zero byte after the end", header: "{}\0", invalid),
    .init("control character in a name", header: "{\"\u{1}\":{}}", invalid),
    .init("half a surrogate pair", header: #"{"\ud800":{}}"#, invalid),
    .init("two high surrogates", header: #"{"\ud800\ud800":{}}"#, invalid),
    .init("low surrogate alone", header: #"{"\udc00":{}}"#, invalid),
    .init("short \\u", header: #"{"\u12":{}}"#, invalid),
    .init("unknown escape", header: #"{"\x":{}}"#, invalid),
    .init(
      "name that is not UTF-8",
      SafetensorsFixture.bytes(of: [UInt64(8)]) + [0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x7B, 0x7D, 0x7D],
      invalid),
    .init("metadata that is no object", header: #"{"__metadata__":[]}"#, invalid),
    .init("metadata value that is no text", header: #"{"__metadata__":{"a":1}}"#, invalid),
    .init(
      "metadata key twice", header: #"{"__metadata__":{"a":"","a":""}}"#, "tensor_duplicate"),
    .init(
      "metadata twice", header: #"{"__metadata__":{},"__metadata__":{}}"#, "tensor_duplicate"),
    .init(
      "name twice", safetensors(header: "{\(byte),\(byte)}", content: 1), "tensor_duplicate"),
    .init("empty tensor object", tensor: "", content: 0, invalid),
    .init("no dtype", tensor: #""shape":[1],"data_offsets":[0,1]"#, content: 1, invalid),
    .init("no shape", tensor: #""dtype":"U8","data_offsets":[0,1]"#, content: 1, invalid),
    .init("no offsets", tensor: #""dtype":"U8","shape":[1]"#, content: 1, invalid),
    .init(
      "unknown key", tensor: #""dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1"#, content: 1,
      invalid),
    .init(
      "shape twice", tensor: #""dtype":"U8","shape":[1],"shape":[1],"data_offsets":[0,1]"#,
      content: 1, invalid),
    .init(
      "unknown dtype", tensor: #""dtype":"BF16","shape":[1],"data_offsets":[0,2]"#, content: 2,
      "tensor_type_unsupported"),
    .init(
      "negative dimension", tensor: #""dtype":"U8","shape":[-1],"data_offsets":[0,1]"#, content: 1,
      invalid),
    .init(
      "dimension with a fraction", tensor: #""dtype":"U8","shape":[1.0],"data_offsets":[0,1]"#,
      content: 1, invalid),
    .init(
      "dimension with a leading zero", tensor: #""dtype":"U8","shape":[01],"data_offsets":[0,1]"#,
      content: 1, invalid),
    .init(
      "dimension of 64 bits",
      tensor: #""dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,1]"#,
      content: 1, invalid),
    .init(
      "shape that overflows",
      tensor: #""dtype":"F64","shape":[4294967296,4294967296],"data_offsets":[0,0]"#, content: 0,
      "tensor_shape_invalid"),
    .init(
      "empty shape that overflows",
      tensor: #""dtype":"U8","shape":[0,9223372036854775807,2],"data_offsets":[0,0]"#, content: 0,
      "tensor_shape_invalid"),
    .init(
      "one offset", tensor: #""dtype":"U8","shape":[1],"data_offsets":[0]"#, content: 1,
      "tensor_offsets_invalid"),
    .init(
      "three offsets", tensor: #""dtype":"U8","shape":[1],"data_offsets":[0,1,2]"#, content: 1,
      "tensor_offsets_invalid"),
    .init(
      "offsets backwards", tensor: #""dtype":"U8","shape":[1],"data_offsets":[1,0]"#, content: 1,
      "tensor_offsets_invalid"),
    .init(
      "length that is not the shape's", tensor: #""dtype":"F32","shape":[2],"data_offsets":[0,4]"#,
      content: 4, "tensor_size_mismatch"),
    .init(
      "hole at the beginning", tensor: #""dtype":"U8","shape":[1],"data_offsets":[1,2]"#,
      content: 2, "tensor_offsets_invalid"),
    .init(
      "content after the last tensor", tensor: #""dtype":"U8","shape":[1],"data_offsets":[0,1]"#,
      content: 2, "tensor_offsets_invalid"),
    .init(
      "content without tensors", safetensors(header: "{}", content: 1), "tensor_offsets_invalid"),
    .init(
      "tensor beyond the file", tensor: #""dtype":"U8","shape":[9],"data_offsets":[0,9]"#,
      content: 8, "safetensors_truncated"),
    .init(
      "overlap",
      safetensors(
        header: "{\(byte)," + #""b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, content: 1),
      "tensor_offsets_invalid"),
    .init(
      "hole",
      safetensors(
        header: "{\(byte)," + #""b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}"#, content: 3),
      "tensor_offsets_invalid"),
  ]
}
