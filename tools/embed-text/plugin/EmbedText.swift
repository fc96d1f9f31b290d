// Build-tool plugin: gives each target that asks for it the texts it owns as Swift source, so that
// installed binaries need no resource folder.
import Foundation
import PackagePlugin

@main
struct EmbedText: BuildToolPlugin {
  /// Which folder of the package goes into which target, and with which file ending.
  private static let folders = [
    "Store": ("migrations", "sql"),
    "Experiments": ("schemas", "json"),
    "Server": ("schemas", "json"),
  ]

  func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
    guard let (folder, ending) = Self.folders[target.name] else { return [] }
    let source = context.package.directoryURL.appending(path: folder)
    let files = try FileManager.default
      .contentsOfDirectory(at: source, includingPropertiesForKeys: nil)
      .filter { $0.pathExtension == ending }
      .sorted { $0.lastPathComponent < $1.lastPathComponent }
    let output = context.pluginWorkDirectoryURL.appending(path: "EmbeddedTexts.swift")
    return [
      .buildCommand(
        displayName: "Embedding \(folder)/*.\(ending) into \(target.name)",
        executable: try context.tool(named: "embed-text").url,
        arguments: [output.path] + files.map(\.path),
        inputFiles: files, outputFiles: [output])
    ]
  }
}
