// Which runs `GET /api/v1/runs` lists.

package import Experiments

package struct RunListQuery: Sendable {
  package var experiment: String?
  /// Empty: of any status.
  package var statuses: [RunStatus]
  /// An expression such as `metrics.val_f1 > 0.9 and params.optimizer.type = 'adam'`.
  package var whereText: String?
  /// `-metrics.val_f1`, `params.model.0.units`, `started`, …; a minus turns the order round.
  package var orderBy: [String]
  package var limit: Int?
  /// `next` of the page before.
  package var cursor: String?
  /// True lists the deleted ones.
  package var deleted: Bool

  /// `metrics.KEY`, `params.KEY` and `tags.KEY` that the runs are to carry; nil: all they have. Of
  /// tables and groups: their columns.
  package var select: [String]?
  /// Whether to say how many there are on all pages.
  package var count: Bool

  package init(
    experiment: String? = nil, statuses: [RunStatus] = [], whereText: String? = nil,
    orderBy: [String] = [], limit: Int? = nil, cursor: String? = nil, deleted: Bool = false,
    select: [String]? = nil, count: Bool = false
  ) {
    self.experiment = experiment
    self.statuses = statuses
    self.whereText = whereText
    self.orderBy = orderBy
    self.limit = limit
    self.cursor = cursor
    self.deleted = deleted
    self.select = select
    self.count = count
  }
}
