// Why a robustness program cannot go on. What it finds wrong with Assay is no trouble but a finding.

struct Trouble: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
