// swift-tools-version: 6.1
import PackageDescription

// The house, level by level: an import may only go down. `tools/check` holds the code to this list.
let package = Package(
  name: "assay",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "assay", targets: ["assay"]),
    .library(name: "AssayKit", targets: ["AssayKit"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
    .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
  ],
  targets: [
    // Level 0: the system's libraries. Each is imported by one file only, libzip by one folder.
    .systemLibrary(name: "CLibZip", pkgConfig: "libzip", providers: [.apt(["libzip-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CSndFile", pkgConfig: "sndfile", providers: [.apt(["libsndfile1-dev"])]),

    // Level 1: a file as bytes.
    .target(name: "Bytes", dependencies: ["CZlib", .product(name: "Crypto", package: "swift-crypto")]),

    // Level 2: numbers with a shape.
    .target(name: "Tensors", dependencies: ["Bytes"]),

    // Level 3: other people's files, our graph and file, the number loops. They do not know each other.
    .target(name: "Formats", dependencies: ["Bytes", "Tensors", "CLibZip"]),
    .target(name: "IR", dependencies: ["Bytes", "Tensors"]),
    .target(name: "Kernels", dependencies: ["COpenBLAS"]),

    // Level 4: what comes in, what goes out, what is computed.
    .target(
      name: "Frontends",
      dependencies: ["Bytes", "Tensors", "Formats", "IR", .product(name: "Yams", package: "Yams")]),
    .target(name: "Exporters", dependencies: ["Bytes", "Tensors", "IR"]),
    .target(name: "Executor", dependencies: ["Bytes", "Tensors", "IR", "Kernels"]),
    .target(name: "Audio", dependencies: ["Bytes", "CSndFile"]),

    // Level 5: graph in, graph out; is it still the same model?
    .target(name: "Passes", dependencies: ["Bytes", "Tensors", "IR", "Kernels", "Executor"]),
    .target(name: "Verification", dependencies: ["Bytes", "Tensors", "Formats", "IR", "Executor"]),

    // Level 6 and 7: the library's front, and words to calls.
    .target(
      name: "AssayKit",
      dependencies: [
        "Bytes", "Tensors", "Formats", "IR", "Kernels", "Frontends", "Exporters", "Executor", "Audio", "Passes",
        "Verification",
      ]),
    .executableTarget(
      name: "assay",
      dependencies: ["AssayKit", .product(name: "ArgumentParser", package: "swift-argument-parser")]),

    // Tests: one target a room, the same file names.
    .target(name: "TestSupport", dependencies: ["Bytes", "Tensors"], path: "Tests/TestSupport"),
    .testTarget(name: "BytesTests", dependencies: ["Bytes", "TestSupport"]),
    .testTarget(name: "AudioTests", dependencies: ["Bytes", "Tensors", "Audio", "TestSupport"]),
    .testTarget(name: "FormatsTests", dependencies: ["Bytes", "Tensors", "Formats", "TestSupport"]),
    .testTarget(name: "IRTests", dependencies: ["Bytes", "Tensors", "IR", "TestSupport"]),
    .testTarget(name: "KernelsTests", dependencies: ["Kernels", "TestSupport"]),
    .testTarget(name: "ExecutorTests", dependencies: ["Bytes", "Tensors", "IR", "Executor", "Formats", "TestSupport"]),
    .testTarget(
      name: "PassesTests",
      dependencies: ["Bytes", "Tensors", "IR", "Frontends", "Executor", "Passes", "Formats", "TestSupport"]),
    .testTarget(
      name: "FrontendsTests",
      dependencies: ["Bytes", "Tensors", "Formats", "IR", "Frontends", "Executor", "TestSupport"]),
    .testTarget(
      name: "ExportersTests", dependencies: ["Bytes", "Tensors", "Formats", "IR", "Exporters", "TestSupport"]),
    .testTarget(
      name: "VerificationTests",
      dependencies: ["AssayKit", "Bytes", "Tensors", "IR", "Executor", "Frontends", "Verification", "TestSupport"]),
    .testTarget(
      name: "CommandTests",
      dependencies: [
        "assay", "AssayKit", "Bytes", "Executor", "Formats", "Frontends", "IR", "Passes", "Tensors", "Verification",
        "TestSupport",
      ]),
  ],
  swiftLanguageModes: [.v6]
)
