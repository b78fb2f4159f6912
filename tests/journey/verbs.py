#!/usr/bin/env python3
"""The verbs of the program that look after topics, schemas, groups, records and backups, against a real platform.

  verbs.py --binary build/release/tradewind --queries queries/shop [--seed N]

Each with --json (objects only on standard output), its errors and exit codes; a server that is killed under `produce` and
`consume`; a backup taken while a few thousand events a second go in, restored, and every figure recounted from its events.
"""
import argparse, collections, json, os, random, shutil, signal, socket, subprocess, sys, tempfile, threading, time
from decimal import Decimal

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--binary", required=True)
parser.add_argument("--queries", required=True)
parser.add_argument("--seed", type=int, default=int(time.time()))
options = parser.parse_args()
chance = random.Random(options.seed)
print(f"seed {options.seed} (repeat with --seed {options.seed})")
folder = tempfile.mkdtemp(prefix="tradewind-verbs-")
failures, checks, running = [], 0, []


def check(what, fine, found=""):
    global checks
    checks += 1
    if not fine:
        failures.append(f"{what}: {found}")
        print("WRONG", failures[-1][:900])


class Platform:
    def __init__(self, data, *more, port=0):
        self.process = subprocess.Popen([options.binary, "serve", "--data", data, "--listen", f"127.0.0.1:{port}", *more],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        running.append(self.process)
        line = self.process.stdout.readline()
        if not line.startswith("ready "):
            sys.exit(f"FAILED: the platform is not ready: {line!r}")
        self.url = line.split()[1]
        self.port = int(self.url.rsplit(":", 1)[1])

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        return self.process.wait(timeout=60)


def start(url, *words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE):
    return subprocess.Popen([options.binary, *words], stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, text=True,
                            env={**os.environ, "TW_SERVER": url})


def run(url, *words, given=None, code=0):
    """What a verb printed: objects with --json, else text; and what it said on standard error."""
    done = subprocess.run([options.binary, *words], input=given, capture_output=True, text=True, timeout=120,
                          stdin=subprocess.DEVNULL if given is None else None, env={**os.environ, "TW_SERVER": url})
    check(f"exit code of {' '.join(words)[:90]}", done.returncode == code, f"{done.returncode}, {done.stderr[:400]}")
    check(f"{' '.join(words)[:90]} says why it failed in a line", (done.returncode in (0, 2)) or done.stderr.strip() != "", done.stderr)
    if "--json" not in words:
        return done.stdout, done.stderr
    try:
        objects = [json.loads(line, parse_float=Decimal) for line in done.stdout.splitlines()]
    except json.JSONDecodeError:
        check(f"{words} prints objects only", False, done.stdout[:300])
        return [], done.stderr
    check(f"{words} prints objects only", all(isinstance(one, dict) for one in objects), done.stdout[:300])
    return objects, done.stderr


def sql(url, text, code=0):
    return run(url, "sql", "--json", "-e", text, code=code)[0]


def lines(records):
    return "".join(json.dumps(record) + "\n" for record in records)


def consumed(url, topic, *more):
    return run(url, "consume", topic, "--until-end", "--json", *more)[0]


# ---- each verb -----------------------------------------------------------------------------------------------------

def help_and_usage(url):
    for verb in ("topics", "schemas", "groups", "produce", "consume", "backup"):
        text, _ = run(url, verb, "--help")
        check(f"{verb} --help has examples", "Example" in text and f"tradewind {verb}" in text, text[:200])
        _, said = run(url, verb, "--nonsense", code=2)
        check(f"{verb} names a wrong option", "--nonsense" in said, said)
    for words in (["topics", "fold"], ["topics", "create"], ["schemas", "fold", "x"], ["groups", "reset", "g"], ["produce"],
                  ["consume", "a", "b"], ["backup"], ["backup", "restore", "x"], ["consume", "orders", "--max", "few"],
                  ["topics", "create", "t", "--partitions", "many"], ["produce", "t", "-f", "/nowhere/at/all"]):
        run(url, *words, code=2)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{probe.getsockname()[1]}"
    for words in (["topics"], ["schemas"], ["groups"], ["backup", f"{folder}/nobody.twb"]):
        _, said = run(nobody, *words, code=1)
        check(f"{words[0]} names the server that is away", nobody in said, said)
    check("no backup of nobody", not os.path.exists(f"{folder}/nobody.twb") and not os.path.exists(f"{folder}/nobody.twb.part"))


def topics(url):
    made = run(url, "topics", "create", "clicks", "--partitions", "3", "--retention-ms", "3600000", "--json")[0][0]
    check("a topic as created", [p["partition"] for p in made["partitions"]] == [0, 1, 2] and made["config"]["retention.ms"] == "3600000", made)
    run(url, "topics", "create", "clicks", code=2)
    for wrong in (["--config", "retention.ms=soon"], ["--config", "colour=red"], ["--config", "retention.ms"], ["--cleanup-policy", "burn"],
                  ["--partitions", "0"]):
        run(url, "topics", "create", "wrong", *wrong, code=2)
    run(url, "topics", "create", "no spaces", code=2)
    run(url, "topics", "create", "tw.mine", code=2)
    altered = run(url, "topics", "alter", "clicks", "--cleanup-policy", "compact,delete", "--config", "delete.retention.ms=1000",
                  "--config", "retention.bytes=1000000", "--json")[0][0]
    check("a topic as altered", altered["config"] == {"cleanup.policy": "compact,delete", "retention.ms": "3600000",
                                                      "retention.bytes": "1000000", "delete.retention.ms": "1000"}, altered)
    check("partitions stay", "partitions" in run(url, "topics", "alter", "clicks", "--partitions", "9", code=3)[1])
    run(url, "topics", "alter", "nowhere", "--config", "retention.ms=1", code=1)
    run(url, "topics", "alter", "tw.commands", "--config", "retention.ms=1", code=2)

    described = run(url, "topics", "describe", "orders", "--json")[0][0]
    check("who reads orders", any(name.startswith("CSAS_ORDER_LINES_") for name in described["readers"]) and described["sources"] == ["ORDERS"],
          described)
    check("the schema of orders", [s["subject"] for s in described["schemas"]] == ["orders-value"], described["schemas"])
    written = run(url, "topics", "describe", "STOCK", "--json")[0][0]
    check("who writes STOCK", len(written["writers"]) == 1 and written["writers"][0].startswith("CTAS_STOCK_"), written)
    listed = {topic["name"] for topic in run(url, "topics", "--json")[0]}
    everything = {topic["name"] for topic in run(url, "topics", "list", "--all", "--json")[0]}
    check("internal topics only with --all", "orders" in listed and not any(n.startswith("tw.") for n in listed) and "tw.commands" in everything)

    for text, place in (("SELECT 1;", "line 1, column "), ("SELECT 1", "line 1, column "), ("SELECT 1 -- no more", "line "),
                        ("SHOW TOPICS;\n SELECT 1;", "line 2, column ")):
        said = run(url, "sql", "-e", text, code=2)[1]
        check(f"the place of the error in {text!r}", place in said, said)

    shown = run(url, "sql", "-e", "SHOW QUERIES;")[0].splitlines()
    whole = sql(url, "SHOW QUERIES;")[0]["queries"]
    check("lists shorten long texts", len(shown) == 2 + len(whole) and max(map(len, shown)) < 400
          and any("…" in line for line in shown), shown[:3])
    check("JSON has them whole", max(len(query["queryString"]) for query in whole) > 1000, whole[0])

    for name in ("orders", "STOCK"):
        said = run(url, "topics", "delete", name, "--yes", code=2)[1]
        check(f"{name} is kept for its queries", "TERMINATE" in said, said)
    run(url, "topics", "delete", "tw.commands", "--yes", code=2)
    run(url, "topics", "delete", "nowhere", code=1)
    sql(url, "CREATE STREAM clicks_seen (x INT) WITH (KAFKA_TOPIC = 'clicks', VALUE_FORMAT = 'JSON');")
    said = run(url, "topics", "delete", "clicks", code=2)[1]
    check("a declared topic wants --yes", "CLICKS_SEEN" in said and "--yes" in said, said)
    sql(url, "DROP STREAM clicks_seen;")
    check("a topic is deleted", run(url, "topics", "delete", "clicks", "--json")[0] == [{"deleted": "clicks"}])
    run(url, "topics", "describe", "clicks", code=1)


CLICK = {"type": "record", "name": "Click", "fields": [
    {"name": "page", "type": "string"}, {"name": "visitor", "type": ["null", "string"], "default": None},
    {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}, "default": 0},
    {"name": "price", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}], "default": None}]}


def schema_file(name, schema):
    path = f"{folder}/{name}.avsc"
    with open(path, "w") as file:
        json.dump(schema, file)
    return path


def schemas(url):
    first = schema_file("click", CLICK)
    wider = schema_file("wider", {**CLICK, "fields": CLICK["fields"] + [{"name": "device", "type": ["null", "string"], "default": None}]})
    other = schema_file("other", {**CLICK, "fields": CLICK["fields"] + [{"name": "needed", "type": "string"}]})
    subject = "avro-clicks-value"
    run(url, "schemas", "describe", subject, code=1)
    made = run(url, "schemas", "register", subject, first, "--json")[0][0]
    check("a first version", (made["subject"], made["version"]) == (subject, 1), made)
    check("the same is the same", run(url, "schemas", "register", subject, first, "--json")[0][0]["id"] == made["id"])
    check("compatible", run(url, "schemas", "check", subject, wider, "--json")[0][0]["is_compatible"] is True)
    found, said = run(url, "schemas", "check", subject, other, "--json", code=2)
    check("not compatible, and why", found[0]["is_compatible"] is False and "needed" in said, said)
    run(url, "schemas", "register", subject, other, code=2)
    check("a level", run(url, "schemas", "compatibility", subject, "NONE", "--json")[0] == [{"subject": subject, "compatibility": "NONE"}])
    run(url, "schemas", "compatibility", subject, "SOME", code=2)
    check("all goes at NONE", run(url, "schemas", "register", subject, other, "--json")[0][0]["version"] == 2)
    check("a version goes", run(url, "schemas", "delete", subject, "--version", "2", "--json")[0] == [{"deleted": subject, "versions": [2]}])
    described = run(url, "schemas", "describe", subject, "--json")[0][0]
    check("a schema described", described["versions"] == [1] and described["compatibility"] == "NONE" and
          json.loads(described["schema"])["name"] == "Click", described)
    check("schemas are listed", subject in [one["subject"] for one in run(url, "schemas", "--json")[0]])
    run(url, "schemas", "register", subject, "/nowhere/at/all", code=2)
    run(url, "schemas", "register", "broken-value", schema_file("broken", {"type": "nothing"}), code=2)


def records(url):
    run(url, "topics", "create", "avro-clicks", "--partitions", "2")
    given = [{"key": f"v-{n % 5}", "value": {"page": f"/{n}", "at": 1700000000000 + n, "price": 1 + n / 4}, "timestamp": 1000 + n,
              "headers": [{"key": "trace", "value": str(n)}]} for n in range(40)]
    found, _ = run(url, "produce", "avro-clicks", "--json", given=lines(given))
    check("records in", (found[0]["records"], found[0]["rejected"]) == (40, 0), found)
    read = consumed(url, "avro-clicks")
    check("records out are those that went in", sorted((r["timestamp"], r["key"], r["value"]["page"], r["value"]["at"], r["value"]["price"],
                                                        r["headers"][0]["value"]) for r in read) ==
          sorted((g["timestamp"], g["key"], g["value"]["page"], g["value"]["at"], Decimal(str(g["value"]["price"])), g["headers"][0]["value"])
                 for g in given), read[:2])
    check("offsets count", all([r["offset"] for r in read if r["partition"] == p] ==
                               list(range(sum(r["partition"] == p for r in read))) for p in (0, 1)))
    printed, _ = run(url, "sql", "-e", "PRINT 'avro-clicks' FROM BEGINNING LIMIT 1;")
    check("they lie there as Avro", "Value format: AVRO" in printed, printed)

    bad = '{"page":"/a","visitor":"x"}\nnonsense\n\n{"visitor":"y"}\n{"page":"/b"}\n{"page":"/c","visitor":"z"}\n'
    found, said = run(url, "produce", "avro-clicks", "--key-field", "visitor", "--json", given=bad, code=2)
    check("good lines go in, bad ones are named", found[0]["records"] == 2 and found[0]["rejected"] == 3 and
          all(f"line {n}:" in said for n in (2, 4, 5)) and "line 3" not in said, said)
    found, said = run(url, "produce", "avro-clicks", "--key", "k", "--stop-on-error", "--json", given=bad, code=2)
    check("--stop-on-error stops", found[0]["records"] == 1 and found[0]["rejected"] == 1 and "line 2:" in said, (found, said))
    run(url, "produce", "nowhere", given="{}\n", code=1)
    run(url, "produce", "tw.commands", given="{}\n", code=2)

    run(url, "topics", "create", "texts")
    run(url, "produce", "texts", "--raw", given="a b\n{x\n")
    done = subprocess.run([options.binary, "produce", "texts", "--raw", "--server", url], input=b"\xff\xfe\n", capture_output=True)
    check("raw lines are text", done.returncode == 2 and b"line 1: it is not UTF-8" in done.stderr, done)
    said = run(url, "produce", "texts", given='"' + "x" * 5_000_000 + '"\n', code=2)[1]
    check("a line has a limit", "line 1: a line is longer" in said, said)
    run(url, "produce", "texts", given='{"value":"c"}\n5\n{"key":"k","value":null}\n{"value":1,"more":2}\n')
    read = consumed(url, "texts")
    check("texts", [r["value"] for r in read] == ["a b", "{x", "c", "5", None, {"value": 1, "more": 2}], read)
    check("--from an offset, --max", [r["value"] for r in consumed(url, "texts", "--from", "1", "--max", "2")] == ["{x", "c"])
    check("--from latest is the end", consumed(url, "texts", "--from", "latest") == [])
    check("--from a time", [r["timestamp"] for r in consumed(url, "avro-clicks", "--from", "1970-01-01T00:00:01.030Z", "--partition", "0")
                            if r["timestamp"] < 1030] == [])
    check("--partition", {r["partition"] for r in consumed(url, "avro-clicks", "--partition", "1")} == {1})
    run(url, "consume", "texts", "--from", "yesterday", "--until-end", code=2)
    text, said = run(url, "consume", "texts", "--from", "999999", "--until-end")
    check("beyond the end is said", not text and "ends at offset 6, before 999999" in said, said)
    said = run(url, "consume", "texts", "--from", "-1", "--until-end", code=2)[1]
    check("offsets begin at 0", "-1 is no offset in texts: they count from 0" in said, said)
    run(url, "consume", "texts", "--partition", "1", "--until-end", code=2)
    run(url, "consume", "nowhere", "--until-end", code=1)

    with subprocess.Popen([options.binary, "consume", "avro-clicks", "--from", "earliest", "--server", url], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as reading:
        reading.stdout.readline()
        reading.stdout.close()
        run(url, "produce", "avro-clicks", given=lines(given))
        check("a closed pipe is no error", reading.wait(timeout=20) == 0 and reading.stderr.read() == "", reading.returncode)


def groups(url):
    run(url, "topics", "create", "grouped", "--partitions", "2")
    run(url, "produce", "grouped", given=lines({"key": str(n), "value": n, "timestamp": n} for n in range(100)))
    first = consumed(url, "grouped", "--group", "billing", "--max", "30")
    second = consumed(url, "grouped", "--group", "billing")
    places = lambda read: {(r["partition"], r["offset"]) for r in read}
    check("a group goes on where it stopped", len(first) == 30 and len(second) == 70 and not places(first) & places(second))
    described = run(url, "groups", "describe", "billing", "--json")[0][0]
    check("a group that has read all", described["lag"] == 0 and [p["offset"] for p in described["places"]] ==
          [p["end"] for p in described["places"]] and described["kind"] == "consumer", described)
    reset = run(url, "groups", "reset", "billing", "--topic", "grouped", "--to", "earliest", "--json")[0][0]
    check("a group set back lags", reset["lag"] == 100 and reset["lag_seconds"] > 1_000_000, reset)
    check("and reads again", len(consumed(url, "grouped", "--group", "billing")) == 100)
    run(url, "groups", "reset", "billing", "--topic", "grouped", "--to", "1970-01-01T00:00:00.090Z")
    check("from a time", {r["timestamp"] for r in consumed(url, "grouped", "--group", "billing")} >= set(range(90, 100)))
    run(url, "groups", "reset", "billing", "--topic", "grouped", "--to", "3", "--partition", "1")
    check("one partition", {r["partition"] for r in consumed(url, "grouped", "--group", "billing")} == {1})
    for wrong in (["--topic", "grouped", "--to", "soon"], ["--topic", "grouped", "--to", "0", "--partition", "7"]):
        run(url, "groups", "reset", "billing", *wrong, code=2)
    run(url, "groups", "reset", "billing", "--topic", "nowhere", "--to", "0", code=1)
    listed = {group["group"]: group for group in run(url, "groups", "--json")[0]}
    query = next(name for name in listed if name.startswith("CTAS_STOCK_"))
    check("queries are listed", listed[query]["kind"] == "query" and listed[query]["topics"] == ["inventory"], listed[query])
    check("a query's places can be seen", len(run(url, "groups", "describe", query, "--json")[0][0]["places"]) == 4)
    for words in (["reset", query, "--topic", "inventory", "--to", "earliest"], ["delete", query], ["reset", "tradewind", "--topic", "grouped", "--to", "0"]):
        run(url, "groups", *words, code=2)
    check("nothing at the end", consumed(url, "grouped", "--group", "late", "--from", "latest") == [])
    run(url, "produce", "grouped", given='{"key":"x","value":"after"}\n')
    check("a group begins where it first looked", [r["value"] for r in consumed(url, "grouped", "--group", "late")] == ["after"])
    check("a group is forgotten", run(url, "groups", "delete", "billing", "--json")[0] == [{"deleted": "billing"}])
    run(url, "groups", "describe", "billing", code=1)


# ---- a server that goes away ---------------------------------------------------------------------------------------

def killed_server(data):
    """Produce into it and consume from it while it is killed again and again: each record once, in order."""
    platform = Platform(data)
    port = platform.port
    run(platform.url, "topics", "create", "numbers", "--partitions", "3")
    reading = start(platform.url, "consume", "numbers", "--from", "earliest", "--group", "reader")
    seen = []
    reader = threading.Thread(target=lambda: seen.extend(json.loads(line) for line in reading.stdout))
    reader.start()
    writing = start(platform.url, "produce", "numbers", "--json", stdin=subprocess.PIPE)
    count = 30_000

    def feed():
        for n in range(count):
            writing.stdin.write(f'{{"key":"{n % 11}","value":{n}}}\n')
            if n % 500 == 0:
                writing.stdin.flush()
                time.sleep(0.02)
        writing.stdin.close()
    feeder = threading.Thread(target=feed)
    feeder.start()
    for _ in range(3):
        time.sleep(chance.uniform(0.2, 0.6))
        platform.end(signal.SIGKILL)
        time.sleep(chance.uniform(0.1, 0.8))
        platform = Platform(data, port=port)
    feeder.join()
    summary = json.loads(writing.stdout.read())
    check("produce outlives the server", writing.wait(timeout=60) == 0 and summary["records"] == count, (summary, writing.stderr.read()[:300]))
    deadline = time.time() + 30
    while len(seen) < count and time.time() < deadline:
        time.sleep(0.1)
    time.sleep(0.3)
    reading.send_signal(signal.SIGINT)
    check("consume ends at Ctrl-C", reading.wait(timeout=20) == 0, reading.stderr.read()[:300])
    reader.join()
    check("each record once", sorted(int(r["value"]) for r in seen) == list(range(count)), len(seen))
    check("in order", all(a["offset"] + 1 == b["offset"] for p in range(3) for part in [[r for r in seen if r["partition"] == p]]
                          for a, b in zip(part, part[1:])))
    check("the group has its place", run(platform.url, "groups", "describe", "reader", "--json")[0][0]["lag"] == 0)
    began = time.time()
    read = subprocess.run([options.binary, "consume", "numbers", "--until-end", "--server", platform.url], capture_output=True).stdout
    print(f"{len(read.splitlines())} records read in {time.time() - began:.2f} s")
    platform.end()
    _, said = run(platform.url, "produce", "numbers", given='{"value":1}\n', code=1)
    check("produce gives up on a server that stays away", "no answer" in said, said)


# ---- backup --------------------------------------------------------------------------------------------------------

def total(values):
    return sum((v for v in values if v is not None), Decimal(0))


def recounted(url):
    """Figures of the shop, from the records of its topics alone."""
    orders = [r["value"] for r in consumed(url, "orders")]
    visits = [r["value"] for r in consumed(url, "customer-events")]
    placed = [(o["order_id"], item) for o in orders if o["event_type"] == "ORDER_PLACED" for item in o["items"] or []]
    kinds = collections.Counter(v["event_type"] for v in visits)
    stock = {}
    for record in consumed(url, "inventory"):
        if record["value"]["available"] is not None:
            stock[(record["value"]["product_id"], record["value"]["location_id"])] = record["value"]["available"]
    return {"lines": len(placed), "worth": total(item["line_total"] for _, item in placed), "kinds": dict(kinds), "stock": stock}


def told(url):
    """The same figures as the queries' tables tell them."""
    lines_made = sql(url, "SET 'auto.offset.reset' = 'earliest'; SELECT * FROM ORDER_LINES;")
    kinds = {row["EVENT_TYPE"]: row["N"] for row in sql(url, "SELECT * FROM VISIT_KINDS;")}
    stock = {(row["PRODUCT_ID"], row["LOCATION_ID"]): row["AVAILABLE"] for row in sql(url, "SELECT * FROM STOCK;") if row["AVAILABLE"] is not None}
    worth = sql(url, "SELECT * FROM ALL_LINES;")
    rows = [row for row in lines_made if "ORDER_ID" in row]
    return {"lines": len(rows), "worth": worth[0]["WORTH"] if worth else Decimal(0), "kinds": kinds, "stock": stock}


def backup(data):
    platform = Platform(data, "--queries", options.queries)
    sql(platform.url, "CREATE TABLE visit_kinds AS SELECT event_type, COUNT(*) AS n FROM customer_events GROUP BY event_type EMIT CHANGES;")
    sql(platform.url, "CREATE TABLE all_lines AS SELECT 'all' AS everything, SUM(line->line_total) AS worth, COUNT(*) AS n "
                      "FROM order_lines GROUP BY 'all' EMIT CHANGES;")
    shop = start(platform.url, "simulate", "--rate", "3000", "--seed", str(options.seed), "--from", "2026-03-02T06:00", "--events", "10000000", "--json")
    run(platform.url, "consume", "orders", "--from", "earliest", "--max", "10", "--group", "kept")
    file = f"{folder}/shop.twb"
    taken = []
    for number in range(3):
        time.sleep(chance.uniform(0.3, 1.2))
        path = file if number == 0 else f"{folder}/shop{number}.twb"
        taken.append((path, run(platform.url, "backup", path, "--json")[0][0]))
    check("a backup is told", taken[0][1]["backup"] == file and 0 < taken[0][1]["file_bytes"] < taken[0][1]["log_bytes"], taken[0])
    run(platform.url, "backup", file, code=2)
    shop.send_signal(signal.SIGTERM)
    said = shop.communicate(timeout=120)
    summary = json.loads(said[0].splitlines()[-1]) if said[0] else {}
    check("writers are not stopped", shop.returncode == 0 and summary["events"] > 3000 and summary["rejected"] == 0, (summary, said[1]))
    wrong_bytes(platform.url, file)
    platform.end()
    events = []
    for number, (path, _) in enumerate(taken):
        check("verify", run(platform.url, "backup", "verify", path, "--json")[0][0]["verified"] == path)
        events.append(restored(path, f"{folder}/restored{number}"))
    check("later backups hold more", events == sorted(events) and 0 < events[0] <= events[-1] <= summary["events"], (events, summary))


def wrong_bytes(url, file):
    with open(file, "rb") as whole:
        content = bytearray(whole.read())
    damaged = f"{folder}/damaged.twb"
    for what, made in (("cut off at byte ", content[:len(content) * 2 // 3]), ("is damaged at byte ", None)):
        if made is None:
            made = content[:]
            made[len(made) // 2] ^= 4
        with open(damaged, "wb") as out:
            out.write(made)
        for words in (["verify", damaged], ["restore", damaged, "--data", f"{folder}/never"]):
            said = run(url, "backup", *words, code=1)[1]
            check(f"a backup that {what}", what in said and damaged in said, said)
        check("and nothing is made of it", not os.path.exists(f"{folder}/never"))
    run(url, "backup", "restore", file, "--data", folder, code=2)
    run(url, "backup", "verify", "/nowhere/at/all", code=2)


def restored(path, data):
    """Kills the restoring at first; then every figure is as recounted. Answers how many events there are."""
    for _ in range(4):
        process = start("", "backup", "restore", path, "--data", data)
        time.sleep(chance.uniform(0, 0.05))
        process.kill()
        process.wait()
        if os.path.exists(f"{data}/journal"):
            break
        if os.path.exists(f"{data}/restoring"):
            said = run("", "log", "verify", "--data", data, code=1)[1]
            check("a killed restoring leaves no log", "restore` again" in said, said)
    if not os.path.exists(f"{data}/journal"):
        run("", "backup", "restore", path, "--data", data, "--json")
    subprocess.run([options.binary, "log", "verify", "--data", data], check=True, stdout=subprocess.DEVNULL)
    platform = Platform(data, "--queries", options.queries)
    wanted, found, deadline = recounted(platform.url), None, time.time() + 30
    while found != wanted and time.time() < deadline:  # what was behind at the backup catches up
        time.sleep(0.2)
        found = told(platform.url)
    for name in wanted:
        check(f"{name} of a restored log", found[name] == wanted[name], (str(found[name])[:300], str(wanted[name])[:300]))
    kept = run(platform.url, "groups", "describe", "kept", "--json")[0]
    check("a group's place came along", len(kept) == 1 and sum(p["offset"] for p in kept[0]["places"]) == 10, kept)
    check("it takes more", run(platform.url, "produce", "user-profiles", "--json", given='{"key":"c","value":null}\n')[0][0]["records"] == 1)
    platform.end()
    return sum(wanted["kinds"].values())


def prepared(data):
    """init on our own log: a look leaves nothing behind, doing it once is enough, and serve finds what it needs."""
    words = ("init", "--data", data, "--queries", options.queries, "--json")
    looked, said = run("", *words, "--dry-run")
    check("a look", {line["action"] for line in looked} == {"create"} and "to do" in said and not os.path.exists(data), said)
    done = run("", *words)[0]
    check("what was looked at is done", [(line["object"], line["name"]) for line in done] == [(line["object"], line["name"]) for line in looked]
          and all(line["done"] for line in done if line["action"] == "create"), done)
    again, said = run("", *words)
    check("once is enough", {line["action"] for line in again} == {"same"} and "nothing to do" in said, again)
    os.mkdir(f"{data}-schemas")
    for text, code, action in (('{"type":"record","name":"Order","fields":[]}', 1, "refused"), ("{", 2, None)):
        with open(f"{data}-schemas/orders.avsc", "w") as schema:
            schema.write(text)
        lines, said = run("", "init", "--data", data, "--json", "--schemas", f"{data}-schemas", "--dry-run", code=code)
        found = [line["action"] for line in lines if line["name"] == "orders-value"]
        check("a schema that is not to be had", found == ([action] if action else []) and (action or "orders.avsc" in said), (found, said))
    run("", "init", "--data", data, "--min-insync", "2", code=2)
    platform = Platform(data, "--queries", options.queries)
    run(platform.url, "topics", "alter", "orders", "--retention-ms", "1000")
    check("a log in use", "lock" in run("", "init", "--data", data, code=1)[1])
    platform.end()
    changed = [line for line in run("", *words)[0] if line["action"] != "same"]
    check("what somebody changed is mended", [(line["name"], line["detail"], line["done"]) for line in changed]
          == [("orders", "retention.ms 1000 -> -1", True)], changed)


try:
    platform = Platform(f"{folder}/data", "--queries", options.queries)
    for part in (help_and_usage, topics, schemas, records, groups):
        part(platform.url)
    check("SIGTERM", platform.end() == 0)
    prepared(f"{folder}/prepared")
    killed_server(f"{folder}/killed")
    backup(f"{folder}/shop")
finally:
    for process in running:
        if process.poll() is None:
            process.kill()
    shutil.rmtree(folder, ignore_errors=True)
print(f"{checks} checks, {len(failures)} failed")
sys.exit(1 if failures else 0)
