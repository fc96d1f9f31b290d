// Shapes, parameters and operations against numbers counted by hand.

import Experiments
import Foundation
import Testing

@Suite struct ModelGraphTests {
  private func graph(_ model: [LayerSpec], features: Int, batch: Int = 32) -> ModelGraph {
    ModelGraph(
      spec: TrainSpec(
        dataset: .synthetic(SyntheticDataset()), model: model, loss: .binaryCrossentropy,
        optimizer: .adam(), metrics: [], batchSize: batch), features: features)
  }

  private let reference: [LayerSpec] = [
    .dense(DenseSpec(units: 64, activation: .relu)), .dropout(rate: 0.5),
    .dense(DenseSpec(units: 32, activation: .relu, useBias: false)),
    .dense(DenseSpec(units: 1, activation: .sigmoid)),
  ]

  @Test("the reference network")
  func counts() {
    let graph = graph(reference, features: 100)
    #expect(graph.layers.map(\.name) == ["dense_0", "dropout_1", "dense_2", "dense_3"])
    #expect(graph.layers.map(\.parameters) == [100 * 64 + 64, 0, 64 * 32, 32 + 1])
    #expect(graph.parameters == 8545)
    #expect(graph.layers.map(\.inputShape).last == "[batch, 32]")
    #expect(
      graph.layers.map(\.outputShape) == [
        "[batch, 64]", "[batch, 64]", "[batch, 32]", "[batch, 1]",
      ])
    #expect(graph.layers.map(\.flopsPerSample) == [12_800, 0, 4_096, 64])
    // forward and kernel gradient of all, input gradient of all but the first
    #expect(graph.flopsPerStep == 32 * (2 * (12_800 + 4_096 + 64) + 4_096 + 64))
  }

  @Test("a dropout before the first dense layer asks for no input gradient either")
  func leadingDropout() {
    let plain = graph([.dense(DenseSpec(units: 3))], features: 5, batch: 1)
    let dropped = graph([.dropout(rate: 0.1), .dense(DenseSpec(units: 3))], features: 5, batch: 1)
    #expect(plain.flopsPerStep == 2 * 2 * 15)
    #expect(dropped.flopsPerStep == plain.flopsPerStep)
  }

  @Test("comes back from its JSON")
  func coding() throws {
    let graph = graph(reference, features: 100)
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let text = try encoder.encode(graph)
    #expect(try decoder.decode(ModelGraph.self, from: text) == graph)
    #expect(try JSONDecoder().decode(JSONValue.self, from: text)["flops_per_step"] != nil)
  }

  @Test("is drawn as an aligned table")
  func table() {
    #expect(
      graph(reference, features: 100).tableLines.joined(separator: "\n") == """
        layer      activation  output       parameters  FLOPs/sample
        dense_0    relu        [batch, 64]       6 464        12 800
        dropout_1  -           [batch, 64]           0             0
        dense_2    relu        [batch, 32]       2 048         4 096
        dense_3    sigmoid     [batch, 1]           33            64
        8 545 parameters, 1 218 560 FLOPs per step of 32 samples
        """)
  }
}
