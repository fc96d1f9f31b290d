// A job spec as it is read from a file, changed by options, and checked before it is sent. All that
// can be found wrong without the daemon is found here, at once.

import Experiments

struct SpecFile {
  /// The file as it was named on the command line.
  let path: String
  private(set) var value: JSONValue

  /// Reads YAML, or JSON if the name ends in `.json`. A relative `dataset.path` is meant from the
  /// spec's own folder and is made absolute.
  init(path: String) throws(CommandError) {
    self.path = path
    let bytes = try LocalFile.whole(path, limit: Limits.specBytes)
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]  // a byte order mark, which editors of Windows write
    let content = bytes.starts(with: mark) ? bytes.dropFirst(mark.count) : bytes[...]
    guard let text = String(validating: content, as: UTF8.self) else {
      throw .syntax(path: path, line: nil, column: nil, problem: "the file is not UTF-8 text")
    }
    value =
      path.hasSuffix(".json")
      ? try JSONReader.read(text, path: path) : try YAMLReader.read(text, path: path)
    guard value.objectValue != nil else {
      throw .syntax(
        path: path, line: nil, column: nil, problem: "a job spec is a list of `key: value` lines")
    }
    let folder = path == "-" ? LocalFile.currentFolder : LocalFile.folder(of: path)
    try resolveDataset(in: folder)
    try resolveDirectory(in: folder)
  }

  /// A spec made by a command; its paths are meant from the current folder.
  init(made value: JSONValue, named name: String) throws(CommandError) {
    path = name
    self.value = value
    try resolveDataset(in: LocalFile.currentFolder)
    try resolveDirectory(in: LocalFile.currentFolder)
  }

  /// Puts a value at a dotted path; a relative dataset path is meant from the current folder.
  mutating func set(_ text: String) throws(CommandError) {
    do {
      let change = try SpecOverride.parse(text)
      value = try value.setting(change.path, to: change.value)
    } catch {
      let problem = error.mistakes.map {
        $0.path.isEmpty ? $0.message : "\($0.path) \($0.message)"
      }
      throw .badSetting(option: "--set", text: text, problem: problem.joined(separator: "; "))
    }
    try resolveDataset(in: LocalFile.currentFolder)
  }

  mutating func set(_ key: String, to member: JSONValue) {
    var members = value.objectValue ?? [:]
    members[key] = member
    value = .object(members)
  }

  mutating func setTag(_ key: String, to tag: String) {
    var tags = value["tags"]?.objectValue ?? [:]
    tags[key] = .string(tag)
    set("tags", to: .object(tags))
  }

  /// One spec per seed: `count` of them, upwards from the spec's own.
  func withSeeds(_ count: Int) throws(CommandError) -> [SpecFile] {
    let first = value["seed"]?.intValue ?? 0
    guard first <= Int.max - count else {
      throw .badArgument("no \(count) seeds follow \(first)", hint: nil)
    }
    return (0..<count).map { index in
      var copy = self
      copy.set("seed", to: .int(Int64(first + index)))
      return copy
    }
  }

  /// Every mistake of the spec, its dataset file's header line included.
  /// - Throws: `CommandError.badSpec`
  @discardableResult
  func checked() throws(CommandError) -> JobSpec {
    let spec: JobSpec
    do {
      spec = try JobSpec.parse(value)
    } catch {
      throw .badSpec(name: LocalFile.name(of: path), error.mistakes)
    }
    let mistakes = DatasetCheck.mistakes(in: spec)
    guard mistakes.isEmpty else { throw .badSpec(name: LocalFile.name(of: path), mistakes) }
    return spec
  }

  /// Where a command job runs: a relative directory is meant from `folder`, and without one it is
  /// the current one.
  mutating func resolveDirectory(in folder: String?) throws(CommandError) {
    guard value["kind"] == .string(JobKind.command.rawValue) else { return }
    let path: String
    switch value["directory"] {
    case .string(let text)? where !text.isEmpty: path = text
    case nil: path = LocalFile.currentFolder ?? "."
    default: return
    }
    guard let folder = folder ?? (LocalFile.isRelative(path) ? nil : "/") else {
      throw .badArgument(
        "the job's directory is \(path), and the current folder is not there any more",
        hint: "name a directory with --directory")
    }
    set("directory", to: .string(LocalFile.absolute(path, in: folder)))
  }

  private mutating func resolveDataset(in folder: String?) throws(CommandError) {
    guard var dataset = value["dataset"]?.objectValue, case .string(let path) = dataset["path"],
      !path.isEmpty
    else { return }
    guard let folder = folder ?? (LocalFile.isRelative(path) ? nil : "/") else {
      throw .badArgument(
        "dataset.path \(path) is relative, and the current folder is not there any more",
        hint: "change to a folder that exists, or name the whole path")
    }
    dataset["path"] = .string(LocalFile.absolute(path, in: folder))
    set("dataset", to: .object(dataset))
  }
}
