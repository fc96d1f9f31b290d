// A field's value as SQL: for comparing and sorting (NaN is nothing), or as it is stored.

import GRDB

extension QuerySQL {
  /// For comparing with a number, and for sorting; NULL for a NaN.
  func number(_ field: QueryField, _ scope: Scope) -> SQLPiece {
    switch field {
    case .metric(let key, .step(let step)): return self.step(key, step, isNumber: true, scope)
    case .metric(let key, let part):
      let expression =
        switch part.resolved(for: key) {
        case .min: Self.real("m.min")
        case .max: Self.real("m.max")
        case .mean:
          "CASE WHEN m.numbers > 0 AND typeof(m.sum) = 'real' THEN m.sum / m.numbers END"
        case .count: "m.count"
        case .last, .best, .step: Self.real("m.last")
        }
      return metric(expression, key, scope)
    case .param(let key): return keyed("number", "params", key, scope)
    case .tag: return text(field, scope)
    case .attribute(let attribute): return SQLPiece(sql: Self.column(attribute))
    }
  }

  func text(_ field: QueryField, _ scope: Scope) -> SQLPiece { raw(field, scope) }

  /// As it is stored; NULL only where the run has no such thing. A NaN is the text 'NaN'.
  func raw(_ field: QueryField, _ scope: Scope) -> SQLPiece {
    switch field {
    case .metric(let key, .step(let step)): return self.step(key, step, isNumber: false, scope)
    case .metric(let key, let part):
      let expression =
        switch part.resolved(for: key) {
        case .min: "m.min"
        case .max: "m.max"
        case .mean:
          """
          CASE WHEN m.numbers > 0 AND typeof(m.sum) = 'real' THEN m.sum / m.numbers ELSE 'NaN' END
          """
        case .count: "m.count"
        case .last, .best, .step: "m.last"
        }
      return metric(expression, key, scope)
    case .param(let key): return keyed("value", "params", key, scope)
    case .tag(let key): return keyed("value", "tags", key, scope)
    case .attribute(let attribute): return SQLPiece(sql: Self.column(attribute))
    }
  }

  /// Of params numbers sort as numbers, before texts.
  func sortKey(of field: QueryField) -> SQLPiece {
    let number = number(field, .run)
    guard case .param = field else { return number }
    let text = text(field, .run)
    return SQLPiece(
      sql: "COALESCE(\(number.sql), \(text.sql))", values: number.values + text.values)
  }

  private static func real(_ column: String) -> String {
    "CASE typeof(\(column)) WHEN 'real' THEN \(column) END"
  }

  private func metric(_ expression: String, _ key: String, _ scope: Scope) -> SQLPiece {
    guard scope == .run else { return SQLPiece(sql: expression) }
    return SQLPiece(
      sql: "(SELECT \(expression) FROM metrics m WHERE m.run_id = r.id AND m.key_id = ?)",
      values: [keyId(key)])
  }

  private func step(_ key: String, _ step: Int64, isNumber: Bool, _ scope: Scope) -> SQLPiece {
    let point = PointAtStep.value(isNumber: isNumber)
    guard scope == .run else { return SQLPiece(sql: point, values: [step.databaseValue]) }
    return SQLPiece(
      sql: "(SELECT \(point) FROM metrics m WHERE m.run_id = r.id AND m.key_id = ?)",
      values: [step.databaseValue, keyId(key)])
  }

  private func keyed(
    _ column: String, _ table: String, _ key: String, _ scope: Scope
  ) -> SQLPiece {
    guard scope == .run else { return SQLPiece(sql: "p.\(column)") }
    return SQLPiece(
      sql: "(SELECT p.\(column) FROM \(table) p WHERE p.run_id = r.id AND p.key = ?)",
      values: [key.databaseValue])
  }

  private static func column(_ attribute: QueryAttribute) -> String {
    switch attribute {
    case .status: "r.status"
    case .name: "r.name"
    case .id: "r.id"
    case .uid: "r.uid"
    case .experiment: "(SELECT e.name FROM experiments e WHERE e.id = r.experiment_id)"
    case .seed: "r.seed"
    case .started: "r.started_at"
    case .ended: "r.ended_at"
    case .created: "r.created_at"
    case .deleted: "r.deleted_at"
    case .startTime: "(r.started_at / 1000)"
    case .endTime: "(r.ended_at / 1000)"
    case .duration: "((r.ended_at - r.started_at) / 1e6)"
    case .note: "r.note"
    case .job: "r.job_id"
    case .parent: "r.parent_run_id"
    case .user:
      // An imported run has no job: its archive says who it was, or MLflow's tag.
      """
      COALESCE((SELECT j.context ->> '$.user' FROM jobs j WHERE j.id = r.job_id),
        (SELECT o.context ->> '$.user' FROM run_origins o WHERE o.run_id = r.id),
        (SELECT p.value FROM tags p WHERE p.run_id = r.id AND p.key = 'mlflow.user'))
      """
    case .failure: "r.failure_code"
    case .dataset: dataset("d.name")
    case .datasetSHA256: dataset("d.sha256")
    case .datasetType: dataset("d.info ->> '$.type'")
    case .datasetPath: dataset("d.info ->> '$.path'")
    case .datasetRows: dataset("d.info ->> '$.rows'")
    case .datasetFeatures: dataset("d.info ->> '$.features'")
    case .cpuSeconds: "(\(cost("cpu_user_seconds")) + \(cost("cpu_system_seconds")))"
    case .wallSeconds, .cpuUserSeconds, .cpuSystemSeconds, .peakRSSBytes, .readBytes,
      .writtenBytes, .trainingSeconds, .stepsPerSecond, .samplesPerSecond, .flopsPerStep:
      cost(String(attribute.rawValue.dropFirst("cost.".count)))
    }
  }

  private static func dataset(_ column: String) -> String {
    "(SELECT \(column) FROM datasets d WHERE d.id = r.dataset_id)"
  }

  /// Of the JSON in a run; numbers that JSON lacks are texts in it, and nothing here.
  private static func cost(_ key: String) -> String {
    "(CASE json_type(r.cost, '$.\(key)') WHEN 'text' THEN NULL ELSE r.cost ->> '$.\(key)' END)"
  }
}
