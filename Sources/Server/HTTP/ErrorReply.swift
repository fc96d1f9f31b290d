// What an error is on the wire: a status and the envelope. Every error code that the daemon's parts
// know has its status here.

import Checkpoints
import Experiments
import Foundation
import HTTPTypes
import Hummingbird
import Jobs
import Store
import Wire

struct ErrorReply: Sendable {
  let status: HTTPResponse.Status
  var body: ErrorBody

  init(_ error: any Error) {
    switch error {
    case let error as ServerError:
      self.init(Self.status(of: error), error.body)
    case let error as StoreError:
      self.init(
        Self.status(of: error),
        ErrorBody(
          code: error.code, message: error.message, hint: error.hint, field: error.field))
    case let error as SpecMistakes:
      self.init(.badRequest, ServerError.specInvalid(error.mistakes).body)
    case let error as CheckpointError:
      self.init(
        .badRequest, ErrorBody(code: error.code, message: error.message, hint: error.hint))
    case let error as JobsError:
      self.init(
        Self.status(of: error),
        ErrorBody(code: error.code, message: error.message, hint: error.hint))
    case let error as PointsBodyError:
      self.init(.badRequest, error.body)
    case is CancellationError:
      self.init(.serviceUnavailable, ServerError.shuttingDown.body)
    default:
      self.init(
        .internalServerError,
        ErrorBody(
          code: "internal", message: "the daemon failed: \(error)",
          hint: "the daemon's log has the details"))
    }
  }

  private init(_ status: HTTPResponse.Status, _ body: ErrorBody) {
    self.status = status
    self.body = body
  }

  func response() throws -> Response {
    try Reply.json(ErrorEnvelope(body), status: status)
  }

  /// The envelope as it goes over the wire.
  func bytes() -> [UInt8] {
    do {
      return Array(try WireCoding.encoder().encode(ErrorEnvelope(body)))
    } catch {
      // Texts can always be encoded.
      return []
    }
  }

  private static func status(of error: ServerError) -> HTTPResponse.Status {
    switch error {
    case .routeNotFound, .schemaNotFound: .notFound
    case .methodNotAllowed: .methodNotAllowed
    case .bodyTooLarge: .contentTooLarge
    case .requestTooSlow: .requestTimeout
    case .tokenMissing, .tokenUnknown, .accessDenied: .unauthorized
    case .tokenRestricted: .forbidden
    case .badRequest, .badJSON, .badParameter, .missingParameter, .unknownParameter, .specInvalid,
      .secretsInvalid, .resourceUnavailable, .limitExceeded, .oneRunNeeded, .protocolVersion,
      .settings:
      .badRequest
    case .nothingToCheck: .conflict
    case .shuttingDown: .serviceUnavailable
    case .daemonAlreadyRunning, .dataFolderBusy, .folder, .folderOpen, .workerNotFound, .socket,
      .socketPathTaken, .token, .listen:
      .internalServerError
    }
  }

  private static func status(of error: JobsError) -> HTTPResponse.Status {
    switch error {
    case .cron, .timeZone: .badRequest
    case .file where error.code == "disk_full": .insufficientStorage
    default: .internalServerError
    }
  }

  private static func status(of error: StoreError) -> HTTPResponse.Status {
    switch error {
    case .runNotFound, .jobNotFound, .attemptNotFound, .experimentNotFound, .baselineNotFound,
      .scheduleNotFound, .queueNotFound, .hookNotFound, .checkNotFound, .checkpointNotFound,
      .artifactNotFound, .metricNotFound:
      .notFound
    case .attemptFenced, .conflict, .nameTaken, .jobFinal, .datasetChanged, .logGap, .chunkMissing,
      .runDeleted, .baselineRunsDeleted, .paramConflict, .fileExists:
      .conflict
    case .ambiguousId, .invalidRunName, .invalidQuery, .invalidValue, .limitExceeded, .content:
      .badRequest
    case .diskFull: .insufficientStorage
    case .quotaExceeded: .forbidden
    case .databaseBusy, .storeClosed: .serviceUnavailable
    case .checkpointDamaged, .artifactDamaged, .folderNotEmpty, .backupDamaged, .inputOutput,
      .databaseDamaged, .databaseNewer, .migrationEdited,
      .cannotOpen, .internal:
      .internalServerError
    }
  }
}

extension HTTPResponse.Status {
  static let insufficientStorage = HTTPResponse.Status(
    code: 507, reasonPhrase: "Insufficient Storage")
}
