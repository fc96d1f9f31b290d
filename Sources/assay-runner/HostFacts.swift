// What this machine is, as `HostInfo` tells it for other workers.

import CLinux
import Experiments
import Glibc

enum HostFacts {
  static var environment: JSONValue {
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    let bytes = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    return .object([
      "host": .string(String(decoding: bytes, as: UTF8.self)),
      "os": .string(os(AttemptFiles.text("/etc/os-release") ?? "")),
      "cpu": .string(cpu(AttemptFiles.text("/proc/cpuinfo", atMost: 4_096) ?? "")),
      "cores": .int(Int64(clinux_processors())),
      "memory_bytes": .int(Int64(sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)))),
      "versions": .object(["assay": .string(Versions.assay)]),
    ])
  }

  private static func os(_ release: String) -> String {
    for line in release.split(separator: "\n") where line.hasPrefix("PRETTY_NAME=") {
      let value = line.dropFirst("PRETTY_NAME=".count).filter { $0 != "\"" && $0 != "'" }
      if !value.isEmpty { return value }
    }
    return "Linux"
  }

  private static func cpu(_ text: String) -> String {
    var values: [String: String] = [:]
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { continue }
      let key = parts[0].split(whereSeparator: \.isWhitespace).joined(separator: " ")
      let value = parts[1].split(whereSeparator: \.isWhitespace).joined(separator: " ")
      if values[key] == nil, !value.isEmpty { values[key] = value }
    }
    for key in ["model name", "Model", "Hardware", "cpu model", "cpu"] {
      if let value = values[key] { return value }
    }
    if let implementer = values["CPU implementer"], let part = values["CPU part"] {
      return "ARM \(implementer) part \(part)"
    }
    return "unknown"
  }
}
