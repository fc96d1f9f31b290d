"""What the programs beside this one share: figures as JSON lines, and a store that MLflow made."""

import json
import logging
import os
import time

# Both are set before mlflow is imported: nothing is sent anywhere, and no banner is printed.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
logging.disable(logging.WARNING)


def figure(name, value, unit):
    """Prints one figure: {"name": …, "value": …, "unit": …}."""
    print(json.dumps({"name": name, "value": round(value, 6), "unit": unit}), flush=True)


def percentile(values, fraction):
    """The nearest-rank percentile."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(fraction * len(ordered)))]


def milliseconds(call):
    begin = time.perf_counter()
    call()
    return (time.perf_counter() - begin) * 1e3


def files_bytes(path):
    """Bytes of a SQLite database with its journal or write-ahead log."""
    return sum(
        os.path.getsize(path + suffix)
        for suffix in ("", "-wal", "-journal")
        if os.path.exists(path + suffix)
    )


def client(database):
    """MLflow's client right on its SQLite store, which is the fastest local way it has. The store
    is made by its first use."""
    from mlflow.tracking import MlflowClient

    return MlflowClient(f"sqlite:///{database}")
