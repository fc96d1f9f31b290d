"""Makes keras_reference.json and keras_cases.json beside this file: what Keras 3 (JAX) and PyTorch
compute for trainings that the Swift tests repeat.

To run it (any Python 3.11 or later):

    python -m venv venv
    venv/bin/pip install numpy "keras>=3" jax torch
    KERAS_BACKEND=jax venv/bin/python Tests/TrainingTests/Fixtures/make_keras_fixture.py

Data, initial weights and batch orders are not stored: both sides make them from the same integers
(splitmix64 of a counter), and every number made so is exactly a float32.
"""

import json
import os
import pathlib

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import keras
import numpy as np
import torch

HERE = pathlib.Path(__file__).parent


# The integers. `stream` keeps the uses apart.


def integers(stream, count):
    """splitmix64 of stream * 2^32 + 0, 1, 2 ... (Steele, Lea, Flood 2014), as uint64."""
    with np.errstate(over="ignore"):
        counter = np.uint64(stream) * np.uint64(1 << 32) + np.arange(count, dtype=np.uint64)
        z = (counter + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def features(stream, rows, columns):
    """Sums of four 16-bit integers, centred, over 2^15: nearly normal, deviation 1.15."""
    z = integers(stream, rows * columns)
    total = np.zeros(rows * columns, dtype=np.int64)
    for shift in (0, 16, 32, 48):
        total += ((z >> np.uint64(shift)) & np.uint64(0xFFFF)).astype(np.int64)
    return (total - 131070).reshape(rows, columns)


def weights(stream, shape, sixteenths):
    """Uniform in +-sixteenths/16, multiples of sixteenths * 2^-23."""
    z = integers(stream, int(np.prod(shape)))
    whole = (z >> np.uint64(44)).astype(np.int64) - (1 << 19)
    return (whole * sixteenths / (1 << 23)).astype(np.float32).reshape(shape)


def order(stream, rows):
    """A permutation by Fisher and Yates."""
    z = integers(stream, rows)
    result = np.arange(rows)
    for last in range(rows - 1, 0, -1):
        other = int(z[last] % np.uint64(last + 1))
        result[last], result[other] = result[other], result[last]
    return result


# The reference network: 100 features, 64 relu, 32 relu, 1 sigmoid.

ROWS, TRAIN_ROWS, COLUMNS, INFORMATIVE, EPOCHS, BATCH = 10000, 6000, 100, 20, 10, 32


def reference_data():
    whole = features(1, ROWS, COLUMNS)
    rule = (integers(2, INFORMATIVE) >> np.uint64(56)).astype(np.int64) - 128
    noise = (integers(3, ROWS) >> np.uint64(40)).astype(np.int64) - (1 << 23)
    score = (whole[:, :INFORMATIVE] * rule).sum(axis=1) + noise
    return (whole / (1 << 15)).astype(np.float32), (score > 0).astype(np.int32)


def reference_weights():
    return [
        weights(10, (100, 64), 3), np.zeros(64, np.float32),
        weights(11, (64, 32), 4), np.zeros(32, np.float32),
        weights(12, (32, 1), 7), np.zeros(1, np.float32),
    ]


def keras_reference():
    model = keras.Sequential([
        keras.Input((COLUMNS,)),
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dense(32, activation="relu"),
        keras.layers.Dense(1, activation="sigmoid"),
    ])
    model.set_weights(reference_weights())
    model.compile(optimizer=keras.optimizers.Adam(0.001), loss="binary_crossentropy",
                  metrics=["accuracy"])
    return model


def run_keras():
    x, y = reference_data()
    x_train, y_train, x_test, y_test = x[:TRAIN_ROWS], y[:TRAIN_ROWS], x[TRAIN_ROWS:], y[TRAIN_ROWS:]
    model = keras_reference()
    steps = []
    first = order(100, TRAIN_ROWS)
    for step in range(50):
        rows = first[step * BATCH:(step + 1) * BATCH]
        model.reset_metrics()
        steps.append(float(model.train_on_batch(x_train[rows], y_train[rows][:, None])[0]))
    model = keras_reference()
    for epoch in range(EPOCHS):
        rows = order(100 + epoch, TRAIN_ROWS)
        history = model.fit(x_train[rows], y_train[rows][:, None], batch_size=BATCH, epochs=1,
                            shuffle=False, verbose=0)
        if epoch == 0:
            first_loss = float(history.history["loss"][0])
            first_accuracy = float(history.history["accuracy"][0])
    loss, accuracy = model.evaluate(x_test, y_test[:, None], verbose=0)
    return {"step_losses": steps, "first_epoch_loss": first_loss,
            "first_epoch_accuracy": first_accuracy, "test_loss": float(loss),
            "test_accuracy": float(accuracy)}


class KerasAdam:
    """Keras' Adam for PyTorch tensors; torch.optim.Adam adds epsilon to the corrected root."""

    def __init__(self, parameters, rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-7):
        self.parameters = parameters
        self.rate, self.beta1, self.beta2, self.epsilon = rate, beta1, beta2, epsilon
        self.m = [torch.zeros_like(p) for p in parameters]
        self.v = [torch.zeros_like(p) for p in parameters]
        self.step_count = 0

    @torch.no_grad()
    def step(self):
        self.step_count += 1
        t = torch.tensor(float(self.step_count), dtype=torch.float32)
        power1 = torch.pow(torch.tensor(self.beta1, dtype=torch.float32), t)
        power2 = torch.pow(torch.tensor(self.beta2, dtype=torch.float32), t)
        alpha = self.rate * torch.sqrt(1 - power2) / (1 - power1)
        for p, m, v in zip(self.parameters, self.m, self.v):
            m += (p.grad - m) * (1 - self.beta1)
            v += (p.grad * p.grad - v) * (1 - self.beta2)
            p -= m * alpha / (torch.sqrt(v) + self.epsilon)
            p.grad = None


def run_torch():
    x, y = reference_data()
    x = torch.from_numpy(x)
    y = torch.from_numpy(y.astype(np.float32))[:, None]
    parameters = [torch.from_numpy(w.copy()).requires_grad_() for w in reference_weights()]
    w1, b1, w2, b2, w3, b3 = parameters

    def forward(rows):
        hidden = torch.relu(rows @ w1 + b1)
        hidden = torch.relu(hidden @ w2 + b2)
        return torch.sigmoid(hidden @ w3 + b3)

    def loss_of(p, t):
        p = torch.clamp(p, 1e-7, 1 - 1e-7)
        return -(t * torch.log(p) + (1 - t) * torch.log(1 - p)).mean()

    adam = KerasAdam(parameters)
    steps, total = [], 0.0
    for epoch in range(EPOCHS):
        rows = torch.from_numpy(order(100 + epoch, TRAIN_ROWS))
        for first in range(0, TRAIN_ROWS, BATCH):
            batch = rows[first:first + BATCH]
            loss = loss_of(forward(x[batch]), y[batch])
            loss.backward()
            adam.step()
            if epoch == 0:
                total += float(loss.detach()) * len(batch)
                if len(steps) < 50:
                    steps.append(float(loss.detach()))
    with torch.no_grad():
        right = (forward(x[TRAIN_ROWS:]) > 0.5).float() == y[TRAIN_ROWS:]
    return {"step_losses": steps, "first_epoch_loss": total / TRAIN_ROWS,
            "test_accuracy": float(right.float().mean())}


# Small cases: every activation, loss, penalty and optimizer, 8 steps of 7 rows.

CASE_ROWS, CASE_COLUMNS, CASE_BATCH, CASE_STEPS = 56, 6, 7, 8


def case(name, layers, loss, optimizer, classes):
    """layers: [(units, activation, l1, l2, bias)]; classes 0: a regression."""
    return {"name": name, "layers": layers, "loss": loss, "optimizer": optimizer,
            "classes": classes}


ADAM = {"type": "adam", "learning_rate": 0.01}


def cases():
    two = [[5, "tanh", 0.0, 0.0, True]]
    result = []
    for optimizer in [
        {"type": "sgd", "learning_rate": 0.1},
        {"type": "sgd", "learning_rate": 0.1, "momentum": 0.9},
        {"type": "sgd", "learning_rate": 0.1, "momentum": 0.9, "nesterov": True},
        ADAM,
        {"type": "adam", "learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3},
        {"type": "rmsprop", "learning_rate": 0.01},
        {"type": "rmsprop", "learning_rate": 0.01, "rho": 0.8, "momentum": 0.5},
        {"type": "rmsprop", "learning_rate": 0.01, "centered": True, "epsilon": 1e-4},
        {"type": "rmsprop", "learning_rate": 0.01, "momentum": 0.5, "centered": True,
         "epsilon": 1e-4},
    ]:
        name = "optimizer " + " ".join(f"{k}={v}" for k, v in optimizer.items())
        result.append(case(name, two + [[3, "softmax", 0.0, 0.0, True]],
                           "sparse_categorical_crossentropy", optimizer, 3))
    for activation in ["linear", "relu", "sigmoid", "softmax", "tanh"]:
        result.append(case(f"hidden {activation}", [[5, activation, 0.0, 0.0, True],
                                                    [1, "sigmoid", 0.0, 0.0, True]],
                           "binary_crossentropy", ADAM, 2))
    for outputs, activation, loss, classes in [
        (1, "linear", "mean_squared_error", 0),
        (1, "tanh", "mean_squared_error", 0),
        (1, "sigmoid", "mean_squared_error", 2),
        (3, "softmax", "mean_squared_error", 3),
        (3, "sigmoid", "mean_squared_error", 3),
        (3, "softmax", "categorical_crossentropy", 3),
        (3, "sigmoid", "categorical_crossentropy", 3),
        (3, "sigmoid", "sparse_categorical_crossentropy", 3),
        (1, "tanh", "binary_crossentropy", 2),
        (1, "linear", "binary_crossentropy", 2),
    ]:
        result.append(case(f"{loss} after {outputs} {activation}",
                           two + [[outputs, activation, 0.0, 0.0, True]], loss, ADAM, classes))
    for l1, l2 in [(0.01, 0.0), (0.0, 0.01), (0.02, 0.03)]:
        result.append(case(f"penalty l1={l1} l2={l2}", [[5, "relu", l1, l2, True],
                                                        [1, "sigmoid", 0.0, l2, True]],
                           "binary_crossentropy", ADAM, 2))
    result.append(case("no bias", [[5, "relu", 0.0, 0.0, False], [3, "softmax", 0.0, 0.0, False]],
                       "sparse_categorical_crossentropy", ADAM, 3))
    return result


def run_case(spec):
    x = (features(20, CASE_ROWS, CASE_COLUMNS) / (1 << 15)).astype(np.float32)
    classes = spec["classes"]
    if classes == 0:
        y = (features(21, CASE_ROWS, 1) / (1 << 15)).astype(np.float32)
    else:
        y = (integers(22, CASE_ROWS) % np.uint64(classes)).astype(np.int32)[:, None]
    one_hot = spec["loss"] == "categorical_crossentropy" or (
        spec["loss"] == "mean_squared_error" and classes > 2)
    if one_hot:
        y = np.eye(classes, dtype=np.float32)[y[:, 0]]

    model = keras.Sequential([keras.Input((CASE_COLUMNS,))])
    start, width = [], CASE_COLUMNS
    for index, (units, activation, l1, l2, bias) in enumerate(spec["layers"]):
        regularizer = keras.regularizers.L1L2(l1, l2) if l1 or l2 else None
        model.add(keras.layers.Dense(units, activation=activation, use_bias=bias,
                                     kernel_regularizer=regularizer))
        start.append(weights(30 + 2 * index, (width, units), 8))
        if bias:
            start.append(weights(31 + 2 * index, (units,), 2))
        width = units
    model.set_weights(start)
    options = dict(spec["optimizer"])
    kind = {"sgd": keras.optimizers.SGD, "adam": keras.optimizers.Adam,
            "rmsprop": keras.optimizers.RMSprop}[options.pop("type")]
    model.compile(optimizer=kind(**options), loss=spec["loss"])
    losses = []
    for step in range(CASE_STEPS):
        rows = slice(step * CASE_BATCH, (step + 1) * CASE_BATCH)
        model.reset_metrics()
        losses.append(float(np.asarray(model.train_on_batch(x[rows], y[rows])).reshape(-1)[0]))
    final = np.concatenate([np.asarray(w).reshape(-1) for w in model.get_weights()])
    return {**spec, "step_losses": losses, "weights": [float(f"{w:.8g}") for w in final],
            "evaluated_loss": float(np.asarray(model.evaluate(x, y, batch_size=CASE_BATCH,
                                                              verbose=0)).reshape(-1)[0])}


def write(name, value):
    (HERE / name).write_text(json.dumps(value, indent=1) + "\n")


def main():
    versions = {"keras": keras.__version__, "jax": jax.__version__, "torch": torch.__version__,
                "numpy": np.__version__}
    x, y = reference_data()
    checks = {"feature_0_0": float(x[0, 0]), "feature_last": float(x[-1, -1]),
              "positives": int(y.sum()), "weight_0_0": float(reference_weights()[0][0, 0]),
              "order_sum": int((order(100, TRAIN_ROWS) * np.arange(TRAIN_ROWS)).sum())}
    write("keras_reference.json", {"versions": versions, "checks": checks, "keras": run_keras(),
                                   "torch": run_torch()})
    write("keras_cases.json", {"versions": versions, "cases": [run_case(c) for c in cases()]})


if __name__ == "__main__":
    main()
