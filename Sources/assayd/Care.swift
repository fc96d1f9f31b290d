// What the verbs that care for a data folder have in common: finding out who serves it, and how they
// end.

import ArgumentParser
import Foundation
import Glibc
import Jobs
import Server
import Store
import Wire

enum Care {
  /// Beside it: 0 all is well, 1 something is wrong with the data.
  private static let errorExit: Int32 = 2

  /// Runs `body`; an error ends the program with exit code 2.
  static func ending(json: Bool = false, _ body: () async throws -> Void) async {
    do {
      try await body()
    } catch let code as ExitCode {
      exit(code.rawValue)
    } catch {
      let problem = Problem(error)
      if json { problem.printJSON() } else { problem.print() }
      exit(errorExit)
    }
  }

  static func databasePath(_ folder: String) -> String { folder + "/" + StoreFile.name }

  /// A folder without a database is most likely the wrong one.
  static func requireData(_ folder: String) throws {
    let names =
      FileManager.default.fileExists(atPath: folder)
      ? try FileManager.default.contentsOfDirectory(atPath: folder) : []
    // A restore that was cut short goes on with the next opening.
    guard names.contains(where: { $0.hasPrefix(StoreFile.name) }) else {
      throw Problem(
        code: "no_database", message: "there is no database in \(folder)",
        hint: "name the data folder with --data or ASSAY_DATA")
    }
  }

  /// The daemon that serves the folder.
  static func daemon(_ folder: String) throws -> DaemonRequest {
    guard let holder = try DaemonLock.holder(dataFolder: folder) else {
      throw ServerError.dataFolderBusy(pid: "?", verb: nil)
    }
    if let verb = holder.offlineVerb {
      throw ServerError.dataFolderBusy(pid: String(holder.process.pid), verb: verb)
    }
    return DaemonRequest(socketPath: holder.socketPath)
  }

  static func print(json value: some Encodable) throws {
    let data = try WireCoding.encoder().encode(value)
    Swift.print(String(decoding: data, as: UTF8.self))
  }

  /// `12.3 MB`.
  static func size(_ bytes: Int64) -> String {
    let units = ["bytes", "kB", "MB", "GB", "TB"]
    var amount = Double(bytes)
    var unit = 0
    while amount >= 1000, unit < units.count - 1 {
      amount /= 1000
      unit += 1
    }
    return unit == 0 ? "\(bytes) bytes" : "\(tenths(amount)) \(units[unit])"
  }

  static func seconds(_ seconds: Double) -> String { "\(tenths(seconds)) s" }

  private static func tenths(_ number: Double) -> String {
    "\((number * 10).rounded() / 10)"
  }
}
