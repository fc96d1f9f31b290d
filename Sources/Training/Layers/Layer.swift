// The layers of a network as values without references, so that a step counts no references.

import Experiments

package enum Layer {
  case dense(Dense)
  case dropout(Dropout)

  /// Values per row that come out.
  package var width: Int {
    switch self {
    case .dense(let dense): dense.units
    case .dropout(let dropout): dropout.width
    }
  }
}
