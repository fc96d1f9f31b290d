// What a person asks for: a job spec with every default filled in. It is only made by
// `JobSpec.parse`, which validates; `json` gives the same spec back as JSON.

package struct JobSpec: Sendable, Equatable {
  package var name: String
  package var experiment: String
  package var tags: [String: String]
  /// Higher goes first; equal ones in order of submission.
  package var priority: Int
  package var onLost: LostPolicy
  package var policy: JobPolicy
  package var work: Work
  /// What is watched for while it runs.
  package var alerts: [AlertSpec] = []

  package enum Work: Sendable, Equatable {
    case train(TrainSpec)
    case evaluate(EvaluateSpec)
    case command(CommandSpec)
  }

  package var kind: JobKind {
    switch work {
    case .train: .train
    case .evaluate: .evaluate
    case .command: .command
    }
  }

  package init(
    name: String, experiment: String, tags: [String: String] = [:], priority: Int = 0,
    onLost: LostPolicy = .resume, policy: JobPolicy = JobPolicy(), work: Work
  ) {
    self.name = name
    self.experiment = experiment
    self.tags = tags
    self.priority = priority
    self.onLost = onLost
    self.policy = policy
    self.work = work
  }
}

/// A training of a network on a dataset.
package struct TrainSpec: Sendable, Equatable {
  /// Seeds initial weights, the order of batches and dropout.
  package var seed: Int
  package var dataset: DatasetSpec
  package var split: SplitSpec
  /// Whether features are scaled to mean 0 and standard deviation 1, fitted on the training part.
  package var standardize: Bool
  package var model: [LayerSpec]
  package var loss: LossName
  package var optimizer: OptimizerSpec
  package var metrics: [MetricName]
  package var epochs: Int
  package var batchSize: Int
  package var checkpoints: CheckpointPolicy
  /// Threads of BLAS.
  package var threads: Int

  package init(
    seed: Int = 0, dataset: DatasetSpec, split: SplitSpec = SplitSpec(), standardize: Bool = true,
    model: [LayerSpec], loss: LossName, optimizer: OptimizerSpec, metrics: [MetricName],
    epochs: Int = 10, batchSize: Int = 32, checkpoints: CheckpointPolicy = CheckpointPolicy(),
    threads: Int = 1
  ) {
    self.seed = seed
    self.dataset = dataset
    self.split = split
    self.standardize = standardize
    self.model = model
    self.loss = loss
    self.optimizer = optimizer
    self.metrics = metrics
    self.epochs = epochs
    self.batchSize = batchSize
    self.checkpoints = checkpoints
    self.threads = threads
  }
}

/// Scores a checkpoint of a finished run on new data.
package struct EvaluateSpec: Sendable, Equatable {
  /// The number of the run whose model is scored.
  package var run: Int64
  package var checkpoint: CheckpointChoice
  package var dataset: CSVDataset

  package init(run: Int64, checkpoint: CheckpointChoice, dataset: CSVDataset) {
    self.run = run
    self.checkpoint = checkpoint
    self.dataset = dataset
  }
}

/// Which of a run's checkpoints is meant: `best`, `latest` or an epoch's number.
package enum CheckpointChoice: Sendable, Equatable, CustomStringConvertible {
  case best
  case latest
  case epoch(Int)

  package init?(_ text: String) {
    switch text {
    case "best": self = .best
    case "latest": self = .latest
    default:
      guard let epoch = Int(text), epoch >= 0 else { return nil }
      self = .epoch(epoch)
    }
  }

  package var description: String {
    switch self {
    case .best: "best"
    case .latest: "latest"
    case .epoch(let epoch): String(epoch)
    }
  }
}
