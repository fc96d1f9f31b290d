// Makes a database of the first schema large.
import GRDB

enum Enlargement {
  /// Copies every series under other names, with its points and its summary.
  static func enlarge(_ path: String, times: Int) throws {
    let queue = try DatabaseQueue(path: path)
    try queue.write { db in
      for copy in 1...times {
        try db.execute(
          sql: """
            INSERT INTO metric_keys (name)
              SELECT name || '/\(copy)' FROM metric_keys WHERE name NOT LIKE '%/%';
            INSERT INTO metrics (run_id, key_id, attempt, older_last_step, last, last_step,
                last_time, last_epoch, min, max, sum, numbers, count)
              SELECT m.run_id, c.id, m.attempt, m.older_last_step, m.last, m.last_step,
                m.last_time, m.last_epoch, m.min, m.max, m.sum, m.numbers, m.count
              FROM metrics m JOIN metric_keys k ON k.id = m.key_id
                JOIN metric_keys c ON c.name = k.name || '/\(copy)';
            """)
        try db.execute(sql: points(copy))
      }
    }
    try queue.close()
  }

  private static func points(_ copy: Int) -> String {
    """
    INSERT INTO metric_points
      SELECT n.id, p.step, p.time, p.value, p.epoch, p.attempt
      FROM metric_points p JOIN metrics m ON m.id = p.metric_id
        JOIN metric_keys k ON k.id = m.key_id JOIN metric_keys c ON c.name = k.name || '/\(copy)'
        JOIN metrics n ON n.run_id = m.run_id AND n.key_id = c.id;
    """
  }
}
