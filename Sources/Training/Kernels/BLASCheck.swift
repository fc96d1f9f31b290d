// Does OpenBLAS multiply correctly here? Some versions have kernels that give wrong numbers on some
// CPUs, which would look like bad training. So before the first training of a process each kind of
// product is compared with a plain one, on small and odd shapes and on those the model uses.

import Synchronization

package enum BLASCheck {
  package struct Shape: Hashable, Sendable {
    /// Rows of a batch, inputs and units of a layer.
    package let rows, inputs, units: Int

    package init(rows: Int, inputs: Int, units: Int) {
      self.rows = rows
      self.inputs = inputs
      self.units = units
    }
  }

  private struct Checked {
    var grid = false
    var shapes: Set<Shape> = []
  }

  // OpenBLAS and its thread count are global to the process, so what was checked is, too.
  private static let checked = Mutex<[Int: Checked]>([:])

  /// Larger shapes would take noticeable time and use the same kernels.
  private static let greatestProduct = 1 << 21

  /// Sets the number of threads and checks the products of a standard grid and of `shapes`, each
  /// once per process and number of threads. Throws `blasUnreliable`.
  package static func prepare(threads: Int, shapes: [Shape] = []) throws(TrainingError) {
    let wrong: String? = checked.withLock { checked in
      BLAS.threads = threads
      var done = checked[threads] ?? Checked()
      var todo = shapes.filter {
        !done.shapes.contains($0) && $0.rows * $0.inputs * $0.units <= greatestProduct
      }
      if !done.grid { todo += grid }
      for shape in todo {
        if let wrong = failure(of: shape) { return wrong }
        done.shapes.insert(shape)
      }
      done.grid = true
      checked[threads] = done
      return nil
    }
    if let wrong { throw .blasUnreliable(wrong) }
  }

  package static let grid: [Shape] = {
    let sizes = [1, 2, 3, 5, 8, 17, 32, 65]
    return sizes.flatMap { rows in
      sizes.flatMap { inputs in
        sizes.map { Shape(rows: rows, inputs: inputs, units: $0) }
      }
    }
  }()

  /// Compares the three products of a dense layer with plain ones; nil if all are right.
  package static func failure(of shape: Shape) -> String? {
    let (rows, inputs, units) = (shape.rows, shape.inputs, shape.units)
    let x = numbers(rows * inputs, stream: 1)
    let w = numbers(inputs * units, stream: 2)
    let g = numbers(rows * units, stream: 3)
    var products: [(name: String, result: [Float], difference: Double)] = []

    // The results start as NaN: a kernel that reads them shows.
    var y = [Float](repeating: .nan, count: rows * units)
    BLAS.multiply(x, w, into: &y, m: rows, n: units, k: inputs)
    products.append(
      (
        "x·w", y,
        difference(y, rows, units, inputs) { r, c, i in
          (x[r * inputs + i], w[i * units + c])
        }
      ))

    var kernelGradient = [Float](repeating: .nan, count: inputs * units)
    BLAS.multiply(transposed: x, g, into: &kernelGradient, m: inputs, n: units, k: rows)
    products.append(
      (
        "xᵀ·g", kernelGradient,
        difference(kernelGradient, inputs, units, rows) { r, c, i in
          (x[i * inputs + r], g[i * units + c])
        }
      ))

    var inputGradient = [Float](repeating: .nan, count: rows * inputs)
    BLAS.multiply(g, transposed: w, into: &inputGradient, m: rows, n: inputs, k: units)
    products.append(
      (
        "g·wᵀ", inputGradient,
        difference(inputGradient, rows, inputs, units) { r, c, i in
          (g[r * units + i], w[c * units + i])
        }
      ))

    for product in products where !(product.difference <= 1) {
      return "\(product.name) with \(rows) rows, \(inputs) inputs and \(units) units is wrong "
        + "(kernels of \(BLAS.coreName), \(BLAS.threads) threads)"
    }
    return nil
  }

  /// The greatest deviation of a product [m, n] over `depth` terms, as a multiple of what rounding
  /// can explain.
  private static func difference(
    _ result: [Float], _ m: Int, _ n: Int, _ depth: Int,
    terms: (Int, Int, Int) -> (Float, Float)
  ) -> Double {
    var greatest = 0.0
    for r in 0..<m {
      for c in 0..<n {
        var sum = 0.0
        var size = 0.0
        for i in 0..<depth {
          let (a, b) = terms(r, c, i)
          sum += Double(a) * Double(b)
          size += abs(Double(a) * Double(b))
        }
        let deviation = abs(Double(result[r * n + c]) - sum) / (size * 1e-5 + 1e-30)
        // A NaN must win, so it is not left to max().
        if !(deviation <= greatest) { greatest = deviation.isNaN ? .infinity : deviation }
      }
    }
    return greatest
  }

  private static func numbers(_ count: Int, stream: Int) -> [Float] {
    var random = RandomStream(seed: 1, purpose: .weights, layer: 0xFFFF, index: stream)
    return (0..<count).map { _ in Float(random.nextUniform() * 2 - 1) }
  }
}
