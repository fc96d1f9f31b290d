// One daemon per data folder and socket, for its owner alone, and an orderly end.

import Client
import Experiments
import Foundation
import Glibc
import Jobs
import Logging
import Server
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(5)))
struct DaemonTests {
  @Test func aSecondDaemonIsRefusedAndDoesNotDisturbTheFirst() async throws {
    try await TestDaemon.with { daemon in
      for (data, socket) in [
        (daemon.dataFolder, daemon.folder + "/other/a.sock"),
        (daemon.folder + "/other", daemon.socketPath),
      ] {
        do {
          _ = try Daemon(
            DaemonConfiguration(
              dataFolder: data, socketPath: socket, slots: 1,
              clock: WallClock { Timestamp(microseconds: 0) }, logger: Logger(label: "second")),
            executor: PlayedWorkers().newExecutor())
          Issue.record("a second daemon was made")
        } catch let error as ServerError {
          #expect(error.code == "daemon_already_running")
          #expect(
            error.message
              == "a daemon is running already: process \(getpid()), socket \(daemon.socketPath)")
        }
      }
      #expect(try await daemon.client.health().ok)
      let holder = try DaemonLock.holder(dataFolder: daemon.dataFolder)
      #expect(holder?.process == ProcessIdentity.current)
      #expect(holder?.socketPath == daemon.socketPath)
    }
  }

  @Test func filesAndFoldersAreTheOwnersAlone() async throws {
    try await TestDaemon.with { daemon async throws in
      #expect(try mode(daemon.socketPath) == 0o600)
      #expect(try mode(daemon.folder + "/s") == 0o700)
      #expect(try mode(daemon.dataFolder) == 0o700)
      #expect(try mode(daemon.dataFolder + "/assay.db") == 0o600)
      #expect(try mode(daemon.dataFolder + "/attempts") == 0o700)
    }
  }

  @Test func aSocketThatWasLeftBehindIsReplaced() async throws {
    try await TestDaemon.withFolder { folder in
      mkdir(folder + "/s", 0o700)
      let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &address.sun_path) {
        $0.copyBytes(from: Array((folder + "/s/assay.sock").utf8))
      }
      let bound = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
      close(descriptor)
      #expect(bound == 0)
      try await TestDaemon.with(folder: folder) { daemon async throws in
        #expect(try await daemon.client.health().ok)
      }
      #expect(!FileManager.default.fileExists(atPath: folder + "/s/assay.sock"))
      #expect(try DaemonLock.holder(dataFolder: folder + "/data") == nil)
    }
  }

  @Test func aFileAtTheSocketsPathIsRefusedAndStays() async throws {
    try await TestDaemon.withFolder { folder async throws in
      mkdir(folder + "/s", 0o700)
      let path = folder + "/s/assay.sock"
      try Data("precious".utf8).write(to: URL(fileURLWithPath: path))
      #expect(refusal(data: folder + "/data", socket: path)?.code == "socket_path_taken")
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data("precious".utf8))
      #expect(!FileManager.default.fileExists(atPath: folder + "/data"))
    }
  }

  @Test func whatHasTakenTheSocketsPlaceStays() async throws {
    try await TestDaemon.withFolder { folder in
      let path = folder + "/s/assay.sock"
      try await TestDaemon.with(folder: folder) { daemon async throws in
        unlink(path)
        try Data("precious".utf8).write(to: URL(fileURLWithPath: path))
      }
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data("precious".utf8))
    }
  }

  @Test func aFolderThatIsOpenToOthersIsRefusedAndStaysAsItIs() async throws {
    try await TestDaemon.withFolder { folder async throws in
      let open = folder + "/open"
      mkdir(open, 0o700)
      chmod(open, 0o755)
      for (data, socket, option) in [
        (open, folder + "/s/a.sock", "--data"), (folder + "/data", open + "/a.sock", "--socket"),
      ] {
        let error = refusal(data: data, socket: socket)
        #expect(error?.code == "folder_open")
        #expect(
          error?.message == "the folder \(open) is open to other users (its mode is 755)")
        #expect(
          error?.hint
            == "choose another one with \(option), or close this one: chmod 700 \(open)")
        #expect(try mode(open) == 0o755)
      }
    }
  }

  @Test func missingFoldersAreMadeForTheOwnerAlone() async throws {
    try await TestDaemon.withFolder { folder async throws in
      #expect(refusal(data: folder + "/a/b/data", socket: folder + "/c/d/a.sock") == nil)
      for path in ["/a", "/a/b", "/a/b/data", "/c", "/c/d"] {
        #expect(try mode(folder + path) == 0o700)
      }
    }
  }

  @Test func statusTellsWhatIsThere() async throws {
    try await TestDaemon.with(slots: 3) { daemon in
      _ = try await daemon.client.submit(Specs.train())
      let status = try await daemon.client.status()
      #expect(status.pid == Int64(getpid()))
      #expect(status.version == AssayVersion.text)
      #expect(status.slots == 3)
      #expect(status.runs == 1)
      #expect(status.socket == daemon.socketPath)
      #expect(status.dataFolder == daemon.dataFolder)
      #expect(status.databaseBytes > 0)
      #expect(status.libraries["sqlite"]?.hasPrefix("3.") == true)
    }
  }

  @Test func itEndsWhileSomebodyFollows() async throws {
    try await TestDaemon.withFolder { folder in
      let client = AssayClient(socketPath: folder + "/s/assay.sock")
      let heard = Locked(false)
      var follower: Task<Void, any Error>?
      try await TestDaemon.with(folder: folder) { daemon in
        _ = try await daemon.client.submit(Specs.train())
        follower = Task {
          for try await _ in client.followJob(1, patience: .zero) { heard.change { $0 = true } }
        }
        try await eventually { heard.value }
      }
      // It did end, and the follower was told by the end of its stream.
      await #expect(throws: ClientError.self) { try await follower?.value }
      await client.shutdown()
    }
  }

  @Test func placesFollowTheEnvironment() throws {
    #expect(try Places.socket(environment: ["ASSAY_SOCKET": "/a.sock"]) == "/a.sock")
    #expect(
      try Places.socket(environment: ["XDG_RUNTIME_DIR": "/run/me"]) == "/run/me/assay/assay.sock")
    #expect(Places.dataFolder(environment: ["ASSAY_DATA": "/d"]) == "/d")
    #expect(Places.dataFolder(environment: ["XDG_DATA_HOME": "/x"]) == "/x/assay")
    #expect(Places.dataFolder(environment: ["HOME": "/h"]) == "/h/.local/share/assay")
    let long = "/" + String(repeating: "x", count: 107)
    #expect(throws: PlacesError.socketPathTooLong(long)) { try Places.checkedSocket(long) }
    #expect(try Places.checkedSocket(String(long.dropLast())) == String(long.dropLast()))
  }

  /// The number of the closed pipe is given to the next file that is opened.
  @Test func nothingIsWrittenToThePipeOnceItIsClosed() throws {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    defer { close(ends[0]) }
    // High, so that no test beside this one opens a file that gets the number.
    let high = fcntl(ends[1], F_DUPFD_CLOEXEC, 900)
    try #require(high >= 900)
    close(ends[1])
    let announcement = Announcement(descriptor: high)
    announcement.ready(socketPath: "/tmp/s", dataFolder: "/tmp/d")
    var word = [UInt8](repeating: 0, count: 100)
    let count = read(ends[0], &word, word.count)
    #expect(String(decoding: word.prefix(max(0, count)), as: UTF8.self) == "ready\n")

    let path = NSTemporaryDirectory() + "/announcement-\(UUID().uuidString)"
    let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    try #require(file >= 0)
    defer { unlink(path) }
    try #require(dup2(file, high) == high)
    defer { for descriptor in [file, high] { close(descriptor) } }
    announcement.failed("store_closed\tnothing more is stored")
    #expect(lseek(file, 0, SEEK_END) == 0)
  }

  /// What the locks are refused with; nil if they are taken.
  private func refusal(data: String, socket: String) -> ServerError? {
    do {
      _ = try DaemonLock(dataFolder: data, socketPath: socket)
      return nil
    } catch {
      return error as? ServerError
    }
  }

  private func mode(_ path: String) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    return try #require(attributes[.posixPermissions] as? Int)
  }
}
