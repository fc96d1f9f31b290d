// Progress for people, at once also where the output is a file.
import Glibc

func say(_ text: String) {
  print(text)
  fflush(nil)
}
