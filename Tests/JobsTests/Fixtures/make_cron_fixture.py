"""Writes cron_utc.json: what croniter (pip install croniter) says of some expressions in UTC.

For each expression, all firings in [2024-01-01, 2027-01-01): how many, the first and last ones, and
the 64-bit FNV-1a hash of their Unix seconds written in decimal, one a line.
Run: python make_cron_fixture.py
"""

import importlib.metadata
import json
import pathlib
from datetime import datetime, timezone

import croniter

EXPRESSIONS = [
    "*/15 * * * *",
    "0 2 * * *",
    "5 4 * * sun",
    "0 0 1 * *",
    "30 6 1,15 * *",
    "0 22 * * 1-5",
    "23 0-20/2 * * *",
    "0 0 13 * 5",
    "15 14 1-7 * MON",
    "0 12 29 2 *",
    "0 0 31 * *",
    "59 23 31 12 *",
    "10-40/10 8-18/5 * JAN,JUL,DEC TUE-THU",
    "0 3 28-31 2,4 0,3",
]
START = int(datetime(2024, 1, 1, tzinfo=timezone.utc).timestamp())
END = int(datetime(2027, 1, 1, tzinfo=timezone.utc).timestamp())


def firings(expression):
    times = croniter.croniter(expression, START - 1)
    while (moment := int(times.get_next(float))) < END:
        yield moment


def fnv1a(moments):
    value = 0xCBF29CE484222325
    for moment in moments:
        for byte in f"{moment}\n".encode():
            value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


def main():
    cases = []
    for expression in EXPRESSIONS:
        moments = list(firings(expression))
        cases.append(
            {
                "expression": expression,
                "count": len(moments),
                "first": moments[:5],
                "last": moments[-1],
                "fnv1a": f"{fnv1a(moments):016x}",
            }
        )
    document = {
        "source": f"croniter {importlib.metadata.version('croniter')}",
        "start": START,
        "end": END,
        "cases": cases,
    }
    path = pathlib.Path(__file__).with_name("cron_utc.json")
    path.write_text(json.dumps(document, indent=1) + "\n")


main()
