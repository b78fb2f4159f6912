#!/usr/bin/env python3
"""The whole platform under load for a long time: does it stay as it was?

  soak.py --binary build/release/tradewind --queries queries [--rate 20000] [--minutes 60] [--every 30] [--data DIR]

Starts the platform with all shop queries and those over its own figures, lets the simulator send RATE events a second over
HTTP, and writes a line every EVERY seconds: events a second, lag, time from append to committed result, memory, tables,
disk, processor time of the platform. At the end the records of each topic are counted three ways and compared, and the
verdict says whether memory (beyond what the tables hold), latency and disk stayed bounded. Exit 0 only if all is well.
"""
import argparse, http.client, json, os, re, shutil, signal, socket, subprocess, sys, tempfile, time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--binary", required=True)
parser.add_argument("--queries", required=True, help="the folder that holds shop and ops")
parser.add_argument("--rate", type=int, default=20_000)
parser.add_argument("--minutes", type=float, default=60)
parser.add_argument("--every", type=float, default=30)
parser.add_argument("--state-memory-mb", type=int, default=4096)
parser.add_argument("--keep-mb", type=int, default=64, help="of each partition of a topic that keeps its records by time")
parser.add_argument("--data", help="keeps the data there; otherwise they lie in a folder that is removed")
options = parser.parse_args()
folder = options.data or tempfile.mkdtemp(prefix="tradewind-soak-")
with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
url = f"http://127.0.0.1:{port}"
MB = 1 << 20


def ask(method, target, body=None, timeout=60):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, target, body)
        answer = connection.getresponse()
        text = answer.read().decode()
        if answer.status != 200:
            raise RuntimeError(f"{target}: {answer.status} {text[:300]}")
        return text
    finally:
        connection.close()


def metrics():
    values = {}
    for line in ask("GET", "/metrics").splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            values[name] = float(value)
    return values


def total(values, name):
    return sum(value for key, value in values.items() if key == name or key.startswith(name + "{"))


def largest(values, name):
    return max([value for key, value in values.items() if key.startswith(name + "{")], default=0)


def quantile(now, before, name, share):
    """Of what a histogram gained between two looks, in ms, interpolated inside its bucket."""
    buckets = []
    for key, value in now.items():
        bound = re.match(rf'{name}_bucket{{le="([^"]+)"}}', key)
        if bound:
            buckets.append((float("inf") if bound[1] == "+Inf" else float(bound[1]), value - before.get(key, 0)))
    buckets.sort()
    if not buckets or buckets[-1][1] == 0:
        return float("nan")
    low, below, wanted = 0.0, 0.0, share * buckets[-1][1]
    for bound, count in buckets:
        if count >= wanted:
            inside = (wanted - below) / (count - below) if count > below else 0
            return 1000 * (low if bound == float("inf") else low + (bound - low) * inside)
        low, below = bound, count
    return float("nan")


def slope(points):
    """Of the line through (minutes, value), per minute."""
    if len(points) < 2:
        return 0.0
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    width = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / width if width else 0.0


def median(values):
    ordered = sorted(values)
    return ordered[len(ordered) // 2] if ordered else float("nan")


COLUMNS = ["minute", "events/s", "lag", "lag s", "p50 ms", "p99 ms", "RSS MB", "tables MB", "disk MB", "live MB", "cores", "fds"]


def write(cells):
    print("  ".join(f"{cell:>9}" for cell in cells), flush=True)


def sample(began, now, before, seconds):
    return {
        "minute": (time.monotonic() - began) / 60,
        "events": (total(now, "tw_ingest_events_total") - total(before, "tw_ingest_events_total")) / seconds,
        "lag": total(now, "tw_query_lag_records"),
        "lag_s": largest(now, "tw_query_lag_seconds"),
        "p50": quantile(now, before, "tw_stream_end_to_end_seconds", 0.5),
        "p99": quantile(now, before, "tw_stream_end_to_end_seconds", 0.99),
        "rss": now["process_resident_memory_bytes"] / MB,
        "tables": now["tw_stream_state_bytes"] / MB,
        "disk": now["tw_log_bytes"] / MB,
        "live": now["tw_log_live_bytes"] / MB,
        "cores": (now["process_cpu_seconds_total"] - before["process_cpu_seconds_total"]) / seconds,
        "fds": now["process_open_fds"],
    }


def show(row):
    write([f"{row['minute']:.1f}", f"{row['events']:.0f}", f"{row['lag']:.0f}", f"{row['lag_s']:.1f}", f"{row['p50']:.1f}", f"{row['p99']:.1f}",
           f"{row['rss']:.0f}", f"{row['tables']:.0f}", f"{row['disk']:.0f}", f"{row['live']:.0f}", f"{row['cores']:.2f}", f"{row['fds']:.0f}"])


def recount():
    """Records of the shop's topics: by their offsets, by the counters, by the SQL over the figures; all must agree."""
    wrong = []
    now = metrics()
    body = json.dumps({"sql": "SELECT topic_name, records FROM topic_throughput;"})
    told = {}
    for line in ask("POST", "/query-stream", body).splitlines()[1:]:
        name, records = json.loads(line)
        told[name] = told.get(name, 0) + records
    sums = {}
    for topic in json.loads(ask("GET", "/v1/topics")):
        name = topic["name"]
        if name not in ("customer-events", "orders", "inventory", "user-profiles", "simulated-truth"):
            continue
        by_offsets = sum(topic["ends"])
        by_counter = now.get(f'tw_topic_records_total{{topic="{name}"}}', 0)
        sums[name] = by_offsets
        print(f"{name}: {by_offsets} by offsets, {by_counter:.0f} counted, {told.get(name, 0)} by TOPIC_THROUGHPUT")
        if not by_offsets == by_counter == told.get(name, 0):
            wrong.append(f"the records of {name} are counted differently")
    return sum(sums.values()), wrong


def bound_topics():
    """What keeps records by time keeps so many bytes; tables keep their rows."""
    listed = subprocess.run([options.binary, "topics", "--server", url, "--json"], capture_output=True, text=True, check=True).stdout
    for topic in map(json.loads, listed.splitlines()):
        if "delete" in topic["cleanup"] and not topic["internal"]:
            subprocess.run([options.binary, "topics", "alter", topic["name"], "--server", url, "--config", f"retention.bytes={options.keep_mb * MB}"],
                           check=True, capture_output=True)


def verdict(rows):
    wrong = []
    later = rows[len(rows) // 2:]
    beside = slope([(row["minute"], row["rss"] - row["tables"]) for row in later])
    tables = slope([(row["minute"], row["tables"]) for row in later])
    third = max(1, len(rows) // 3)
    first, last = median([row["p99"] for row in rows[1:1 + third]]), median([row["p99"] for row in rows[-third:]])
    print(f"second half: memory beside the tables {beside:+.2f} MB a minute, tables {tables:+.2f} MB a minute; "
          f"p99 {first:.0f} ms at first, {last:.0f} ms at last; disk {max(row['disk'] / max(row['live'], 1) for row in later):.2f} of what is live")
    if tables > 0.5:
        print(f"at this rate the tables reach their {options.state_memory_mb} MB in {(options.state_memory_mb - rows[-1]['tables']) / tables / 60:.1f} h")
    # What the allocator needs around growing tables may grow with them.
    if beside > max(2.0, 0.01 * later[0]["rss"], 0.2 * tables):
        wrong.append(f"memory beside the tables grows by {beside:.1f} MB a minute")
    if last > 2 * first + 50:
        wrong.append(f"p99 went from {first:.0f} to {last:.0f} ms")
    if any(row["disk"] > 2 * row["live"] + 1024 for row in later):
        wrong.append("the journal takes more than twice what is live and a gigabyte")
    grown = median([row["disk"] for row in rows[-third:]]) - median([row["disk"] for row in rows[third:2 * third]])
    print(f"the journal grew by {grown:.0f} MB from the second third to the last")
    if grown > 0.2 * rows[-1]["disk"] + 256:
        wrong.append(f"the journal grew by {grown:.0f} MB though its topics are bounded")
    if rows[-1]["lag_s"] > 10:
        wrong.append(f"a query is {rows[-1]['lag_s']:.0f} s behind")
    if rows[-1]["fds"] > rows[0]["fds"] + 50:
        wrong.append("files or connections are left open")
    return wrong


server = subprocess.Popen([options.binary, "serve", "--data", folder, "--listen", f"127.0.0.1:{port}", "--state-memory-mb", str(options.state_memory_mb),
                           "--queries", os.path.join(options.queries, "shop"), "--queries", os.path.join(options.queries, "ops")],
                          stdout=subprocess.PIPE, text=True)
simulator = None
wrong = []
try:
    if not server.stdout.readline().startswith("ready"):
        sys.exit("the platform did not start")
    bound_topics()
    simulator = subprocess.Popen([options.binary, "simulate", "--server", url, "--rate", str(options.rate),
                                  "--from", "2026-03-02T10:00", "--volume", str(options.rate * 2 // 3), "--json"],
                                 stdout=subprocess.PIPE, text=True)
    began = time.monotonic()
    before, before_at, rows = metrics(), time.monotonic(), []
    write(COLUMNS)
    while time.monotonic() < began + options.minutes * 60:
        time.sleep(min(options.every, max(0.1, began + options.minutes * 60 - time.monotonic())))
        if server.poll() is not None or simulator.poll() is not None:
            wrong.append("the platform ended" if server.poll() is not None else "the simulator ended")
            break
        try:
            now, at = metrics(), time.monotonic()
        except OSError:
            wrong.append("the platform no longer answers")
            break
        rows.append(sample(began, now, before, at - before_at))
        show(rows[-1])
        before, before_at = now, at
    if wrong:
        server.wait(120)  # it says why
        raise SystemExit("NOT WELL: " + "; ".join(wrong))
    simulator.send_signal(signal.SIGINT)
    summary = json.loads(simulator.communicate(timeout=60)[0].splitlines()[-1])
    end = time.monotonic() + 120
    while time.monotonic() < end and total(metrics(), "tw_query_lag_records") > 0:
        time.sleep(0.2)
    time.sleep(6)  # one more round of figures, and the commit that reads it
    page = json.loads(ask("GET", "/v1/health"))
    wrong += [f"{query['name']} stopped: {query['error']}" for query in page["queries"] if query["state"] == "ERROR"]
    records, differ = recount()
    wrong += differ
    print(f"the simulator sent {summary['events']} events, {summary['rejected']} of them rejected; {records} lie in the topics")
    if records != summary["events"] - summary["rejected"]:
        wrong.append("the topics do not hold what was sent")
    if rows:
        wrong += verdict(rows)
    server.send_signal(signal.SIGTERM)
    if server.wait(120) != 0:
        wrong.append("the platform did not stop cleanly")
finally:
    for process in (simulator, server):
        if process is not None and process.poll() is None:
            process.kill()
    if not options.data:
        shutil.rmtree(folder, ignore_errors=True)
print("well" if not wrong else "NOT WELL: " + "; ".join(wrong))
sys.exit(1 if wrong else 0)
