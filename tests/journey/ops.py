#!/usr/bin/env python3
"""What the platform says of itself, against what really happened to it.

  ops.py --binary build/release/tradewind --queries queries/ops [--keys N]

The SQL over the platform's own figures recounted, a query that is behind and catches up, a machine that comes to rest and
writes nothing any more, a start with much state whose probes tell how far it is, and `tradewind health` in all of it.
"""
import argparse, http.client, json, os, shutil, signal, socket, subprocess, tempfile, threading, time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--binary", required=True)
parser.add_argument("--queries", required=True)
parser.add_argument("--keys", type=int, default=600_000)
options = parser.parse_args()
failures, checks = [], 0
folder = tempfile.mkdtemp(prefix="tradewind-ops-")
with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
url = f"http://127.0.0.1:{port}"


def check(what, fine, found=""):
    global checks
    checks += 1
    if not fine:
        failures.append(f"{what}: {found}")
        print("WRONG", failures[-1][:800])


def ask(method, target, body=b"", timeout=60):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, target, body)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), dict(answer.getheaders())
    finally:
        connection.close()


def started(*more):
    return subprocess.Popen([options.binary, "serve", "--data", folder + "/data", "--listen", f"127.0.0.1:{port}", "--figures.every", "200ms",
                             "--queries", options.queries, *more], stdout=subprocess.PIPE, stderr=open(folder + "/errors", "a"), text=True)


def ready(process):
    line = process.stdout.readline()
    assert line.startswith("ready "), open(folder + "/errors").read()


def ksql(text):
    status, body, _ = ask("POST", "/ksql", json.dumps({"ksql": text, "streamsProperties": {"auto.offset.reset": "earliest"}}).encode())
    assert status == 200, body


def rows(text):
    status, body, _ = ask("POST", "/query-stream", json.dumps({"sql": text}).encode())
    assert status == 200, body
    lines = body.splitlines()
    names = json.loads(lines[0])["columnNames"]
    return [dict(zip(names, json.loads(line))) for line in lines[1:]]


def metrics():
    values = {}
    for line in ask("GET", "/metrics")[1].splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            values[name] = float(value)
    return values


def wait_for(what, answer, wanted, seconds=30):
    end = time.monotonic() + seconds
    found = answer()
    while not wanted(found) and time.monotonic() < end:
        time.sleep(0.05)
        found = answer()
    check(what, wanted(found), found)
    return found


def health(*more):
    done = subprocess.run([options.binary, "health", "--server", url, *more], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def send(first, count):
    for at in range(first, first + count, 10_000):
        events = [{"ID": f"visitor-{key:012}", "UNITS": key % 7} for key in range(at, min(at + 10_000, first + count))]
        status, body, _ = ask("POST", "/v1/events/sales", json.dumps(events).encode())
        assert status == 202, body


def stop(process, how=signal.SIGTERM):
    process.send_signal(how)
    return process.wait(60)


process = started()
try:
    code, _, said = health()
    check("health without a platform", code == 1 and said, said)
    ready(process)
    schema = {"type": "record", "name": "Sale", "fields": [{"name": "ID", "type": "string"}, {"name": "UNITS", "type": "long"}]}
    assert ask("POST", "/subjects/sales-value/versions", json.dumps({"schema": json.dumps(schema)}).encode())[0] == 200
    ksql("CREATE STREAM sales (id STRING, units BIGINT) WITH (KAFKA_TOPIC='sales', PARTITIONS=4, VALUE_FORMAT='AVRO');")
    ksql("CREATE TABLE by_id AS SELECT id, COUNT(*) AS n, SUM(units) AS units FROM sales GROUP BY id EMIT CHANGES;")

    # ---- throughput: every record of the topic is in one minute of one row, and no more
    some = 25_000
    send(0, some)
    throughput = lambda: sum(row["RECORDS"] for row in rows("SELECT * FROM topic_throughput WHERE topic_name = 'sales';"))
    wait_for("the throughput of a topic adds up to its records", throughput, lambda n: n == some)
    largest = max(row["TOTAL_RECORDS"] for row in rows("SELECT * FROM topic_throughput WHERE topic_name = 'sales';"))
    check("all records ever", largest == some, largest)
    told = {row["TOPIC_NAME"] for row in rows("SELECT topic_name FROM topic_throughput;")}
    check("what reads the figures is not in them", "BY_ID" in told and not told & {"TOPIC_THROUGHPUT", "CONSUMER_LAG", "CONSUMER_LAG_BY_MINUTE"} and
          not any(name.startswith("tw.") for name in told), told)
    values = metrics()
    check("records by topic", values['tw_topic_records_total{topic="sales"}'] == some, values.get('tw_topic_records_total{topic="sales"}'))
    check("each commit with rows has an end-to-end time", values["tw_stream_end_to_end_seconds_count"] > 0)
    check("memory", 10e6 < values["process_resident_memory_bytes"] < 4e9, values["process_resident_memory_bytes"])
    disk = os.statvfs(folder)
    check("free disk", abs(values["tw_disk_free_bytes"] - disk.f_bavail * disk.f_frsize) < 2e9, values["tw_disk_free_bytes"])

    # ---- lag: of a query that stands still, and that it is gone when it goes on
    query = next(row["QUERY_ID"] for row in rows("SELECT query_id FROM consumer_lag;") if row["QUERY_ID"].startswith("CTAS_BY_ID"))
    lag = lambda: rows(f"SELECT * FROM consumer_lag WHERE query_id = '{query}';")[0]
    wait_for("no lag", lag, lambda row: row["LAG_RECORDS"] == 0 and row["STATE"] == "RUNNING")
    ksql(f"PAUSE {query};")
    send(some, 5_000)
    behind = wait_for("the lag of a paused query", lag, lambda row: row["LAG_RECORDS"] == 5_000 and row["LAG_SECONDS"] >= 1.5)
    check("its state", behind["STATE"] == "PAUSED", behind)
    code, text, _ = health()
    line = next((line for line in text.splitlines() if line.startswith(query)), "")
    check("health tells the lag", code == 0 and " 5,000 " in line and line.endswith("paused"), text)
    ksql(f"RESUME {query};")
    wait_for("the lag is gone", lag, lambda row: row["LAG_RECORDS"] == 0 and row["LAG_SECONDS"] == 0)
    worst = max(row["WORST_RECORDS"] for row in rows(f"SELECT * FROM consumer_lag_by_minute WHERE query_id = '{query}';"))
    check("the worst lag of the minutes", worst >= 5_000, worst)
    check("all rows were read", lag()["ROWS_IN"] == some + 5_000, lag())

    # ---- rest: nothing more is written, and nearly nothing is done
    written = lambda: metrics()["tw_log_written_bytes_total"]
    def rests():
        before = written()
        time.sleep(1.2)
        return written() - before
    wait_for("a machine at rest writes nothing", rests, lambda grown: grown == 0)
    before = metrics()["process_cpu_seconds_total"]
    time.sleep(3)
    idle = (metrics()["process_cpu_seconds_total"] - before) / 3
    print(f"at rest: {idle:.4f} of a core, with figures every 200 ms and two looks at /metrics")
    check("idle", idle < 0.05, idle)

    # ---- a start with much state: the probes answer meanwhile
    send(some + 5_000, options.keys)
    wait_for("read", lambda: json.loads(health("--json")[1]), lambda page: all(one["lag_records"] == 0 for one in page["queries"]), 120)
    check("stopped", stop(process) == 0)
    process = started()
    waiting = threading.Thread(target=ready, args=(process,))
    waiting.start()
    seen, refused = [], []
    while waiting.is_alive():
        try:
            status, body, _ = ask("GET", "/startupz", timeout=5)
            if status == 503 and json.loads(body)["restored"]["of"] > 0:
                seen.append(json.loads(body))
                refused.append(ask("POST", "/query-stream", json.dumps({"sql": "SELECT * FROM by_id WHERE id = 'x';"}).encode()))
                live = ask("GET", "/healthz")[0]
                check("alive while it restores", live == 200, live)
        except OSError:
            pass
        time.sleep(0.002)
    print(f"{len(seen)} looks at the start; the last: {seen[-1:]}")
    restoring = [look for look in seen if look["stage"] == "restoring state"]
    how_far = [look["restored"]["records"] for look in restoring]
    check("the start tells how far it is", len(set(how_far)) > 1 and how_far == sorted(how_far) and how_far[-1] <= restoring[-1]["restored"]["of"] and
          all(look["reasons"][0].startswith("restoring state: ") for look in restoring), seen)
    early = [answer for answer in refused if answer[0] == 503]
    check("queries are told to come again", early and all(answer[2].get("Retry-After") == "1" for answer in early) and
          any("the server is starting: restoring state" in answer[1] for answer in early), refused[:1])
    status, body, _ = ask("GET", "/startupz")
    check("started", status == 200 and json.loads(body)["started"], body)
    code, text, _ = health()
    check("ready again", code == 0 and text.startswith("ready"), text)
    print(text)

    # ---- stopping
    check("SIGTERM", stop(process) == 0)
finally:
    process.kill()
    process.wait()
    shutil.rmtree(folder, ignore_errors=True)
print(f"{checks} checks, {len(failures)} wrong")
raise SystemExit(1 if failures else 0)
