// Where the files of a run of MLflow lie: at their URI if that is on this machine, else where the
// store's own folders would have them after it was moved.

import Experiments

struct MLflowArtifacts {
  /// Folders that the store's files may lie below.
  private let roots: [String]
  private let wanted: Bool
  /// Runs without a folder where one could be, and where the first one's would be.
  private var absent = 0
  private var absentExample = ""

  /// - Parameters:
  ///   - folder: nil: beside the store.
  ///   - storeFolder: where the store itself lies.
  init(folder: String?, storeFolder: String, wanted: Bool) {
    roots =
      folder.map { [$0] }
      ?? ["mlartifacts", "mlruns"].map { storeFolder + "/" + $0 } + [storeFolder]
    self.wanted = wanted
  }

  mutating func read(
    run: Identifier, owner: String, uri: String?,
    emit: (ImportItem) throws -> Void
  ) throws {
    guard wanted, let uri, !uri.isEmpty else { return }
    let folder: String
    switch locate(uri, run: run) {
    case .folder(let path): folder = path
    case .none: return
    case .absent:
      if absent == 0 { absentExample = Self.localPath(uri) ?? uri }
      absent += 1
      return
    case .elsewhere:
      return try emit(
        .skipped(Skipped("artifacts of \(owner)", why: "they are at \(uri), not on this machine")))
    }
    let files = FolderFiles(in: folder)
    for skipped in files.skipped { try emit(.skipped(skipped)) }
    for item in files.items {
      guard item.size <= Limits.artifactBytes else {
        try emit(
          .skipped(
            Skipped(
              "artifact \(item.path) of \(owner)",
              why: "it has \(item.size) bytes, an artifact at most \(Limits.artifactBytes)")))
        continue
      }
      try emit(
        .artifact(
          run, FoundArtifact(path: item.path, file: item.file, bytes: Int64(item.size))))
    }
  }

  /// Whether such a run has no artifacts or they were moved cannot be told. So it is said once.
  func finish(emit: (ImportItem) throws -> Void) throws {
    guard absent > 0 else { return }
    try emit(
      .skipped(
        Skipped(
          "artifacts of \(absent == 1 ? "1 run" : "\(absent) runs")",
          why: "there is no folder such as \(absentExample): none were logged, or they were moved "
            + "and --artifacts must name their folder")))
  }

  private enum Place {
    case folder(String)
    /// The experiment has a folder there, and the run none: MLflow makes it with the first file.
    case none
    case absent
    case elsewhere
  }

  private func locate(_ uri: String, run: Identifier) -> Place {
    let path: String
    if let local = Self.localPath(uri) {
      path = local
    } else if uri.hasPrefix("mlflow-artifacts:") {
      // what a server keeps for its clients
      path = String(uri.drop { $0 != "/" }.drop { $0 == "/" })
    } else {
      return .elsewhere
    }
    if path.hasPrefix("/") {
      if Self.isFolder(path) { return .folder(path) }
      let parts = path.split(separator: "/")
      if let place = parts.lastIndex(of: Substring(run.text)),
        Self.isFolder("/" + parts[..<place].joined(separator: "/"))
      {
        return .none
      }
    }
    // The store may have been moved: below its folder, the end of the path is still the same.
    var end = path.split(separator: "/")[...]
    while end.contains(Substring(run.text)) {
      for root in roots {
        let moved = root + "/" + end.joined(separator: "/")
        if Self.isFolder(moved) { return .folder(moved) }
      }
      end.removeFirst()
    }
    return .absent
  }

  /// Nil for a URI of another machine or service.
  static func localPath(_ uri: String) -> String? {
    if uri.hasPrefix("file:") {
      var path = uri.dropFirst("file:".count)
      if path.hasPrefix("//localhost/") { path = path.dropFirst("//localhost".count) }
      if path.hasPrefix("///") { path = path.dropFirst(2) }
      return path.hasPrefix("//") ? nil : decoded(path)
    }
    guard let colon = uri.firstIndex(of: ":") else { return uri }
    let scheme = uri[..<colon]
    let isScheme = !scheme.isEmpty && scheme.allSatisfy { $0.isLetter || $0.isNumber || $0 == "-" }
    return isScheme && !uri.hasPrefix("/") ? nil : uri
  }

  private static func decoded(_ path: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = path.utf8[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), let code = UInt8(String(rest.prefix(2)) ?? "", radix: 16) {
        bytes.append(code)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func isFolder(_ path: String) -> Bool {
    do { return try SourceFile.Facts(path).isFolder } catch { return false }
  }
}
