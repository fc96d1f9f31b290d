// Points from a file with a JSON object per line: `{"step": 1, "loss": 0.5, …}` or
// `{"key": "loss", "step": 1, "value": 0.5}`, each with `run`, `epoch` and `time` if there are any;
// `{"params": {…}}` and `{"tags": {…}}` describe a run. The whole file is checked before anything of
// it is handed over.

package import Experiments

package struct JSONLinesSource: ImportSource {
  private let path: String
  private let absolutePath: String
  private let options: TableOptions

  package init(
    _ path: String, absolutePath: String, options: TableOptions
  ) throws(ImportError) {
    self.path = path
    self.absolutePath = absolutePath
    self.options = options
    _ = try SourceFile(path)
  }

  package func total() throws(ImportError) -> Int64 { Int64(try SourceFile.Facts(path).size) }

  package func read(
    known: (Identifier) throws -> String?, emit: (ImportItem) throws -> Void
  ) throws {
    try check()
    var runs = try TableRuns(
      kind: "jsonl", path: path, absolutePath: absolutePath, options: options.common)
    var counts: [Identifier: Int64] = [:]
    var bad: [Skipped] = []
    var badCount = 0
    try lines { line, number, offset in
      let meaning = try JSONLineMeaning(line, path: path, line: number, options: options) { error in
        guard options.skipBad else { throw error }
        badCount += 1
        if bad.count < 1_000 { bad.append(Skipped(error.message, why: "it cannot be read")) }
      }
      if let offset { try emit(.progress(Int64(offset))) }
      guard let meaning else { return }
      let uid = try runs.run(
        meaning.run, time: meaning.time, known: known, emit: emit)
      var fitting = Fitting(owner: "run \(meaning.run ?? path)")
      let params = fitting.params(meaning.params)
      if !params.isEmpty { try emit(.params(uid, params)) }
      let tags = fitting.tags(meaning.tags)
      if !tags.isEmpty { try emit(.tags(uid, tags)) }
      for skipped in fitting.skipped { try emit(.skipped(skipped)) }
      guard !meaning.points.isEmpty else { return }
      let count = counts[uid, default: 0]
      counts[uid] = count + 1
      for (key, value) in meaning.points {
        try runs.add(
          uid, key: key, step: meaning.step ?? meaning.epoch ?? count, time: meaning.time,
          value: value, epoch: meaning.epoch, emit: emit)
      }
    }
    try runs.finish(emit)
    for skipped in bad { try emit(.skipped(skipped)) }
    if badCount > bad.count {
      try emit(.skipped(Skipped("\(badCount - bad.count) more values of \(path)", why: "the same")))
    }
  }

  /// That every line can be read, and that the members that were named are there.
  private func check() throws {
    let named = [options.stepColumn, options.timeColumn, options.runColumn].compactMap { $0 }
    guard !options.skipBad || !named.isEmpty else { return }
    var missing = named
    var names: Set<String> = []
    try lines { line, number, _ in
      let meaning = try JSONLineMeaning(line, path: path, line: number, options: options) { error in
        if !options.skipBad { throw error }
      }
      guard !missing.isEmpty, let meaning else { return }
      missing.removeAll { meaning.names.contains($0) }
      if names.count < Self.namesShown { names.formUnion(meaning.names) }
    }
    guard let absent = missing.first else { return }
    throw ImportError.badTable(
      path: path,
      problem:
        "no line has \"\(absent)\"\(NearestName.question(for: absent, among: names.sorted()))",
      hint: names.isEmpty
        ? nil
        : "its lines have \(names.sorted().prefix(20).map(Fitting.shown).joined(separator: ", "))")
  }

  private static let namesShown = 100

  /// Every line that is not blank, with its number and, for the first one of a block, the bytes
  /// before.
  private func lines(
    _ body: (UnsafeBufferPointer<UInt8>, Int, Int?) throws -> Void
  ) throws {
    let blocks = try LineBlocks(path, quoted: false)
    while try blocks.next({ bytes in
      var start = blocks.offset == 0 && bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
      var number = blocks.line
      var offset: Int? = blocks.offset
      while start < bytes.count {
        let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
        let line = UnsafeBufferPointer(rebasing: bytes[start..<end])
        if line.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) {
          try body(line, number, offset)
          offset = nil
        }
        start = end + 1
        number += 1
      }
    }) {}
  }
}
