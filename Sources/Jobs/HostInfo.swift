// What this machine is: the parts of an attempt's environment that do not depend on the program.

package import Experiments
import Foundation

package enum HostInfo {
  /// The environment of an attempt on this machine.
  package static func environment(versions: [String: String]) -> Environment {
    Environment(
      host: ProcessInfo.processInfo.hostName,
      os: osName(RawFile.kernelText("/etc/os-release") ?? ""),
      cpu: cpuModel(RawFile.kernelText("/proc/cpuinfo") ?? ""),
      // The cores that this process may use, which is what its speed depends on.
      cores: ProcessInfo.processInfo.activeProcessorCount,
      memoryBytes: Int64(clamping: ProcessInfo.processInfo.physicalMemory), versions: versions)
  }

  /// `PRETTY_NAME` of /etc/os-release.
  package static func osName(_ release: String) -> String {
    for line in release.split(separator: "\n") where line.hasPrefix("PRETTY_NAME=") {
      let value = line.dropFirst("PRETTY_NAME=".count)
        .trimmingCharacters(in: CharacterSet(charactersIn: "\"' "))
      if !value.isEmpty { return value }
    }
    return "Linux"
  }

  /// The processor's name in /proc/cpuinfo: `model name` on x86, else `Model`, `Hardware` or the
  /// numbers by which ARM processors are told apart.
  package static func cpuModel(_ cpuinfo: String) -> String {
    var values: [String: String] = [:]
    for line in cpuinfo.split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { continue }
      let key = parts[0].trimmingCharacters(in: .whitespaces)
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
