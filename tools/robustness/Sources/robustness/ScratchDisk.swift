// A file system of one's own to ill-treat: ext4 in a file, whose power can be cut, or a small one in
// memory. Mounted in a mount table that only this process and what it starts can see, so nothing is
// left behind, however it ends.
import CPowerCut
import Foundation

struct ScratchDisk: Sendable {
  let mountPoint: String
  private let image: String
  private let scratch: String

  static var isPossible: Bool { geteuid() == 0 }

  /// To be called once, before there is a second thread.
  static func ownMounts() throws {
    let result = powercut_own_mounts()
    guard result == 0 else {
      throw Trouble("no mount table of its own: \(String(cString: strerror(-result)))")
    }
  }

  /// Makes an ext4 file system in a sparse file and mounts it.
  static func ext4(_ base: String, megabytes: Int) throws -> ScratchDisk {
    let disk = try ScratchDisk(base)
    _ = FileManager.default.createFile(atPath: disk.image, contents: nil)
    guard truncate(disk.image, megabytes << 20) == 0 else { throw Trouble("no room for a disk") }
    try disk.run("mkfs.ext4", "-q", "-F", disk.image)
    try disk.mount()
    return disk
  }

  static func memory(_ base: String, megabytes: Int) throws -> ScratchDisk {
    let disk = try ScratchDisk(base)
    try disk.run(
      "mount", "-t", "tmpfs", "-o", "size=\(megabytes)m,mode=0700", "assay", disk.mountPoint)
    return disk
  }

  private init(_ base: String) throws {
    mountPoint = base + "/disk"
    image = base + "/disk.img"
    scratch = base + "/disk.out"
    mkdir(mountPoint, 0o700)
  }

  func mount() throws {
    try run("mount", "-o", "loop", image, mountPoint)
    chmod(mountPoint, 0o700)
  }

  /// As when the power goes: what is not on the disk will never be.
  func cutPower() throws {
    let result = powercut_shut_down(mountPoint)
    guard result == 0 else {
      throw Trouble("the power cannot be cut: \(String(cString: strerror(-result)))")
    }
  }

  /// Nothing may have a file of it open.
  func unmount() throws {
    // A killed process' last file is closed a moment after the process is gone.
    var tries = 0
    while true {
      do { return try run("umount", mountPoint) } catch {
        tries += 1
        if tries > 100 { throw error }
        usleep(10_000)
      }
    }
  }

  private func run(_ arguments: String...) throws {
    let result = try ChildProcess.run("/usr/bin/env", arguments, output: scratch)
    guard result.exit == .code(0) else {
      throw Trouble("\(arguments.joined(separator: " ")): \(result.exit) \(result.output)")
    }
  }
}
