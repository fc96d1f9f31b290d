// The whole API as one table.

enum Routes {
  static func all(_ core: Core) -> [Endpoint] {
    [
      StatusRoutes.endpoints(core), JobsRoutes.endpoints(core),
      JobChangeRoutes.endpoints(core), QueueRoutes.endpoints(core), RunListRoutes.endpoints(core),
      RunsRoutes.endpoints(core), RecordingRoutes.endpoints(core),
      MetricsRoutes.endpoints(core), CheckpointsRoutes.endpoints(core),
      ArtifactsRoutes.endpoints(core), LogRoutes.endpoints(core), CompareRoutes.endpoints(core),
      BaselineRoutes.endpoints(core), CheckRoutes.endpoints(core),
      ScheduleRoutes.endpoints(core), EventsRoutes.endpoints(core),
      AttemptRoutes.endpoints(core),
      ContentRoutes.endpoints(core), ArchiveRoutes.endpoints(core),
      SpaceRoutes.endpoints(core),
      CareRoutes.endpoints(core), WatchRoutes.endpoints(core), TopRoutes.endpoints(core),
      HookRoutes.endpoints(core), ExpositionRoutes.endpoints(core), ReloadRoutes.endpoints(core),
    ].flatMap { $0 }.map { TokenGuard.guarded($0, core) }
  }
}
