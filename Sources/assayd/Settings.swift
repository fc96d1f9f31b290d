// What the daemon goes by: flags, then the environment, then the configuration file, then defaults.

import ArgumentParser
import Experiments
import Foundation
import Logging
import Server
import Wire

/// The flags that the configuration file may say, too.
struct SettingFlags: ParsableArguments {
  @Option(help: "Jobs that run at once (default: the number of cores).")
  var slots: Int?

  @Option(help: "The worker's program (default: assay-worker beside assayd).")
  var worker: String?

  @OptionGroup var space: SpaceOptions

  @OptionGroup var counted: ResourceOptions

  @Option(
    help: ArgumentHelp(
      "Listen on TCP as well, for those who have the token in DATA/assayd.token.",
      valueName: "host:port"))
  var listen: ListenAddress?

  @Option(
    help: ArgumentHelp(
      "Log this and what is more important: \(LogLevelName.list) (default: info).",
      valueName: "level"))
  var logLevel: LogLevelName?

  @Option(
    help: ArgumentHelp(
      "Log lines for people (text, the default) or programs (json).",
      valueName: "format"))
  var logFormat: LogFormat?

  func validate() throws {
    if let slots, !Settings.slotRange.contains(slots) {
      throw ValidationError("--slots is \(slots); it must be from 1 to 1024.")
    }
  }

  /// For another start of this program.
  var arguments: [String] {
    var arguments = space.arguments + counted.arguments
    if let slots { arguments += ["--slots", String(slots)] }
    if let worker { arguments += ["--worker", worker] }
    if let listen { arguments += ["--listen", listen.text] }
    if let logLevel { arguments += ["--log-level", logLevel.rawValue] }
    if let logFormat { arguments += ["--log-format", logFormat.rawValue] }
    return arguments
  }
}

struct Settings: Equatable {
  static let slotRange = 1...1024

  var dataFolder: String
  var socketPath: String
  var worker: String?
  var listen: ListenAddress?
  var slots: Int
  var undoDays: Double
  var maxSize: ByteSize?
  /// What jobs may hold of the machine, counted.
  var resources: [String: Int]
  var logLevel: LogLevelName
  var logFormat: LogFormat
  /// The configuration files that had a say.
  var files: [String]

  /// - Throws: `Problem`, which names the line of the file; `PlacesError`.
  init(_ place: Place, _ flags: SettingFlags) throws {
    let config = try place.configFile()
    dataFolder = try place.dataFolder(config)
    socketPath = try place.socketPath(config)
    worker = flags.worker.map { Places.absolute($0) } ?? config["worker"].map(Self.path)
    listen = try flags.listen ?? Self.value(config["listen"], "HOST:PORT, such as 127.0.0.1:7777")
    slots =
      try flags.slots ?? Self.number(config["slots"], Self.slotRange)
      ?? ProcessInfo.processInfo.activeProcessorCount
    undoDays =
      try flags.space.undoDays
      ?? Self.number(config["undo-days"], SpaceOptions.undoRange) ?? SpaceOptions.usualUndoDays
    maxSize = try flags.space.maxSize ?? Self.value(config["max-size"], "a size such as 20GB")
    resources =
      try flags.counted.resources.isEmpty
      ? Self.resources(config["resource"]) : flags.counted.amounts
    logLevel =
      try flags.logLevel ?? Self.value(config["log-level"], "one of \(LogLevelName.list)") ?? .info
    logFormat = try flags.logFormat ?? Self.value(config["log-format"], "text or json") ?? .text
    files = config.files
  }

  var live: LiveSettings {
    LiveSettings(slots: slots, undoSeconds: undoDays * 86_400, maxBytes: maxSize?.bytes)
  }

  /// What is different in `new`: that which is taken over at once, and that which needs a restart.
  func changes(to new: Settings) -> ReloadReport {
    var report = ReloadReport(files: new.files)
    func compare<Value: Equatable>(
      _ key: String, _ path: KeyPath<Settings, Value>, isLive: Bool, text: (Value) -> String
    ) {
      guard self[keyPath: path] != new[keyPath: path] else { return }
      let line = "\(key) = \(text(new[keyPath: path]))"
      if isLive { report.changed.append(line) } else { report.needRestart.append(line) }
    }
    compare("slots", \.slots, isLive: true) { String($0) }
    compare("undo-days", \.undoDays, isLive: true) { String($0) }
    compare("max-size", \.maxSize, isLive: true) { $0.map { String($0.bytes) } ?? "none" }
    compare("log-level", \.logLevel, isLive: true) { $0.rawValue }
    compare("log-format", \.logFormat, isLive: true) { $0.rawValue }
    compare("data", \.dataFolder, isLive: false) { $0 }
    compare("socket", \.socketPath, isLive: false) { $0 }
    compare("worker", \.worker, isLive: false) { $0 ?? "beside assayd" }
    compare("resource", \.resources, isLive: false) { resources in
      resources.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }
    compare("listen", \.listen, isLive: false) { $0?.text ?? "none" }
    return report
  }

  /// `~/…` is the home folder's.
  static func path(_ entry: ConfigFile.Entry) -> String {
    guard entry.value.hasPrefix("~/") else { return Places.absolute(entry.value) }
    return (ProcessInfo.processInfo.environment["HOME"] ?? NSHomeDirectory())
      + entry.value.dropFirst()
  }

  /// `gpu=2, license=1`.
  private static func resources(_ entry: ConfigFile.Entry?) throws -> [String: Int] {
    guard let entry else { return [:] }
    var amounts: [String: Int] = [:]
    for part in entry.value.split(separator: ",", omittingEmptySubsequences: false) {
      let text = String(part.filter { $0 != " " })
      guard let resource = CountedResource(argument: text) else {
        throw entry.mistake("\"\(text)\" is not NAME=COUNT, such as gpu=2")
      }
      guard amounts.updateValue(resource.count, forKey: resource.name) == nil else {
        throw entry.mistake("\(resource.name) is given twice")
      }
    }
    return amounts
  }

  private static func value<Value: ExpressibleByArgument>(
    _ entry: ConfigFile.Entry?, _ expected: String
  ) throws -> Value? {
    guard let entry else { return nil }
    guard let value = Value(argument: entry.value) else {
      throw entry.mistake("\"\(entry.value)\" is not \(expected)")
    }
    return value
  }

  private static func number<Number: ExpressibleByArgument & Comparable>(
    _ entry: ConfigFile.Entry?, _ range: ClosedRange<Number>
  ) throws -> Number? {
    let expected = "a number from \(range.lowerBound) to \(range.upperBound)"
    guard let entry, let number: Number = try value(entry, expected) else { return nil }
    guard range.contains(number) else {
      throw entry.mistake("\"\(entry.value)\" is not \(expected)")
    }
    return number
  }
}

enum LogFormat: String, CaseIterable, ExpressibleByArgument { case text, json }

enum LogLevelName: String, CaseIterable, ExpressibleByArgument {
  case debug, info, warning, error

  static let list = allCases.map(\.rawValue).joined(separator: ", ")

  var level: Logger.Level {
    switch self {
    case .debug: .debug
    case .info: .info
    case .warning: .warning
    case .error: .error
    }
  }
}

extension ListenAddress: ExpressibleByArgument {
  init?(argument: String) { self.init(argument) }
}
