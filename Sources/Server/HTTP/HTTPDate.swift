// The time as headers have it (RFC 9110, section 5.6.7), made once a second by the C library alone:
// Foundation's calendar would read all of ICU into memory for it.

import Glibc
import Synchronization

enum HTTPDate {
  private static let cached = Mutex<(second: time_t, text: String)>((0, ""))

  static var now: String {
    var second = time(nil)
    return cached.withLock { cached in
      if cached.second == second { return cached.text }
      var parts = tm()
      gmtime_r(&second, &parts)
      var text = [CChar](repeating: 0, count: 40)
      let count = strftime(&text, text.count, "%a, %d %b %Y %H:%M:%S GMT", &parts)
      cached = (
        second, String(decoding: text[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
      )
      return cached.text
    }
  }
}
