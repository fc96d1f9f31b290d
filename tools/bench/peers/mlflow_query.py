"""How soon MLflow answers: searches and histories by its own client right on its SQLite store, and
the start and memory of its server. Prints one JSON line per figure.

  mlflow_query.py [--runs N] [--params N] [--metrics N] [--epochs N] [--searches N] [--histories N]
                  [--seed N] [--folder DIR] [--no-server]

--folder DIR keeps the filled database there and uses it again.
"""

import argparse
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid

from mlflow_peer import client, figure, files_bytes, milliseconds, percentile


def fill(database, options):
    """Makes the store by MLflow itself and the runs by SQL in its schema: through its API the
    5,000,000 points of the default size would take a quarter of an hour and more."""
    store = client(database)
    experiment = int(store.create_experiment("queries"))
    template = store.create_run(str(experiment)).info.run_id
    db = sqlite3.connect(database)
    columns = [row[1] for row in db.execute("PRAGMA table_info(runs)")]
    base = dict(zip(columns, db.execute("SELECT * FROM runs WHERE run_uuid = ?", (template,)).fetchone()))
    numbers = random.Random(options.seed)
    begin = int(time.time() * 1000) - options.runs * 1000
    insert_run = f"INSERT INTO runs ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
    for start in range(0, options.runs, 200):
        runs, params, points, latest = [], [], [], []
        for index in range(start, min(start + 200, options.runs)):
            run = uuid.UUID(int=numbers.getrandbits(128), version=4).hex
            at = begin + index * 1000
            runs.append([
                {**base, "run_uuid": run, "name": f"run-{index}", "status": "FINISHED",
                 "start_time": at, "end_time": at + 1000}[column] for column in columns])
            params += [
                (f"param_{p}", f"{numbers.random():.6f}", run) for p in range(options.params)]
            for m in range(options.metrics):
                key = f"metric_{m}"
                values = [numbers.random() for _ in range(options.epochs)]
                points += [
                    (key, value, at + step, run, step, 0) for step, value in enumerate(values)]
                last = options.epochs - 1
                latest.append((key, values[last], at + last, run, last, 0))
        db.executemany(insert_run, runs)
        db.executemany("INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)", params)
        for table, rows in (("metrics", points), ("latest_metrics", latest)):
            db.executemany(
                f"INSERT INTO {table} (key, value, timestamp, run_uuid, step, is_nan) "
                "VALUES (?, ?, ?, ?, ?, ?)", rows)
        db.commit()
    db.execute("DELETE FROM runs WHERE run_uuid = ?", (template,))
    db.execute("DELETE FROM tags WHERE run_uuid = ?", (template,))
    db.commit()
    db.execute("ANALYZE")
    db.commit()
    db.close()
    return experiment


def existing_experiment(database):
    db = sqlite3.connect(database)
    row = db.execute("SELECT experiment_id FROM experiments WHERE name = 'queries'").fetchone()
    db.close()
    return row[0]


def run_ids(database, count, seed):
    db = sqlite3.connect(database)
    ids = [row[0] for row in db.execute("SELECT run_uuid FROM runs ORDER BY start_time")]
    db.close()
    return random.Random(seed).sample(ids, min(count, len(ids)))


def resident_bytes(leader):
    """Of all processes of the group that `leader` leads."""
    total = 0
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            if os.getpgid(int(name)) != leader:
                continue
            with open(f"/proc/{name}/statm") as file:
                total += int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (ProcessLookupError, FileNotFoundError):
            continue  # it ended meanwhile
    return total


def measure_server(database):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    begin = time.perf_counter()
    server = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{database}",
         "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).read()
                break
            except OSError:
                if server.poll() is not None or time.perf_counter() - begin > 120:
                    raise SystemExit("mlflow server did not start")
                time.sleep(0.02)
        figure("mlflow_server_start", time.perf_counter() - begin, "s")
        figure("mlflow_server_memory", resident_bytes(server.pid) / 1e6, "MB")
    finally:
        try:
            os.killpg(server.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        server.wait()


def measure(database, experiment, options):
    store = client(database)

    def search():
        found = store.search_runs(
            [str(experiment)], filter_string="metrics.metric_0 > 0.5",
            order_by=["metrics.metric_1 DESC"], max_results=100)
        assert len(found) == min(100, len(found)) and all(
            run.data.metrics["metric_0"] > 0.5 for run in found)

    search()  # warm
    times = [milliseconds(search) for _ in range(options.searches)]
    figure("mlflow_search_p50", percentile(times, 0.5), "ms")
    figure("mlflow_search_p95", percentile(times, 0.95), "ms")

    runs = run_ids(database, options.histories, options.seed)
    times = []
    for run in runs:
        times.append(milliseconds(lambda: store.get_metric_history(run, "metric_2")))
    figure("mlflow_history_p50", percentile(times, 0.5), "ms")
    figure("mlflow_history_p95", percentile(times, 0.95), "ms")


def main():
    parser = argparse.ArgumentParser()
    for name, default in (
        ("runs", 10_000), ("params", 10), ("metrics", 5), ("epochs", 100), ("searches", 20),
        ("histories", 20), ("seed", 1),
    ):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--folder")
    parser.add_argument("--no-server", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or temporary
        os.makedirs(folder, exist_ok=True)
        size = f"{options.runs}x{options.params}x{options.metrics}x{options.epochs}"
        database = os.path.join(folder, f"mlflow-{size}-{options.seed}.db")
        if os.path.exists(database + ".filled"):
            experiment = existing_experiment(database)
        else:
            if os.path.exists(database):
                os.remove(database)  # half filled
            begin = time.perf_counter()
            experiment = fill(database, options)
            open(database + ".filled", "w").close()
            figure("mlflow_fill", time.perf_counter() - begin, "s")
        figure("mlflow_database", files_bytes(database) / 1e6, "MB")
        measure(database, experiment, options)
        if not options.no_server:
            measure_server(database)


main()
