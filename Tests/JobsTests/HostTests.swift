// What is told of the machine: its zone, its processor, and what this process used.

import Experiments
import Foundation
import Glibc
import Jobs
import Testing

@Suite struct HostTests {
  @Test func `the zone is TZ, then the link, then the file, then UTC`() throws {
    try TemporaryFolder.with { etc in
      func zone(_ environment: [String: String] = [:]) -> String {
        MachineTimeZone.current(environment: environment, etc: etc).identifier
      }
      #expect(zone() == "GMT" || zone() == "UTC")
      try DurableFile().replace(etc + "/timezone", with: "Asia/Tokyo\n".utf8)
      #expect(zone() == "Asia/Tokyo")
      let zoneinfo = etc + "/zoneinfo/Europe"
      try FileManager.default.createDirectory(atPath: zoneinfo, withIntermediateDirectories: true)
      try DurableFile().replace(zoneinfo + "/Berlin", with: [])
      #expect(symlink("zoneinfo/Europe/Berlin", etc + "/localtime") == 0)
      #expect(zone() == "Europe/Berlin")
      #expect(zone(["TZ": "America/New_York"]) == "America/New_York")
      #expect(zone(["TZ": ":America/New_York"]) == "America/New_York")
      #expect(zone(["TZ": "/usr/share/zoneinfo/Asia/Tokyo"]) == "Asia/Tokyo")
      #expect(zone(["TZ": "CET-1CEST"]) == "Europe/Berlin")
      #expect(zone(["TZ": "Nowhere/Atall"]) == "Europe/Berlin")
      #expect(zone(["TZ": ""]) == "Europe/Berlin")
    }
  }

  @Test(arguments: ["Mars/Base", "", "PST", "../../etc/passwd", "GMT+3"])
  func `an unknown zone is refused`(name: String) {
    #expect(throws: JobsError.timeZone(name: name)) { try MachineTimeZone.named(name) }
  }

  @Test(arguments: [
    (
      "processor\t: 0\nmodel name\t: Intel(R)  Xeon(R) CPU @ 2.50GHz\n",
      "Intel(R) Xeon(R) CPU @ 2.50GHz"
    ),
    ("processor : 0\nCPU implementer : 0x41\nCPU part : 0xd0c\n", "ARM 0x41 part 0xd0c"),
    ("processor : 0\n\nModel : Raspberry Pi 5 Model B\n", "Raspberry Pi 5 Model B"),
    ("", "unknown"),
  ])
  func `the processor's name`(cpuinfo: String, expected: String) {
    #expect(HostInfo.cpuModel(cpuinfo) == expected)
  }

  @Test(arguments: [
    (
      "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n",
      "Debian GNU/Linux 12 (bookworm)"
    ),
    ("PRETTY_NAME=Arch\n", "Arch"), ("", "Linux"),
  ])
  func `the system's name`(release: String, expected: String) {
    #expect(HostInfo.osName(release) == expected)
  }

  @Test func `this machine has cores, memory and a name`() {
    let environment = HostInfo.environment(versions: ["assay": "1"])
    #expect(environment.cores >= 1)
    #expect(environment.memoryBytes > 1 << 20)
    #expect(!environment.host.isEmpty && !environment.os.isEmpty && !environment.cpu.isEmpty)
    #expect(environment.versions == ["assay": "1"])
  }

  @Test func `the meter sees work and memory`() {
    let meter = CostMeter()
    let before = meter.read()
    var memory = [UInt8](repeating: 1, count: 64 << 20)
    var state: UInt64 = 1
    for index in 0..<memory.count {
      state = state &* 6_364_136_223_846_793_005 &+ 1
      memory[index] = UInt8(truncatingIfNeeded: state >> 33)
    }
    let after = meter.read()
    #expect(memory.contains(7))
    #expect(after.wallSeconds > before.wallSeconds)
    #expect(after.cpuUserSeconds > before.cpuUserSeconds)
    #expect(after.peakRssBytes >= 64 << 20)
    #expect(after.peakRssBytes >= before.peakRssBytes)
    #expect(after.readBytes >= 0 && after.writtenBytes >= 0)
  }
}
