"""Writes cron_zones.json: what croniter (pip install croniter tzdata) says of a dozen expressions in
four time zones.

For each pair, all firings in the three years from 2024-01-01 (local time) on: how many, the first and
the last ones, and the 64-bit FNV-1a hash of their Unix seconds in decimal, one a line. Days on which
a zone changes its clock are left out of all of it and listed: there cron programs differ, and the
table of docs/schedules.md decides.

croniter is asked twice, which must agree: with aware times, and with times of no zone that are then
placed by zoneinfo.

Run: python make_cron_zones_fixture.py
"""

import importlib.metadata
import json
import pathlib
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import croniter

ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]
EXPRESSIONS = [
    "30 2 * * *",
    "*/15 * * * *",
    "0 */2 * * *",
    "15 1-3 * * *",
    "5 4 * * sun",
    "0 0 1 * *",
    "30 6 1,15 * *",
    "0 22 * * 1-5",
    "0 0 13 * 5",
    "0 12 29 2 *",
    "59 23 31 12 *",
    "10-40/10 8-18/5 * JAN,JUL,DEC TUE-THU",
]
START = datetime(2024, 1, 1)
END = datetime(2027, 1, 1)


def fnv1a(moments):
    value = 0xCBF29CE484222325
    for moment in moments:
        for byte in f"{moment}\n".encode():
            value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


def days_of_change(zone):
    days = []
    day = START
    while day < END:
        next_day = day + timedelta(days=1)
        if day.replace(tzinfo=zone).utcoffset() != next_day.replace(tzinfo=zone).utcoffset():
            days.append(day.date())
        day = next_day
    return days


def aware(expression, zone, left_out):
    """croniter with the zone. It is begun anew after each day of change: what it does there must not
    reach into the days after."""
    found = []
    times = croniter.croniter(expression, (START - timedelta(seconds=1)).replace(tzinfo=zone))
    while True:
        moment = times.get_next(datetime)
        if moment.replace(tzinfo=None) >= END:
            return found
        if moment.date() in left_out:
            after = datetime.combine(moment.date() + timedelta(days=1), datetime.min.time())
            begin = (after - timedelta(seconds=1)).replace(tzinfo=zone)
            times = croniter.croniter(expression, begin)
            continue
        found.append(int(moment.astimezone(timezone.utc).timestamp()))


def placed(expression, zone, left_out):
    times = croniter.croniter(expression, START - timedelta(seconds=1))
    found = []
    while (local := times.get_next(datetime)) < END:
        if local.date() not in left_out:
            found.append(int(local.replace(tzinfo=zone).astimezone(timezone.utc).timestamp()))
    return found


def main():
    cases = []
    for name in ZONES:
        zone = ZoneInfo(name)
        left_out = days_of_change(zone)
        for expression in EXPRESSIONS:
            moments = aware(expression, zone, left_out)
            if moments != placed(expression, zone, left_out):
                raise SystemExit(f"croniter does not agree with itself: {expression} in {name}")
            cases.append(
                {
                    "zone": name,
                    "expression": expression,
                    "left_out": [day.isoformat() for day in left_out],
                    "count": len(moments),
                    "first": moments[:3],
                    "last": moments[-1],
                    "fnv1a": f"{fnv1a(moments):016x}",
                }
            )
    document = {
        "source": f"croniter {importlib.metadata.version('croniter')}, "
        f"tzdata {importlib.metadata.version('tzdata')}",
        "cases": cases,
    }
    path = pathlib.Path(__file__).with_name("cron_zones.json")
    path.write_text(json.dumps(document, indent=1) + "\n")


main()
