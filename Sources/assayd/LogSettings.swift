// How the daemon logs; may change while it runs.

import Logging
import Synchronization

final class LogSettings: Sendable {
  private let state: Mutex<(level: Logger.Level, format: LogFormat)>

  init(level: LogLevelName, format: LogFormat) { state = Mutex((level.level, format)) }

  var level: Logger.Level { state.withLock { $0.level } }
  var format: LogFormat { state.withLock { $0.format } }

  func set(level: LogLevelName, format: LogFormat) {
    state.withLock { $0 = (level.level, format) }
  }
}
