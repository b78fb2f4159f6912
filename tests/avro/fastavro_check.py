"""Compares what our Avro decoder made of random schemas and payloads with what fastavro makes of them.

Usage: fastavro_check.py <path of avro_cases> [seed] [schemas]. Exit 77 (skipped) without fastavro.
"""

import base64
import datetime
import decimal
import io
import json
import math
import subprocess
import sys

try:
    import fastavro
except ImportError:
    print("skipped: fastavro is not installed; ./test makes a venv in build/venv with it")
    sys.exit(77)

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
MILLISECOND = datetime.timedelta(milliseconds=1)


def plain(value, schema):
    """A fastavro value as our JSON writes the column of this schema."""
    if isinstance(schema, list):
        branches = [branch for branch in schema if branch != "null"]
        if value is None:
            return None
        if len(branches) == 1:
            return plain(value, branches[0])
        taken = {bool: "boolean", int: "int", str: "string"}[type(value)]
        return {branch.upper(): value if branch == taken else None for branch in branches}
    kind = schema["type"] if isinstance(schema, dict) else schema
    if isinstance(kind, (dict, list)):
        return plain(value, kind)
    if kind == "record":
        return {field["name"].upper(): plain(value[field["name"]], field["type"]) for field in schema["fields"]}
    if kind == "array":
        return [plain(element, schema["items"]) for element in value]
    if kind == "map":
        return {key: plain(element, schema["values"]) for key, element in value.items()}
    if isinstance(value, datetime.datetime):
        return (value - EPOCH) // MILLISECOND
    if isinstance(value, datetime.date):
        return (value - EPOCH.date()).days
    if isinstance(value, datetime.time):
        return ((value.hour * 60 + value.minute) * 60 + value.second) * 1000 + value.microsecond // 1000
    if isinstance(value, decimal.Decimal):
        return value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if kind == "bytes":  # promoted from string
        return base64.b64encode(value.encode()).decode()
    return value


def same(ours, theirs):
    if isinstance(theirs, dict):
        return isinstance(ours, dict) and ours.keys() == theirs.keys() and all(same(ours[k], theirs[k]) for k in ours)
    if isinstance(theirs, list):
        return isinstance(ours, list) and len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(theirs, bool) or isinstance(ours, bool) or theirs is None or ours is None:
        return ours is theirs
    if isinstance(theirs, decimal.Decimal):
        return decimal.Decimal(ours) == theirs
    if isinstance(theirs, float):
        return math.isclose(float(ours), theirs, rel_tol=1e-15, abs_tol=0)
    if isinstance(theirs, int):
        return float(ours) == float(theirs) if "." in str(ours) or "E" in str(ours) else int(ours) == theirs
    return ours == theirs


def main():
    decimal.getcontext().prec = 60
    command = [sys.argv[1]] + (sys.argv[2:4] or ["1", "400"])
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    failures = 0
    rows = 0
    for line in run.stdout.splitlines():
        # Numbers as text: no digit is lost on the way.
        case = json.loads(line, parse_float=str, parse_int=str)
        schemas = json.loads(line)
        writer = fastavro.parse_schema(schemas["writer"])
        reader = fastavro.parse_schema(schemas["reader"])
        for row in case["rows"]:
            rows += 1
            payload = io.BytesIO(base64.b64decode(row["payload"]))
            value = fastavro.schemaless_reader(payload, writer, None if writer == reader else reader)
            theirs = plain(value, schemas["reader"])
            if not same(row["ours"], theirs):
                failures += 1
                if failures <= 5:
                    print("seed", case["seed"], "\n ours  ", row["ours"], "\n theirs", theirs, "\n", schemas["reader"])
    print(f"{rows} rows compared, {failures} differ; avro_cases exit {run.returncode} {run.stderr[:2000]}")
    sys.exit(1 if failures or run.returncode or not rows else 0)


main()
