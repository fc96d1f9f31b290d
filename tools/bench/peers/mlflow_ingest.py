"""How fast MLflow takes metrics in, and how large it keeps them: its own client right on its SQLite
store, without a server between them. Prints one JSON line per figure.

  mlflow_ingest.py [--requests N] [--calls N] [--threads N] [--seed N]
"""

import argparse
import os
import random
import tempfile
import threading
import time

from mlflow_peer import client, figure, files_bytes

KEYS, STEPS = 5, 200  # of one log_batch: 1,000 points, the most that it takes


def batches(client, run, count, random_numbers):
    """log_batch of 1,000 points with noisy values, one after the other; answers points/s."""
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    made = [
        [
            Metric(f"metric_{key}", random_numbers.random(), now + step, batch * STEPS + step)
            for key in range(KEYS)
            for step in range(STEPS)
        ]
        for batch in range(count)
    ]
    begin = time.perf_counter()
    for metrics in made:
        client.log_batch(run, metrics=metrics)
    return count * KEYS * STEPS / (time.perf_counter() - begin)


def single_calls(client, runs, calls):
    """log_metric from one thread per run; answers calls/s and how many failed."""
    failures = []

    def log(run):
        for step in range(calls):
            try:
                client.log_metric(run, "loss", step / 7, step=step)
            except Exception as error:  # "database is locked", mostly: counted, not hidden
                failures.append(error)

    threads = [threading.Thread(target=log, args=(run,)) for run in runs]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - begin
    return (len(runs) * calls - len(failures)) / seconds, len(failures)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=100, help="log_batch calls of 1,000 points")
    parser.add_argument("--calls", type=int, default=20, help="log_metric calls per thread")
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    random_numbers = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        database = os.path.join(folder, "mlflow.db")
        store = client(database)
        experiment = store.create_experiment("ingest")
        run = store.create_run(experiment).info.run_id
        batches(store, run, 1, random_numbers)  # warm
        empty = files_bytes(database)
        run = store.create_run(experiment).info.run_id
        rate = batches(store, run, options.requests, random_numbers)
        figure("mlflow_log_batch", rate, "points/s")
        points = options.requests * KEYS * STEPS
        figure(
            "mlflow_size", (files_bytes(database) - empty) * 1e6 / points, "bytes/million points")
        runs = [store.create_run(experiment).info.run_id for _ in range(options.threads)]
        rate, failed = single_calls(store, runs, options.calls)
        figure("mlflow_log_metric", rate, "calls/s")
        figure("mlflow_log_metric_failed", failed, "calls")


main()
