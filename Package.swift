// swift-tools-version: 6.2
// Assay: one table of targets, strict settings for all of them.
import PackageDescription

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

extension Target.Dependency {
  static let argumentParser = product(name: "ArgumentParser", package: "swift-argument-parser")
  static let asyncHTTPClient = product(name: "AsyncHTTPClient", package: "async-http-client")
  static let crypto = product(name: "Crypto", package: "swift-crypto")
  static let grdb = product(name: "GRDB", package: "GRDB.swift")
  static let grdbSQLite = product(name: "GRDBSQLite", package: "GRDB.swift")
  static let hummingbird = product(name: "Hummingbird", package: "hummingbird")
  static let hummingbirdCore = product(name: "HummingbirdCore", package: "hummingbird")
  static let httpTypes = product(name: "HTTPTypes", package: "swift-http-types")
  static let logging = product(name: "Logging", package: "swift-log")
  static let nioCore = product(name: "NIOCore", package: "swift-nio")
  static let nioHTTP1 = product(name: "NIOHTTP1", package: "swift-nio")
  static let nioFoundationCompat = product(name: "NIOFoundationCompat", package: "swift-nio")
  static let nioHTTPTypes = product(name: "NIOHTTPTypes", package: "swift-nio-extras")
  static let serviceLifecycle = product(
    name: "ServiceLifecycle", package: "swift-service-lifecycle")
  static let yams = product(name: "Yams", package: "Yams")
}

func library(
  _ name: String, _ dependencies: [Target.Dependency] = [], embeds: Bool = false,
  exclude: [String] = []
) -> Target {
  .target(
    name: name, dependencies: dependencies, exclude: exclude, swiftSettings: strict,
    plugins: embeds ? ["EmbedText"] : [])
}

func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .executableTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [String] = ["Fixtures"])
  -> Target
{
  .testTarget(
    name: name, dependencies: dependencies, exclude: resources, swiftSettings: strict)
}

let package = Package(
  name: "assay",
  products: [
    .executable(name: "assay", targets: ["assay"]),
    .executable(name: "assayd", targets: ["assayd"]),
    .executable(name: "assay-worker", targets: ["assay-worker"]),
    .executable(name: "assay-runner", targets: ["assay-runner"]),
    // Preloaded by tools/robustness/faults.
    .library(name: "faults", type: .dynamic, targets: ["CFaults"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-extras.git", from: "1.35.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    // C shims and system libraries
    .target(name: "CLinux"),
    .systemLibrary(
      name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),

    // Libraries, lowest first
    library("Experiments", [], embeds: true),
    library("Training", ["Experiments", "COpenBLAS"]),
    library("Checkpoints", ["Experiments", "CZstd", .crypto]),
    library("Analysis", ["Experiments"]),
    library(
      "Store", ["Experiments", "Checkpoints", "CLinux", .grdb, .grdbSQLite, .crypto], embeds: true),
    library("Jobs", ["Experiments", "CLinux"]),
    library(
      "Hooks", ["Experiments", "CLinux", .asyncHTTPClient, .crypto, .nioCore, .nioHTTP1]),
    library("Wire", ["Experiments"]),
    library("Archives", ["Experiments", "Wire", "Checkpoints"]),
    library("Imports", ["Experiments", .grdb, .crypto]),
    library(
      "Server",
      [
        "Wire", "Experiments", "Store", "Jobs", "Analysis", "Checkpoints", "Hooks", "CLinux",
        .hummingbird,
        .hummingbirdCore, .nioCore, .nioHTTPTypes, .httpTypes, .logging, .serviceLifecycle,
      ], embeds: true),
    library(
      "Client",
      [
        "Wire", "Experiments", "Checkpoints", .asyncHTTPClient, .nioCore, .nioHTTP1,
        .nioFoundationCompat,
      ]),

    // Programs
    program(
      "assayd",
      [
        "Server", "Store", "Jobs", "Wire", "Experiments", "CLinux", .serviceLifecycle,
        .argumentParser, .logging,
      ]),
    program(
      "assay",
      [
        "Client", "Wire", "Experiments", "Analysis", "Archives", "Imports", "Checkpoints", "CLinux",
        .argumentParser, .yams,
      ]),
    program(
      "assay-worker",
      ["Training", "Checkpoints", "Jobs", "Client", "Wire", "Experiments", "CLinux"]),

    // Without Foundation: it lives as long as the program it runs, which may be a millisecond.
    program("assay-runner", ["Experiments", "CLinux"]),

    // Benchmarks
    .target(
      name: "BenchSupport", path: "tools/bench/Sources/BenchSupport", swiftSettings: strict),
    .executableTarget(
      name: "bench-queries", dependencies: ["BenchSupport", "Store", "Experiments"],
      path: "tools/bench/Sources/bench-queries", swiftSettings: strict),
    .executableTarget(
      name: "bench-queue", dependencies: ["BenchSupport"],
      path: "tools/bench/Sources/bench-queue", swiftSettings: strict),
    .executableTarget(
      name: "bench-store",
      dependencies: [
        "BenchSupport", "Store", "Checkpoints", "Client", "Wire", "Experiments", .grdb,
      ],
      path: "tools/bench/Sources/bench-store", swiftSettings: strict),

    // Robustness programs
    .target(name: "CFaults", path: "tools/robustness/Sources/CFaults"),
    .target(name: "CAdversary", path: "tools/robustness/Sources/CAdversary"),
    .target(name: "COtherUser", path: "tools/robustness/Sources/COtherUser"),
    .target(name: "CPowerCut", path: "tools/robustness/Sources/CPowerCut"),
    .executableTarget(
      name: "robustness",
      dependencies: [
        "BenchSupport", "CAdversary", "Checkpoints", "CLinux", "COtherUser", "CPowerCut",
        "Experiments", "Wire", .grdb,
      ],
      path: "tools/robustness/Sources/robustness", swiftSettings: strict),

    // Build tools
    .executableTarget(
      name: "embed-text", path: "tools/embed-text/tool",
      swiftSettings: strict),
    .plugin(
      name: "EmbedText", capability: .buildTool(), dependencies: ["embed-text"],
      path: "tools/embed-text/plugin"),

    // Tests
    tests("ExperimentsTests", ["Experiments", .yams]),
    tests("TrainingTests", ["Training", "Experiments"]),
    tests("CheckpointsTests", ["Checkpoints", "CZstd", "Experiments"]),
    tests("ArchivesTests", ["Archives", "Checkpoints", "Experiments"], resources: []),
    tests("AnalysisTests", ["Analysis", "Experiments"]),
    tests("StoreTests", ["Store", "Checkpoints", "Experiments", .grdb, .crypto]),
    tests("ImportsTests", ["Imports", "Experiments", .grdb]),
    tests("HooksTests", ["Hooks", "Experiments"], resources: []),
    tests("JobsTests", ["Jobs", "Experiments", "CLinux"]),
    tests(
      "ServerTests",
      ["Server", "Client", "Wire", "Jobs", "Hooks", "Checkpoints", "Experiments", .logging]),
    tests("EndToEndTests", ["Client", "Wire", "Experiments", "CLinux", .crypto, .grdb]),
  ]
)
