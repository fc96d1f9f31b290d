"""Makes mlflow.db, mlruns/ and mlartifacts/ with the real MLflow, and beside them as JSON what its own
client reads from each. Run with the python that tools/bench/peers/mlflow-peer prints:

  python make_mlflow_fixtures.py [FOLDER]
"""

import json
import math
import os
import shutil
import sqlite3
import sys

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["DO_NOT_TRACK"] = "true"
os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"

import mlflow
from mlflow.entities import Metric, Param, RunTag, ViewType
from mlflow.tracking import MlflowClient

HERE = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(__file__))
START = 1_760_000_000_000


def number(value):
    """A metric's value as JSON can have it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def fill(client, artifacts):
    """Nested runs, values of every kind, keys with folders, unicode, all states."""
    vision = client.create_experiment("vision/größe", artifact_location=artifacts("vision"))
    plain = client.create_experiment("plain", artifact_location=artifacts("plain"))

    def run(experiment, name, start, tags=None):
        made = client.create_run(
            experiment, start_time=START + start, run_name=name, tags=tags or {})
        return made.info.run_id

    parent = run(vision, "parent", 0, {
        "mlflow.user": "anna", "mlflow.source.git.commit": "0123456789abcdef0123456789abcdef01234567",
        "mlflow.note.content": "Zwei Zeilen:\nüber alles.", "team": "Bildgrößen ✓"})
    client.log_batch(parent, params=[
        Param("optimizer.learning_rate", "0.001"), Param("layers", "[64, 32]"), Param("empty", ""),
        Param("größe", "groß ✓"), Param("folder/param", "1e-05"), Param("lines", "a\nb")])
    points = [Metric("loss", 1 / (step + 1), START + step * 1000, step) for step in range(200)]
    points += [
        Metric("val/acc", 0.5, START + 1, 0), Metric("val/acc", float("nan"), START + 2, 1),
        Metric("nan_last", 1.0, START + 1, 0), Metric("nan_last", float("nan"), START + 2, 5),
        Metric("infinite", float("inf"), START + 1, 0),
        Metric("infinite", float("-inf"), START + 2, 1),
        Metric("same_step", 3.0, START + 5, 7), Metric("same_step", 2.0, START + 5, 7),
        Metric("same_step", 1.0, START + 6, 7), Metric("same_step", 9.0, START + 4, 7),
        Metric("negative_step", 0.1, START + 1, -3), Metric("negative_step", 0.2, START + 1, -1),
        Metric("tiny", 5e-324, START + 1, 0), Metric("third", 1 / 3, START + 1, 2**40),
    ]
    client.log_batch(parent, metrics=points)
    client.log_text(parent, "hello artifact\n", "notes/hello.txt")
    client.log_text(parent, "größe,1\n", "tables/größe.csv")
    client.set_terminated(parent, "FINISHED", end_time=START + 500_000)

    for index in range(3):
        child = run(vision, f"child-{index}", 10 + index, {"mlflow.parentRunId": parent})
        client.log_batch(child, params=[Param("fold", str(index))], metrics=[
            Metric("loss", 0.1 * index + step / 7, START + step, step) for step in range(5)])
        client.set_terminated(
            child, ["FINISHED", "FAILED", "KILLED"][index], end_time=START + 600_000 + index)
    grandchild = run(vision, "grandchild", 5, {"mlflow.parentRunId": child})
    client.log_batch(grandchild, metrics=[Metric("loss", 4.25, START, 0)])
    run(plain, "still running", 20)
    gone = run(plain, "deleted", 30)
    client.log_batch(gone, metrics=[Metric("loss", 1.0, START, 0)])
    client.delete_run(gone)
    other = client.create_experiment("deleted experiment")
    run(other, "in a deleted experiment", 40)
    client.delete_experiment(other)


def reading(client):
    """What MLflow's own client says of everything that is not deleted."""
    runs = {}
    experiments = client.search_experiments(view_type=ViewType.ACTIVE_ONLY)
    for run in client.search_runs([e.experiment_id for e in experiments]):
        info, data = run.info, run.data
        paths = []

        def visit(path):
            for item in client.list_artifacts(info.run_id, path):
                visit(item.path) if item.is_dir else paths.append([item.path, item.file_size])

        visit(None)
        runs[info.run_id] = {
            "name": info.run_name, "status": info.status, "start": info.start_time,
            "end": info.end_time,
            "experiment": client.get_experiment(info.experiment_id).name,
            "params": dict(data.params), "tags": dict(data.tags),
            "latest": {key: number(value) for key, value in data.metrics.items()},
            "histories": {
                key: sorted(
                    ([m.step, m.timestamp, number(m.value)]
                     for m in client.get_metric_history(info.run_id, key)),
                    key=lambda point: (point[0], point[1], str(point[2])))
                for key in data.metrics},
            "artifacts": sorted(paths),
        }
    return runs


def make(kind, uri, artifacts):
    client = MlflowClient(uri)
    fill(client, artifacts)
    with open(os.path.join(HERE, f"{kind}.json"), "w", encoding="utf-8") as file:
        json.dump(reading(client), file, indent=0, ensure_ascii=False, sort_keys=True)


def main():
    os.chdir(HERE)
    for name in ("mlruns", "mlartifacts"):
        shutil.rmtree(name, ignore_errors=True)
    for name in ("mlflow.db", "mlflow-old.db"):
        if os.path.exists(name):
            os.remove(name)
    make("mlflow-db", "sqlite:///mlflow.db", lambda name: f"mlartifacts/{name}")
    make("mlflow-folder", f"file:{HERE}/mlruns", lambda name: None)
    trim()


def trim():
    """Only what belongs to runs stays in the database, which has a hundred empty pages else; and the
    folders' paths, which were those of this machine, are made relative or general."""
    db = sqlite3.connect("mlflow.db")
    kept = {"alembic_version", "experiments", "runs", "params", "metrics", "latest_metrics", "tags",
            "datasets", "inputs", "input_tags", "experiment_tags"}
    db.execute("PRAGMA foreign_keys = OFF")
    for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        if name not in kept and not name.startswith("sqlite_"):
            db.execute(f'DROP TABLE "{name}"')
    db.execute("UPDATE runs SET artifact_uri = replace(artifact_uri, ?, '/srv/moved')", (HERE,))
    db.execute(
        "UPDATE experiments SET artifact_location = replace(artifact_location, ?, '/srv/moved')",
        (HERE,))
    db.commit()
    db.execute("PRAGMA page_size = 1024")
    db.execute("VACUUM")
    db.close()
    for folder, _, names in os.walk("mlruns"):
        for name in names:
            if name == "meta.yaml":
                path = os.path.join(folder, name)
                text = open(path, encoding="utf-8").read()
                open(path, "w", encoding="utf-8").write(text.replace(HERE, "/srv/moved"))


main()
