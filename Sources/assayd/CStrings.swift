// Texts as a C array of C strings with a null pointer at its end.

import Glibc

enum CStrings {
  static func with<Result>(
    _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    var pointers: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) }
    pointers.append(nil)
    defer { for pointer in pointers { free(pointer) } }
    return pointers.withUnsafeBufferPointer { buffer in
      // Never nil: there is at least the closing null pointer.
      guard let base = buffer.baseAddress else { return body([nil]) }
      return body(base)
    }
  }
}
