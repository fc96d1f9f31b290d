// A lock is held by one, for as long as a descriptor of it lives.

import CLinux
import Foundation
import Glibc
import Jobs
import Testing

@Suite struct FileLockTests {
  @Test func `held until its object is gone, and the holder is named`() throws {
    try TemporaryFolder.with { folder in
      let path = folder + "/lock"
      #expect(try !FileLock.isHeld(path))
      var lock = try FileLock.acquire(path, note: "4711")
      #expect(lock != nil)
      #expect(try FileLock.isHeld(path))
      #expect(try FileLock.acquire(path) == nil)
      #expect(throws: JobsError.lockHeld(path: path, holder: "4711")) {
        try FileLock.require(path)
      }
      lock = nil
      #expect(try !FileLock.isHeld(path))
      #expect(try FileLock.acquire(path) != nil)
    }
  }

  @Test func `a lock on a file that was replaced is no lock`() throws {
    try TemporaryFolder.with { folder in
      let path = folder + "/lock"
      let old = try FileLock.acquire(path)
      try FileManager.default.removeItem(atPath: path)
      // Nobody can see the old one any more; the new file is free, and then held.
      let new = try FileLock.acquire(path)
      #expect(new != nil)
      #expect(try FileLock.acquire(path) == nil)
      withExtendedLifetime((old, new)) {}
    }
  }

  @Test func `a passed on descriptor is the lock, and is not passed on further`() throws {
    try TemporaryFolder.with { folder in
      let path = folder + "/lock"
      var parents = try FileLock.acquire(path)
      let descriptor = dup(try #require(parents).descriptor)
      #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC == 0)
      parents = nil
      #expect(try FileLock.isHeld(path))
      var inherited: FileLock? = try FileLock.inherited(path, descriptor: descriptor)
      #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0)
      #expect(try FileLock.isHeld(path))
      #expect(inherited != nil)
      inherited = nil
      #expect(try !FileLock.isHeld(path))
    }
  }

  @Test func `a descriptor of something else is refused`() throws {
    try TemporaryFolder.with { folder in
      let other = try #require(try FileLock.acquire(folder + "/other"))
      let error = #expect(throws: JobsError.self) {
        try FileLock.inherited(folder + "/lock", descriptor: dup(other.descriptor))
      }
      #expect(error?.code == "file_damaged")
    }
  }

  @Test func `a symbolic link is not followed`() throws {
    try TemporaryFolder.with { folder in
      #expect(symlink("/etc/passwd", folder + "/lock") == 0)
      #expect(throws: JobsError.self) { try FileLock.acquire(folder + "/lock", note: "x") }
    }
  }

  @Test func `the peer of a socket is known`() throws {
    var pair: [Int32] = [0, 0]
    #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
    defer { for descriptor in pair { close(descriptor) } }
    var peer = clinux_peer()
    #expect(clinux_peer_credentials(pair[0], &peer) == 0)
    #expect(peer.pid == getpid())
    #expect(peer.uid == getuid())
    #expect(peer.gid == getgid())
    #expect(clinux_peer_credentials(-1, &peer) == -EBADF)
  }
}
