// Media types of files, told from the ends of their names.

package enum MediaType {
  private static let known = [
    "csv": "text/csv", "tsv": "text/tab-separated-values", "txt": "text/plain",
    "log": "text/plain", "md": "text/markdown", "html": "text/html", "json": "application/json",
    "jsonl": "application/jsonl", "yaml": "application/yaml", "yml": "application/yaml",
    "xml": "application/xml", "pdf": "application/pdf", "png": "image/png", "jpg": "image/jpeg",
    "jpeg": "image/jpeg", "gif": "image/gif", "svg": "image/svg+xml", "webp": "image/webp",
    "zip": "application/zip", "gz": "application/gzip", "tar": "application/x-tar",
  ]

  /// The media type of a file with this name.
  package static func of(_ path: String) -> String {
    guard let name = path.split(separator: "/").last, let dot = name.lastIndex(of: ".") else {
      return fallback
    }
    return known[name[name.index(after: dot)...].lowercased()] ?? fallback
  }

  private static let fallback = "application/octet-stream"
}
