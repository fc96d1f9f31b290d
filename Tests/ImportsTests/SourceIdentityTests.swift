// The ids of runs whose source has none.

import Experiments
import Imports
import Testing

@Suite struct SourceIdentityTests {
  @Test func isTheBeginningOfAHash() {
    // printf 'csv\n/a/b.csv\n' | sha256sum
    #expect(
      SourceIdentity.uid(["csv", "/a/b.csv", ""]).text == "02ce555c61e70cc37b24318e23fd3f42")
  }
}
