// What `--json` prints: the API's own JSON, indented for a person at a terminal, on one line for a
// program.

import Foundation
import Wire

enum JSONOutput {
  static func text(_ value: some Encodable, indented: Bool) throws -> String {
    let encoder = WireCoding.encoder()
    if indented { encoder.outputFormatting.insert(.prettyPrinted) }
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }

  static func print(_ value: some Encodable) throws {
    Terminal.print(try text(value, indented: Terminal.isInteractive))
  }
}
