"""The comparison of tools/robustness/mlflow-import, which see. Runs with MLflow's own python."""

import argparse
import json
import math
import os
import random
import signal
import subprocess
import sys
import time

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["DO_NOT_TRACK"] = "true"

import logging

logging.disable(logging.WARNING)

from mlflow.entities import Metric, Param, ViewType
from mlflow.tracking import MlflowClient

START = 1_760_000_000_000
failures = 0


def result(name, value, unit, goal, holds):
    global failures
    failures += not holds
    print("RESULT " + json.dumps(
        {"name": name, "value": value, "unit": unit, "goal": goal, "holds": holds}), flush=True)


def fill(client, folder, points, seed):
    """Parents with children, four series each with its own kind of values."""
    numbers = random.Random(seed)
    experiments = [
        client.create_experiment(name, artifact_location=f"file://{folder}/artifacts/{index}")
        for index, name in enumerate(("plain", "größe ✓"))]
    steps, runs = 500, points // 2_000
    parent = None
    for index in range(runs):
        tags = {"mlflow.user": "anna", "team": f"team {index % 3} ü"}
        if index % 5 == 0:
            parent = None
        if parent:
            tags["mlflow.parentRunId"] = parent
        if index % 7 == 0:
            tags["mlflow.note.content"] = f"note {index}\nsecond line ✓"
        run = client.create_run(
            experiments[index // 5 % 2], start_time=START + index * 1000, tags=tags,
            run_name=f"run {index}").info.run_id
        parent = parent or run
        client.log_batch(run, params=[
            Param(f"param/{p}", numbers.choice(["adam", "1e-05", "0.10", "", "größe", "3"]))
            for p in range(8)])
        metrics = []
        for step in range(steps):
            at = START + index * 1000 + step
            metrics += [
                Metric("loss", numbers.gauss(0, 1), at, step),
                Metric("val/acc", math.nan if numbers.random() < 0.1 else numbers.random(), at, step),
                Metric("grad norm", math.inf if step % 97 == 5 else numbers.expovariate(1), at, step),
                # several values at a step, and steps out of order
                Metric("repeated", numbers.random(), at, numbers.randrange(steps // 3)),
            ]
        for begin in range(0, len(metrics), 1000):
            client.log_batch(run, metrics=metrics[begin:begin + 1000])
        if index % 4 == 0:
            client.log_text(run, f"content of {index}\n" * (1 + index % 50), "texts/größe/a.txt")
            client.log_text(run, "{}", "config.json")
        if index % 10 != 9:
            client.set_terminated(
                run, ["FINISHED", "FAILED", "KILLED"][index % 3], end_time=START + index * 1000 + 900)
    return runs * steps * 4


class Assay:
    def __init__(self, program):
        self.program = program

    def json(self, *arguments):
        return json.loads(subprocess.run(
            [self.program, *arguments, "--json"], check=True, stdout=subprocess.PIPE).stdout)

    def bytes(self, *arguments):
        return subprocess.run(
            [self.program, *arguments], check=True, stdout=subprocess.PIPE).stdout


def as_float(value):
    return float(value) if isinstance(value, str) else value


def same(left, right):
    return left == right or (math.isnan(left) and math.isnan(right))


STATUS = {"FINISHED": "finished", "FAILED": "failed", "KILLED": "cancelled", "RUNNING": "running"}


def compare(client, assay):
    """How many values were compared, and what differs."""
    compared, differences = 0, []

    def check(what, left, right, equal=None):
        nonlocal compared
        compared += 1
        if not (left == right if equal is None else equal):
            differences.append(f"{what}: MLflow {left!r}, Assay {right!r}")

    experiments = client.search_experiments(view_type=ViewType.ACTIVE_ONLY)
    for run in client.search_runs([e.experiment_id for e in experiments], max_results=50_000):
        info, data = run.info, run.data
        mine = assay.json("show", info.run_id)
        kept = mine["run"]
        uid = info.run_id
        check(f"{uid} name", info.run_name, kept["name"])
        check(f"{uid} status", STATUS[info.status], kept["status"])
        check(f"{uid} start", info.start_time * 1000, kept["started_at"])
        check(f"{uid} end", info.end_time and info.end_time * 1000, kept.get("ended_at"))
        check(
            f"{uid} experiment", client.get_experiment(info.experiment_id).name, kept["experiment"])
        check(f"{uid} params", dict(data.params), kept["params"])
        check(f"{uid} note", data.tags.get("mlflow.note.content", ""), kept["note"])
        for key, value in data.tags.items():
            check(f"{uid} tag {key}", value, kept["tags"].get(key))
        parent = data.tags.get("mlflow.parentRunId")
        if parent:
            check(f"{uid} parent", assay.json("show", parent)["run"]["id"], kept["parent_id"])
        check(f"{uid} keys", sorted(data.metrics), sorted(kept["metrics"]))
        for key, latest in data.metrics.items():
            last = as_float(kept["metrics"][key]["last"])
            check(f"{uid} latest {key}", latest, last, same(latest, last))
            theirs = sorted(
                ((m.step, m.timestamp * 1000, m.value) for m in client.get_metric_history(uid, key)),
                key=lambda point: (point[0], point[1], math.isnan(point[2]), point[2]))
            history = assay.json("metrics", uid, key)
            ours = sorted(
                zip(history["steps"], history["times"], map(as_float, history["values"])),
                key=lambda point: (point[0], point[1], math.isnan(point[2]), point[2]))
            check(f"{uid} points of {key}", len(theirs), len(ours))
            for left, right in zip(theirs, ours):
                check(
                    f"{uid} {key} step {left[0]}", left, right,
                    left[:2] == right[:2] and same(left[2], right[2]))
        files = {artifact["path"]: artifact["bytes"] for artifact in mine["artifacts"]}
        seen = set()

        def visit(path):
            for item in client.list_artifacts(uid, path):
                if item.is_dir:
                    visit(item.path)
                    continue
                seen.add(item.path)
                local = client.download_artifacts(uid, item.path)
                with open(local, "rb") as file:
                    content = file.read()
                check(
                    f"{uid} artifact {item.path}", content,
                    assay.bytes("artifact", "get", uid, item.path, "--output", "-"))

        visit(None)
        check(f"{uid} artifacts", seen, set(files))
    return compared, differences


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--assay", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    database = f"{options.folder}/mlflow.db"
    client = MlflowClient(f"sqlite:///{database}")
    points = fill(client, options.folder, 10_000 if options.quick else 100_000, options.seed)
    result("mlflow_points", points, "points", "the database that is imported", True)
    assay = Assay(options.assay)

    # Killed in its midst, twice; what was written stays and is written again.
    kills = 0
    for pause in (0.05, 0.2):
        process = subprocess.Popen(
            [options.assay, "import", "mlflow", database], stdout=subprocess.DEVNULL)
        time.sleep(pause)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.wait()
    begin = time.perf_counter()
    report = assay.json("import", "mlflow", database)
    seconds = time.perf_counter() - begin
    result(
        "mlflow_import_killed", kills, "times", "the import is finished by repeating it",
        report["skipped"] == [])
    result("mlflow_import", points / seconds, "points/s", "whatever it takes", True)

    compared, differences = compare(client, assay)
    for difference in differences[:20]:
        print(f"  {difference[:300]}")
    result(
        "mlflow_import_differences", len(differences), "values",
        f"0 of {compared} differ from MLflow's own client", not differences)

    again = assay.json("import", "mlflow", database)
    runs = again["unchanged"]
    result(
        "mlflow_import_again", again["points"], "points", "0: nothing is written twice",
        again["points"] == 0 and again["imported"] == 0 and again["updated"] == 0 and runs > 0)

    # A store that goes on is caught up with.
    experiment = client.get_experiment_by_name("plain").experiment_id
    run = client.search_runs([experiment], max_results=1)[0].info.run_id
    client.log_batch(run, metrics=[Metric("loss", 0.125, START + 10**6, 10**6)])
    later = assay.json("import", "mlflow", database)
    last = as_float(assay.json("show", run)["run"]["metrics"]["loss"]["last"])
    result(
        "mlflow_import_later", later["updated"], "runs", "1: only the run that went on",
        later["updated"] == 1 and last == 0.125)
    sys.exit(1 if failures else 0)


main()
