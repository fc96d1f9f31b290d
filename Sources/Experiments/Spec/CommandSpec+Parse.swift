// Reads the keys of a command job, and writes them again.

extension CommandSpec {
  static func read(_ reader: inout SpecReader) -> CommandSpec? {
    let command = reader.read("command", .command)
    let directory = reader.read("directory", .folder, default: "")
    let env = reader.object("env") { $0.variables(upTo: Limits.environmentVariables) }
    let secretEnv = reader.list(
      "secret_env", .variable, upTo: Limits.environmentVariables, default: [])
    let parse = reader.read("parse", .name, default: OutputFormat.none)
    let keep = reader.read("keep", .keptPaths, default: [])
    let limits = reader.object("limits") { CommandLimits.read(&$0) }
    let nice = reader.read("nice", .whole(niceness), default: 0)
    guard let command, let directory, let env, let secretEnv, let parse, let keep, let limits,
      let nice
    else { return nil }
    for name in secretEnv where env[name] != nil {
      reader.mistake("secret_env", "\(name) is in env as well, where everybody can see its value")
    }
    return CommandSpec(
      command: command, directory: directory, env: env, secretEnv: secretEnv, parse: parse,
      keep: keep, limits: limits, nice: nice)
  }

  var members: [SpecTree.Member] {
    [
      ("command", .texts(command)), ("directory", .text(directory)),
      ("env", .value(.object(env.mapValues { .string($0) }))),
      ("secret_env", .texts(secretEnv)), ("parse", .name(parse)), ("keep", .texts(keep)),
      ("limits", .members(limits.members)), ("nice", .int(nice)),
    ]
  }

  /// Those that say how a result is kept and not what it is; runs that differ in nothing else are
  /// of one series.
  static let incomparable = ["directory", "secret_env", "keep", "limits", "nice"]

  /// The command as params: its line, its options (`--lr 0.1` is `args.lr`), its environment.
  var params: [(key: String, value: String)] {
    var params = [("command", line), ("directory", directory)]
    params += options.prefix(Limits.environmentVariables).map { ("args.\($0.name)", $0.value) }
    params += env.sorted { $0.key < $1.key }.map { ("env.\($0.key)", $0.value) }
    if !limits.members.isEmpty {
      params += SpecTree.members([("limits", .members(limits.members))]).flattened()
        .map { ($0.key, $0.value.plainText) }
    }
    return params.filter { $0.0.count <= Limits.keyCharacters }
      .map { ($0.0, Self.cut($0.1)) }
  }

  private static func cut(_ text: String) -> String {
    guard text.count > Limits.paramCharacters else { return text }
    return text.prefix(Limits.paramCharacters - 1) + "…"
  }

  /// `--name value` and `--name=value`; of one that stands twice the last.
  private var options: [(name: String, value: String)] {
    var found: [(name: String, value: String)] = []
    var index = 1
    while index < command.count {
      let word = command[index]
      index += 1
      guard word.hasPrefix("--"), word.count > 2 else { continue }
      var name = word.dropFirst(2)
      var value = "true"
      if let sign = name.firstIndex(of: "=") {
        value = String(name[name.index(after: sign)...])
        name = name[..<sign]
      } else if index < command.count, !command[index].hasPrefix("--") {
        value = command[index]
        index += 1
      }
      found.removeAll { $0.name == name }
      if !name.isEmpty { found.append((String(name), value)) }
    }
    return found
  }
}

extension CommandLimits {
  static func read(_ reader: inout SpecReader) -> CommandLimits? {
    CommandLimits(
      memory: reader.readIfPresent("memory", .bytes),
      cpuTime: reader.readIfPresent("cpu_time", .seconds),
      openFiles: reader.readIfPresent("open_files", .whole(8...1_048_576)),
      fileSize: reader.readIfPresent("file_size", .bytes))
  }

  var members: [SpecTree.Member] {
    [
      ("memory", memory), ("cpu_time", cpuTime), ("open_files", openFiles),
      ("file_size", fileSize),
    ].compactMap { key, value in value.map { (key, .int($0)) } }
  }
}

extension SpecRule<[String]> {
  /// A list of texts, or a line for the shell.
  fileprivate static var command: SpecRule {
    converting("a program and its arguments as a list of texts, or one line for the shell") {
      switch $0 {
      case .string(let line):
        return SpecText.isFine(line, orEmpty: false) ? [CommandSpec.shell, "-c", line] : nil
      case .array(let words):
        guard (1...Limits.commandWords).contains(words.count) else { return nil }
        var texts: [String] = []
        for word in words {
          // `[sleep, 5]` is what people write in YAML.
          let text =
            switch word {
            case .int: word.plainText as String?
            case .number(let number) where number.isFinite: word.plainText
            default: word.stringValue
            }
          guard let text, SpecText.isFine(text, orEmpty: !texts.isEmpty) else { return nil }
          texts.append(text)
        }
        return texts
      default: return nil
      }
    }
  }

  /// One path or several, relative and within their folder.
  fileprivate static var keptPaths: SpecRule {
    converting(
      "a path below directory, or a list of up to \(Limits.keptPaths); none begins with / or "
        + "has .. in it"
    ) {
      let paths = $0.stringValue.map { [$0] } ?? $0.arrayValue?.compactMap(\.stringValue)
      guard let paths, paths.count <= Limits.keptPaths,
        $0.stringValue != nil || paths.count == $0.arrayValue?.count
      else { return nil }
      let areFine = paths.allSatisfy { path in
        SpecText.isFine(path, orEmpty: false) && !path.hasPrefix("/")
          && !path.split(separator: "/").contains("..")
      }
      return areFine ? paths : nil
    }
  }
}

extension SpecRule<String> {
  /// An absolute path; empty for the default.
  fileprivate static var folder: SpecRule {
    converting("an absolute path") {
      guard let path = $0.stringValue, SpecText.isFine(path, orEmpty: true) else { return nil }
      return path.isEmpty || path.hasPrefix("/") ? path : nil
    }
  }

  fileprivate static var variable: SpecRule {
    converting("the name of a variable") {
      $0.stringValue.flatMap { SpecText.isVariable($0) ? $0 : nil }
    }
  }
}

extension SpecReader {
  /// An object of variables.
  fileprivate mutating func variables(upTo count: Int) -> [String: String]? {
    guard let values = entries(.tag, upTo: count) else { return nil }
    var isFine = true
    for name in values.keys.sorted() where !SpecText.isVariable(name) {
      mistake(name, "is not the name of a variable, or one that Assay sets itself")
      isFine = false
    }
    return isFine ? values : nil
  }
}

/// What programs can be given.
enum SpecText {
  static func isFine(_ text: String, orEmpty: Bool) -> Bool {
    (orEmpty || !text.isEmpty) && text.utf8.count <= Limits.wordBytes
      && !text.unicodeScalars.contains("\0")
  }

  /// Without `=`, and none that tells a program which run it is.
  static func isVariable(_ name: String) -> Bool {
    !name.isEmpty && name.count <= Limits.nameCharacters && !name.contains("=")
      && !name.unicodeScalars.contains("\0") && !name.hasPrefix("ASSAY_")
  }
}
