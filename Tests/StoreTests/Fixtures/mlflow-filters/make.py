"""Asks MLflow's own search with many filters on a few runs and writes what it finds, for the tests
of Assay's query language.

  python3 -m venv venv && venv/bin/pip install mlflow-skinny==3.17.2 sqlalchemy alembic
  venv/bin/python make.py > expected.json
"""

import json
import os
import tempfile

RUNS = [
    # name, status, params, metrics by step, tags
    ("alpha", "FINISHED", {"lr": "0.1", "opt": "adam", "a b": "x"},
     {"f1": [0.2, 0.9], "loss": [1.5]}, {"team": "blue", "odd key": "1"}),
    ("beta", "FINISHED", {"lr": "0.10", "opt": "Adam"}, {"f1": [0.95, 0.5]}, {"team": "Blue"}),
    ("gamma", "FAILED", {"lr": "1e-1", "opt": "sgd"}, {"f1": [float("nan")], "loss": [0.5]}, {}),
    ("delta", "RUNNING", {"opt": "adam_w"}, {"loss": [float("inf")]}, {"team": "red"}),
    ("epsilon", "KILLED", {"lr": "0.01", "opt": "adamax"}, {"f1": [0.9], "val/f1": [0.7]}, {}),
    ("zeta", "SCHEDULED", {}, {}, {"team": "50% off", "note": "it's"}),
    ("Alpha", "FINISHED", {"lr": "10", "opt": "ADAM"}, {"f1": [0.89, 0.91], "loss": [-float("inf")]},
     {"team": "blue"}),
    ("eta", "FINISHED", {"lr": "9", "opt": "rms.prop"}, {"f1": [0.3, float("nan")], "loss": [2]},
     {"team": "green", "odd key": "2"}),
]

FILTERS = [
    "metrics.f1 > 0.85", "metrics.f1 >= 0.9", "metrics.f1 < 0.9", "metrics.f1 <= 0.9",
    "metrics.f1 = 0.9", "metrics.f1 != 0.9", "metric.f1 > 0.6", "metrics.loss > 1",
    "metrics.loss < 1", "metrics.loss > -1e10", "metrics.nothing > 0", "metrics.nothing != 0",
    "metrics.`f1` > 0.85", 'metrics."f1" > 0.85', "metrics.`val/f1` > 0.5",
    "params.lr = '0.1'", "params.lr != '0.1'", "params.opt = 'adam'", "params.opt != 'adam'",
    "param.opt = 'adam'", "parameters.opt = 'adam'", "parameter.opt = 'adam'",
    'params.opt = "adam"', "params.`opt` = 'adam'", "params.`a b` = 'x'", "params.\"a b\" = 'x'",
    "params.opt LIKE 'adam%'", "params.opt LIKE '%DAM'", "params.opt ILIKE 'adam%'",
    "params.opt ILIKE '%DAM'", "params.opt LIKE 'adam_w'", "params.opt LIKE 'a_am'",
    "params.opt LIKE 'rms.prop'", "params.opt LIKE 'rms_prop'", "params.opt LIKE 'rms%'",
    "params.lr IS NULL", "params.lr IS NOT NULL", "params.nothing IS NULL",
    "tags.team = 'blue'", "tag.team = 'blue'", "tags.team != 'blue'", "tags.team LIKE 'b%'",
    "tags.team ILIKE 'B%'", "tags.team IS NULL", "tags.team IS NOT NULL",
    "tags.`odd key` = '1'", "tags.\"odd key\" != '1'", "tags.team LIKE '50%off'",
    "tags.note = \"it's\"",
    "attributes.status = 'FINISHED'", "attribute.status = 'FINISHED'", "attr.status = 'FINISHED'",
    "run.status = 'FINISHED'", "status = 'FINISHED'", "status != 'FINISHED'", "status = 'KILLED'",
    "status = 'SCHEDULED'", "status LIKE 'F%'", "status ILIKE '%ing'",
    "run_name = 'alpha'", "attributes.run_name != 'alpha'", "run_name LIKE '%eta'",
    "attributes.run_name ILIKE 'ALPHA'",
    "attributes.`run name` = 'alpha'", "attributes.\"Run name\" = 'alpha'",
    "run_id = 'RUN:beta'", "attributes.run_id IN ('RUN:beta', 'RUN:zeta')",
    "attributes.run_id NOT IN ('RUN:beta', 'RUN:zeta')",
    "start_time > START:beta", "attributes.start_time >= START:gamma", "start_time = START:alpha",
    "attributes.start_time != START:alpha", "created < START:gamma", "end_time > START:beta",
    "attributes.end_time <= END:alpha",
    "metrics.f1 > 0.5 AND params.opt = 'adam'", "metrics.f1 > 0.5 and params.opt = 'adam'",
    "metrics.f1 > 0.1 AND metrics.loss < 3 AND status = 'FINISHED' AND tags.team = 'blue'",
    "params.lr != '0.1' AND tags.team IS NULL",
]

ORDERS = [
    ["metrics.f1 DESC"], ["metrics.f1 ASC"], ["metrics.f1"], ["params.opt"], ["params.opt DESC"],
    ["attributes.start_time ASC"], ["attributes.run_name DESC"], ["tags.team", "run_name"],
    ["metrics.loss"], ["metrics.loss DESC"],
]


def main():
    from mlflow.entities import Metric, Param, RunTag
    from mlflow.tracking import MlflowClient

    with tempfile.TemporaryDirectory() as folder:
        client = MlflowClient("sqlite:///" + os.path.join(folder, "mlflow.db"))
        experiment = client.create_experiment("filters")
        begin = 1_700_000_000_000
        runs, ids = [], {}
        for index, (name, status, params, metrics, tags) in enumerate(RUNS):
            start = begin + index * 60_000
            run = client.create_run(experiment, start_time=start, run_name=name)
            ids[name] = run.info.run_id
            points = [
                Metric(key, value, start + step, step)
                for key, values in metrics.items() for step, value in enumerate(values)]
            client.log_batch(
                run.info.run_id, points, [Param(*item) for item in params.items()],
                [RunTag(*item) for item in tags.items()])
            # MLflow gives every run an end when its status changes, also one that goes on.
            end = start + 30_000 if status in ("FINISHED", "FAILED", "KILLED") else None
            if status != "RUNNING":
                client.set_terminated(run.info.run_id, status, end)
            stored = client.get_run(run.info.run_id)
            runs.append({
                "name": name, "status": status, "params": params,
                "metrics": {key: [text(v) for v in values] for key, values in metrics.items()},
                "tags": tags, "start": stored.info.start_time, "end": stored.info.end_time})

        def ask(expression):
            for name, run in ids.items():
                expression = expression.replace("RUN:" + name, run)
            for run in runs:
                expression = expression.replace("START:" + run["name"], str(run["start"]))
                expression = expression.replace("END:" + run["name"], str(run["end"]))
            return expression

        cases = [
            {"filter": text_, "runs": sorted(
                run.info.run_name for run in client.search_runs([experiment], ask(text_)))}
            for text_ in FILTERS]
        orders = [
            {"order_by": order, "runs": [
                run.info.run_name for run in client.search_runs([experiment], order_by=order)]}
            for order in ORDERS]
    import mlflow
    print(json.dumps(
        {"mlflow": mlflow.__version__, "runs": runs, "cases": cases, "orders": orders}, indent=1,
        sort_keys=True))


def text(value):
    if value != value:
        return "NaN"
    if value in (float("inf"), -float("inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return value


main()
