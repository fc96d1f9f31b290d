// The files below a folder, with paths relative to it. Links are followed, except where one leads
// back to a folder that it lies in.

struct FolderFiles {
  struct Item: Equatable {
    /// Relative to the folder, `/` between its parts.
    var path: String
    var file: String
    var size: Int
    var modifiedNanoseconds: Int64
  }

  /// In the order of their names' bytes, folder by folder.
  private(set) var items: [Item] = []
  /// What cannot be read.
  private(set) var skipped: [Skipped] = []
  /// The folders from the first one down to the one being read.
  private var above: Set<[UInt64]> = []

  init(in folder: String) { add(folder, relative: "") }

  private mutating func add(_ folder: String, relative: String) {
    do {
      let number = try SourceFile.Facts(folder).number
      guard above.insert(number).inserted else {
        skipped.append(Skipped(folder, why: "it leads back to a folder that it lies in"))
        return
      }
      defer { above.remove(number) }
      for name in try SourceFile.names(in: folder) {
        addItem(folder + "/" + name, path: relative.isEmpty ? name : relative + "/" + name)
      }
    } catch {
      skipped.append(Skipped(folder, why: error.message))
    }
  }

  private mutating func addItem(_ file: String, path: String) {
    do {
      let facts = try SourceFile.Facts(file)
      if facts.isFolder {
        add(file, relative: path)
      } else if facts.isRegular {
        items.append(
          Item(
            path: path, file: file, size: facts.size,
            modifiedNanoseconds: facts.modifiedNanoseconds))
      } else {
        skipped.append(Skipped(file, why: "it is not a regular file"))
      }
    } catch {
      skipped.append(Skipped(file, why: error.message))
    }
  }
}
