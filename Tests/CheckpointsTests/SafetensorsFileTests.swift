// Safetensors files: what is written comes back, the same content gives the same bytes, files of
// the reference implementation open equal, and no damaged file is believed.

import Checkpoints
import Experiments
import Foundation
import Testing

struct SafetensorsFileTests {
  private let fixture = SafetensorsFile(
    tensors: SafetensorsFixture.tensors, metadata: SafetensorsFixture.metadata)

  @Test func aFileOfAllTypesComesBackEqual() throws {
    #expect(try SafetensorsFile(parsing: fixture.serialized()) == fixture)
  }

  @Test func aFileWithoutTensorsComesBackEqual() throws {
    let empty = SafetensorsFile(tensors: [])
    #expect(try SafetensorsFile(parsing: empty.serialized()) == empty)
    #expect(try empty.serialized() == safetensors(header: "{}      "))
  }

  @Test func emptyTensorsKeepTheirPlaces() throws {
    let file = SafetensorsFile(
      tensors: [
        Tensor(name: "b", type: .u8, shape: [0], bytes: []),
        Tensor(name: "z", type: .u8, shape: [2], bytes: [1, 2]),
        Tensor(name: "y", type: .f64, shape: [3, 0, 7], bytes: []),
        Tensor(name: "a", type: .u8, shape: [1], bytes: [3]),
        Tensor(name: "0", type: .f32, shape: [0], bytes: []),
      ])
    #expect(try SafetensorsFile(parsing: file.serialized()).tensors == file.tensors)
  }

  @Test func theHeaderIsWrittenInAFixedOrder() throws {
    let file = SafetensorsFile(
      tensors: [
        Tensor(name: "z", type: .u8, shape: [2], bytes: [1, 2]),
        Tensor(name: "a", type: .f32, shape: [], bytes: [0, 0, 0, 0]),
      ], metadata: ["b": "1", "Z": "\n", "ä": "", "a": "\""])
    let expected =
      #"{"__metadata__":{"Z":"\n","a":"\"","b":"1","ä":""},"#
      + #""z":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"#
      + #""a":{"dtype":"F32","shape":[],"data_offsets":[2,6]}}"#
    let bytes = try file.serialized()
    let length = bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = String(decoding: bytes[8..<(8 + length)], as: UTF8.self)
    #expect(length.isMultiple(of: 8))
    #expect(header.trimmingCharacters(in: .whitespaces) == expected)
    #expect(Array(bytes[(8 + length)...]) == [1, 2, 0, 0, 0, 0])
  }

  @Test func aFileOfTheReferenceImplementationOpensEqual() throws {
    let file = try SafetensorsFile(parsing: SafetensorsFixture.read("from_python.safetensors"))
    func sorted(_ tensors: [Tensor]) -> [Tensor] { tensors.sorted { $0.name < $1.name } }
    #expect(sorted(file.tensors) == sorted(SafetensorsFixture.tensors))
    #expect(file.metadata == SafetensorsFixture.metadata)
  }

  // That Python opens these very bytes equal is checked by make_safetensors_fixture.py --check. To
  // write them anew, set ASSAY_WRITE_FIXTURES in the environment of this test.
  @Test func theFileWrittenIsTheOneThatPythonOpens() throws {
    if ProcessInfo.processInfo.environment["ASSAY_WRITE_FIXTURES"] != nil {
      try Data(fixture.serialized()).write(
        to: SafetensorsFixture.folder.appending(path: "from_assay.safetensors"))
    }
    #expect(try fixture.serialized() == SafetensorsFixture.read("from_assay.safetensors"))
  }

  @Test(arguments: [
    "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}     ",
    " \n{}".replacing(" \n", with: "") + "\t\r\n ",
    "{\"a\" : {\"shape\" :[ 1 ] , \"data_offsets\":[0, 1],\n\"dtype\": \"U8\" } }",
    "{\"\\u0061\\ud83d\\ude00\\/\":{\"dtype\":\"U8\",\"shape\":[1,1],\"data_offsets\":[0,1]}}",
    "{\"b\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[1,1]},"
      + "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
  ])
  func otherSpellingsOfAValidHeaderAreRead(header: String) throws {
    _ = try SafetensorsFile(
      parsing: safetensors(header: header, content: header.contains("U8") ? 1 : 0))
  }

  @Test(arguments: MalformedFile.table)
  func aMalformedFileIsRefusedWithItsCode(file: MalformedFile) throws {
    #expect(try errorCode { _ = try SafetensorsFile(parsing: file.bytes) } == file.code)
  }

  @Test func everyFileCutShortIsRefused() throws {
    let bytes = try fixture.serialized()
    for count in 0..<bytes.count {
      #expect(throws: CheckpointError.self) {
        _ = try SafetensorsFile(parsing: Array(bytes[..<count]))
      }
    }
    #expect(try errorCode { _ = try SafetensorsFile(parsing: bytes + [0]) } != nil)
  }

  @Test func aHeaderWithAnyByteChangedIsReadOrRefusedButNeverATrap() throws {
    let bytes = try fixture.serialized()
    var generator = SeededGenerator(seed: 3)
    var refused = 0
    for _ in 0..<5_000 {
      var damaged = bytes
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        damaged[Int.random(in: 0..<600, using: &generator)] =
          UInt8.random(in: 0...255, using: &generator)
      }
      if try errorCode({ _ = try SafetensorsFile(parsing: damaged) }) != nil { refused += 1 }
    }
    #expect(refused > 2_500)
  }

  @Test func whatCannotBeWrittenIsRefused() throws {
    func code(_ tensors: [Tensor]) throws -> String? {
      try errorCode { _ = try SafetensorsFile(tensors: tensors).serialized() }
    }
    let a = Tensor(name: "a", type: .u8, shape: [1], bytes: [1])
    #expect(try code([a]) == nil)
    #expect(try code([a, a]) == "tensor_duplicate")
    #expect(
      try code([Tensor(name: "__metadata__", type: .u8, shape: [1], bytes: [1])])
        == "tensor_name_invalid")
    #expect(
      try code([Tensor(name: "", type: .u8, shape: [1], bytes: [1])]) == "tensor_name_invalid")
    #expect(
      try code([Tensor(name: "a", type: .u8, shape: [2], bytes: [1])]) == "tensor_size_mismatch")
    #expect(
      try code([Tensor(name: "a", type: .u8, shape: [-1], bytes: [1])]) == "tensor_shape_invalid")
    #expect(
      try code([Tensor(name: "a", type: .f32, shape: [.max, 2], bytes: [1])])
        == "tensor_shape_invalid")
  }
}
