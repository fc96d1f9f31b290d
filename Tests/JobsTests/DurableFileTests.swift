// A file is there whole or not at all, whichever call fails.

import Foundation
import Glibc
import Jobs
import Synchronization
import Testing

@Suite struct DurableFileTests {
  @Test func `replace puts the new content and keeps the mode private`() throws {
    try TemporaryFolder.with { folder in
      let path = folder + "/file"
      let files = DurableFile()
      #expect(try files.read(path) == nil)
      try files.replace(path, with: "one".utf8)
      try files.replace(path, with: "two".utf8)
      #expect(try files.read(path) == Array("two".utf8))
      var info = stat()
      #expect(stat(path, &info) == 0)
      #expect(info.st_mode & 0o777 == 0o600)
      #expect(try TemporaryFolder.names(folder) == ["file"])
    }
  }

  @Test func `of many who create a file, one does`() async throws {
    try await TemporaryFolder.with { folder in
      let path = folder + "/claim"
      let winners = try await withThrowingTaskGroup(of: Int?.self) { group in
        for number in 0..<16 {
          group.addTask {
            try DurableFile().create(path, with: "\(number)".utf8) ? number : nil
          }
        }
        return try await group.reduce(into: []) { $0 += $1.map { [$0] } ?? [] }
      }
      #expect(winners.count == 1)
      #expect(try DurableFile().read(path) == Array("\(winners.first ?? -1)".utf8))
      #expect(try TemporaryFolder.names(folder) == ["claim"])
    }
  }

  @Test(arguments: [ENOSPC, EIO, EACCES])
  func `whichever call fails, the old content stays or the new is whole`(number: Int32) throws {
    for failing in 0... {
      let finished = try TemporaryFolder.with { folder in
        let path = folder + "/file"
        try DurableFile().replace(path, with: "old".utf8)
        let kernel = FailingKernel(failing: failing, with: number)
        let files = DurableFile(calls: kernel.calls)
        do {
          try files.replace(path, with: "new content".utf8)
        } catch {
          guard case JobsError.file(_, _, let found) = error, found == number else {
            Issue.record("call \(failing): \(error)")
            return false
          }
          let content = String(decoding: try DurableFile().read(path) ?? [], as: UTF8.self)
          #expect(content == "old" || content == "new content", "call \(failing): \(content)")
          #expect(try TemporaryFolder.names(folder) == ["file"], "call \(failing)")
          return false
        }
        #expect(try DurableFile().read(path) == Array("new content".utf8))
        return true
      }
      if finished {
        // create, at least two writes, fsync, rename, open and fsync of the folder
        #expect(failing >= 7)
        return
      }
    }
  }

  @Test func `the error says which file and what to do`() throws {
    let error = #expect(throws: JobsError.self) {
      try DurableFile().replace("/nonexistent/file", with: [])
    }
    #expect(error?.code == "file_failed")
    #expect(error?.message.contains("/nonexistent/") == true)
    #expect(error?.message.contains("No such file") == true)
    let full = JobsError.file(operation: "write", path: "/x", errno: ENOSPC)
    #expect(full.code == "disk_full")
    #expect(full.hint?.contains("free some space") == true)
  }
}

/// The real kernel, but one call fails, and writes are short.
private final class FailingKernel: Sendable {
  private let remaining: Atomic<Int>
  private let number: Int32

  init(failing: Int, with number: Int32) {
    remaining = Atomic(failing)
    self.number = number
  }

  private func fails() -> Bool {
    remaining.wrappingSubtract(1, ordering: .relaxed).oldValue == 0
  }

  var calls: FileCalls {
    let real = FileCalls.system
    var calls = real
    calls.open = { self.fails() ? -self.number : real.open($0, $1, $2) }
    calls.write = { descriptor, bytes in
      let part = UnsafeRawBufferPointer(rebasing: bytes.prefix(6))
      return self.fails() ? Int(-self.number) : real.write(descriptor, part)
    }
    calls.fsync = { self.fails() ? -self.number : real.fsync($0) }
    calls.rename = { self.fails() ? -self.number : real.rename($0, $1) }
    calls.link = { self.fails() ? -self.number : real.link($0, $1) }
    return calls
  }
}
