// The options that say what of the machine is counted and handed out to jobs.

import ArgumentParser
import Experiments

struct ResourceOptions: ParsableArguments {
  @Option(
    name: .customLong("resource"),
    help: ArgumentHelp(
      "How many there are of something that jobs may ask for, e.g. gpu=2; may be repeated.",
      valueName: "name=count"))
  var resources: [CountedResource] = []

  func validate() throws {
    var names: Set<String> = []
    for resource in resources where !names.insert(resource.name).inserted {
      throw ValidationError("--resource \(resource.name) is given twice.")
    }
  }

  var amounts: [String: Int] {
    Dictionary(resources.map { ($0.name, $0.count) }, uniquingKeysWith: { _, last in last })
  }

  /// For another start of this program.
  var arguments: [String] { resources.flatMap { ["--resource", "\($0.name)=\($0.count)"] } }
}

/// `gpu=2`.
struct CountedResource: ExpressibleByArgument {
  let name: String
  let count: Int

  init?(argument: String) {
    let parts = argument.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, ResourceName.isValid(parts[0]), let count = Int(parts[1]),
      JobPolicy.resourceAmounts.contains(count)
    else { return nil }
    name = parts[0]
    self.count = count
  }
}
