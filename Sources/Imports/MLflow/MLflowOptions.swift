// What is wanted of a store of MLflow, and which of its two kinds a path is.

import Experiments

package struct MLflowOptions: Sendable {
  package var common: ImportOptions
  /// Runs that were deleted in MLflow too.
  package var deleted = false
  package var artifacts = true
  /// Where the artifacts lie, if not where MLflow says or beside the store.
  package var artifactsFolder: String?
  /// ±1.7976931348623157e308 becomes ±Infinity: MLflow's database keeps infinities as these.
  package var infinities = false

  package init(common: ImportOptions) { self.common = common }

  /// A run's signature as it is with these options: imported with others, it is read again.
  func signature(_ ofRun: String) -> String {
    SourceIdentity.signature(
      [ofRun, "\(artifacts)", artifactsFolder ?? "", "\(infinities)"])
  }
}

package enum MLflowStore {
  /// The reader for a folder `mlruns`, a folder with one or with `mlflow.db` in it, a database, or
  /// MLflow's URI of one of them (`sqlite:///mlflow.db`, `file:///…/mlruns`).
  /// - Parameter absolute: makes a path one from the root.
  package static func open(
    _ place: String, options: MLflowOptions, absolute: (String) -> String
  ) throws(ImportError) -> any ImportSource {
    let path = absolute(try Self.path(of: place))
    guard try SourceFile.Facts(path).isFolder else {
      return try MLflowDatabase(path, options: options)
    }
    if MLflowFolder.isStore(path) { return try MLflowFolder(path, options: options) }
    // A folder that mlflow was started in: its database is the newer kind of store.
    let (database, folder) = (path + "/mlflow.db", path + "/mlruns")
    if (try? SourceFile.Facts(database)) != nil {
      return try MLflowDatabase(database, options: options)
    }
    if MLflowFolder.isStore(folder) { return try MLflowFolder(folder, options: options) }
    throw .notThatKind(
      path: place, expected: "a store of MLflow",
      hint: "name a folder mlruns, a database such as mlflow.db, or a folder with one of them")
  }

  private static func path(of place: String) throws(ImportError) -> String {
    if place.hasPrefix("sqlite:///") { return String(place.dropFirst("sqlite:///".count)) }
    if place.hasPrefix("file:"), let path = MLflowArtifacts.localPath(place) { return path }
    if place.contains("://") {
      throw .notThatKind(
        path: place, expected: "a store of MLflow on this machine",
        hint: "servers and other databases are imported from their SQLite file or mlruns folder")
    }
    return place
  }
}
