"""Makes sklearn_metrics.json and sklearn_preprocessing.json: what scikit-learn answers for small
cases, edge cases included. Needs scikit-learn; run it in any folder, it writes beside itself."""

import json
import math
import pathlib
import warnings

import numpy as np
import sklearn
from sklearn import metrics
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

HERE = pathlib.Path(__file__).parent
warnings.filterwarnings("ignore")


def number(value):
    value = float(value)
    return "NaN" if math.isnan(value) else value


def binary(name, labels, scores):
    labels = np.array(labels)
    scores = np.array(scores, np.float32)
    predicted = (scores > 0.5).astype(int)
    area = metrics.roc_auc_score(labels, scores) if len(set(labels.tolist())) == 2 else math.nan
    return {
        "name": name,
        "outputs": 1,
        "labels": labels.tolist(),
        "scores": [float(s) for s in scores],
        "expected": {
            "accuracy": number(metrics.accuracy_score(labels, predicted)),
            "precision": number(metrics.precision_score(labels, predicted, zero_division=0)),
            "recall": number(metrics.recall_score(labels, predicted, zero_division=0)),
            "f1": number(metrics.f1_score(labels, predicted, zero_division=0)),
            "roc_auc": number(area),
        },
    }


def two_outputs(name, labels, scores):
    case = binary(name, labels, scores)
    positive = np.array(case["scores"], np.float32)
    both = np.stack([np.float32(1) - positive, positive], axis=1)
    case["outputs"] = 2
    case["scores"] = [float(s) for s in both.ravel()]
    return case


def classes(name, labels, scores):
    labels = np.array(labels)
    scores = np.array(scores, np.float32)
    predicted = scores.argmax(axis=1)
    options = {"average": "macro", "zero_division": 0}
    return {
        "name": name,
        "outputs": scores.shape[1],
        "labels": labels.tolist(),
        "scores": [float(s) for s in scores.ravel()],
        "expected": {
            "accuracy": number(metrics.accuracy_score(labels, predicted)),
            "precision": number(metrics.precision_score(labels, predicted, **options)),
            "recall": number(metrics.recall_score(labels, predicted, **options)),
            "f1": number(metrics.f1_score(labels, predicted, **options)),
        },
    }


def regression(name, values, scores):
    values = np.array(values, np.float32)
    scores = np.array(scores, np.float32)
    exact, predicted = values.astype(np.float64), scores.astype(np.float64)
    return {
        "name": name,
        "outputs": 1,
        "values": [float(v) for v in values],
        "scores": [float(s) for s in scores],
        "expected": {
            "mean_absolute_error": number(metrics.mean_absolute_error(exact, predicted)),
            "r2": number(metrics.r2_score(exact, predicted)),
        },
    }


def one_hot(indexes, count):
    return np.eye(count)[indexes] * 0.7 + 0.01


def metric_cases():
    random = np.random.default_rng(20)
    labels = random.integers(0, 2, 500)
    scores = np.clip(labels * 0.3 + random.normal(0.35, 0.25, 500), 0, 1)
    many = random.integers(0, 5, 400)
    many_scores = random.dirichlet(np.ones(5), 400) + np.eye(5)[many] * 0.3
    return [
        binary("random", labels, scores),
        binary("many ties", labels, np.round(scores, 1)),
        binary("all scores equal", [0, 1, 1, 0], [0.7] * 4),
        binary("threshold itself is negative", [0, 1, 1, 0], [0.5, 0.5, 0.50001, 0.49999]),
        binary("no positive predictions", [0, 1, 1, 0, 0], [0.1, 0.4, 0.2, 0.3, 0.0]),
        binary("only positive predictions", [0, 1, 1, 0, 0], [0.9, 0.8, 0.7, 0.6, 1.0]),
        binary("class 1 absent", [0, 0, 0], [0.1, 0.9, 0.2]),
        binary("class 0 absent", [1, 1, 1], [0.1, 0.9, 0.2]),
        binary("class 1 absent and never predicted", [0, 0, 0], [0.1, 0.2, 0.2]),
        binary("perfect", [0, 1, 0, 1], [0.1, 0.9, 0.2, 0.8]),
        binary("perfectly wrong", [1, 0, 1, 0], [0.1, 0.9, 0.2, 0.8]),
        binary("one row", [1], [0.9]),
        binary("tiny and zero scores", [0, 1, 0, 1, 1], [0.0, 1e-45, -0.0, 1e-38, 1.0]),
        two_outputs("two outputs", labels[:100], scores[:100]),
        classes("five classes", many, many_scores),
        classes("a class never predicted", [0, 1, 2, 2], one_hot([0, 1, 1, 0], 3)),
        classes("a class absent but predicted", [0, 1, 1, 0], one_hot([0, 1, 2, 0], 3)),
        classes("a class absent everywhere", [0, 1, 3, 3], one_hot([0, 3, 3, 1], 5)),
        classes("one class only, all right", [2, 2, 2], one_hot([2, 2, 2], 4)),
        classes("one class only, all wrong", [2, 2, 2], one_hot([1, 0, 0], 4)),
        classes("ties go to the first", [0, 1, 2], np.full((3, 3), 0.25)),
        regression("random", labels + scores, scores * 2),
        regression("large offset", 10_000 + scores, 10_000 + scores + random.normal(0, 0.1, 500)),
        regression("constant, all right", [2.1] * 7, [2.1] * 7),
        regression("constant, wrong", [2.5] * 4, [2.5, 2.5, 2.5, 2.0]),
        regression("worse than the mean", [1, 2, 3], [3, 2, 1]),
        regression("one row", [1.5], [1.0]),
    ]


def preprocessing():
    """The columns a, b, c of csv_missing.csv, its first 20 rows being those of training."""
    table = np.genfromtxt(HERE / "csv_missing.csv", delimiter=",", names=True)
    columns = np.stack([table[name] for name in ("a", "b", "c")], axis=1)
    result = {}
    for strategy in ("mean", "median", "most_frequent"):
        pipeline = make_pipeline(SimpleImputer(strategy=strategy), StandardScaler())
        pipeline.fit(columns[:20])
        result[strategy] = {
            "imputation": pipeline[0].statistics_.tolist(),
            "mean": pipeline[1].mean_.tolist(),
            "standard_deviation": pipeline[1].scale_.tolist(),
            "features": pipeline.transform(columns).ravel().tolist(),
        }
    return result


def table_with_gaps():
    random = np.random.default_rng(4)
    lines = ["a,b,c,label"]
    for row in range(30):
        cells = [f"{random.normal(50, 20):.3f}", str(random.integers(0, 6)), "0.1"]
        cells = ["" if row != 0 and random.random() < 0.2 else cell for cell in cells]
        lines.append(",".join(cells + [str(row % 2)]))
    (HERE / "csv_missing.csv").write_text("\n".join(lines) + "\n")


def write(name, value):
    value = {"scikit-learn": sklearn.__version__, "numpy": np.__version__, **value}
    (HERE / name).write_text(json.dumps(value, indent=1) + "\n")


table_with_gaps()
write("sklearn_metrics.json", {"cases": metric_cases()})
write("sklearn_preprocessing.json", {"strategies": preprocessing()})
