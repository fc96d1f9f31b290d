// Finds what a misspelt name was meant to be: the nearest valid one, and only if it is near.

package enum NearestName {
  /// The name among `candidates` that takes the fewest edits (insert, delete, replace, swap two
  /// neighbours) from `name`; the first of equals. Nil if none is near: at most one edit in three
  /// letters, and never more than three. Case and the kind of separator (`-`, `_`, space) do not
  /// count.
  package static func suggestion(
    for name: String, among candidates: some Sequence<String>
  ) -> String? {
    let wanted = normalised(name)
    guard !wanted.isEmpty, wanted.count <= longest else { return nil }
    var best: (name: String, distance: Int)?
    for candidate in candidates where candidate != name {
      let letters = normalised(candidate)
      let allowed = min(3, max(1, max(wanted.count, letters.count) / 3))
      let bound = min(allowed, (best?.distance ?? .max) - 1)
      guard bound >= 0, abs(letters.count - wanted.count) <= bound, letters.count <= longest
      else { continue }
      // a name of one or two letters is one edit from everything
      let distance = self.distance(wanted, letters)
      guard distance <= bound, distance == 0 || min(wanted.count, letters.count) > 1
      else { continue }
      best = (candidate, distance)
    }
    return best?.name
  }

  /// `; did you mean NAME?`, or nothing.
  package static func question(
    for name: String, among candidates: some Sequence<String>
  ) -> String {
    suggestion(for: name, among: candidates).map { "; did you mean \($0)?" } ?? ""
  }

  /// Longer names are not compared: the table grows with the product of the lengths.
  private static let longest = 128

  private static func normalised(_ name: String) -> [Character] {
    name.lowercased().map { $0 == "-" || $0 == " " ? "_" : $0 }
  }

  /// The optimal string alignment distance (Damerau–Levenshtein with each part edited once).
  static func distance(_ a: [Character], _ b: [Character]) -> Int {
    var beforeLast = [Int]()
    var last = Array(0...b.count)
    for i in 1...max(1, a.count) where i <= a.count {
      var row = [i]
      for j in 1...max(1, b.count) where j <= b.count {
        let same = a[i - 1] == b[j - 1]
        var edits = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1))
        if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
          edits = min(edits, beforeLast[j - 2] + 1)
        }
        row.append(edits)
      }
      (beforeLast, last) = (last, row)
    }
    return last[b.count]
  }
}
