// A check with its verdict, as `assay check` and `assay schedule run --wait` print it.

import Experiments

enum CheckText {
  static func lines(_ check: Check) -> [String] {
    let candidate = NumberList.text("run", check.comparison.candidateRunIds)
    let report = VerdictReport(
      check.comparison, reference: "@" + check.baseline, candidate: candidate)
    let verdict = Terminal.style.paint(
      VerdictText.text(check.comparison.verdict), VerdictText.tint(check.comparison.verdict))
    return report.lines(width: Terminal.width, style: Terminal.style) + [
      "check \(check.id): \(candidate) against @\(ShownText.line(check.baseline)): \(verdict)"
    ]
  }
}
