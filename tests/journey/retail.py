#!/usr/bin/env python3
"""A real shop's year through the whole program, killed again and again; every figure recounted from the file.

  retail.py --binary build/release/tradewind --queries queries/retail --file FILE [--kills N] [--seed N] [--golden FILE] [--log kafka]

Starts the platform and the replay, kills one or both with SIGKILL at random moments strictly inside the replay, starts
them again, and in the end compares each row of each retail table with a recount that knows nothing of the program.
Exit 77: the data is not there, nothing was tested.
"""
import argparse, collections, csv, gzip, json, os, random, shutil, signal, socket, subprocess, sys, tempfile, time
import urllib.request
from decimal import Decimal

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--binary", required=True)
parser.add_argument("--queries", required=True)
parser.add_argument("--file", required=True)
parser.add_argument("--golden")
parser.add_argument("--kills", type=int, default=0)
parser.add_argument("--log", default="embedded", help="where the log lies, as serve wants it; kafka: the brokers that TW_KAFKA names")
parser.add_argument("--seed", type=int, default=int(time.time()))
parser.add_argument("--workers", default="1")
options = parser.parse_args()
if options.log == "kafka":
    options.log += ":" + os.environ["TW_KAFKA"]

if not os.path.exists(options.file):
    print(f"skipped: the retail history {options.file} is not here")
    sys.exit(77)

chance = random.Random(options.seed)
print(f"seed {options.seed} (repeat with --seed {options.seed})")
folder = tempfile.mkdtemp(prefix="tradewind-retail-")
with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
url = f"http://127.0.0.1:{port}"


def recount(path):
    """The tables as plain folds over the file."""
    zero = lambda: Decimal(0)
    sales, net = collections.defaultdict(zero), collections.defaultdict(zero)
    tables = {name: collections.defaultdict(lambda: collections.defaultdict(zero))
              for name in ("MONTH", "COUNTRY", "SKU", "DAY", "HOUR")}
    totals = collections.defaultdict(zero)
    distinct = collections.defaultdict(set)
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            quantity, price = int(row["quantity"]), Decimal(row["unit_price"])
            amount, sale = quantity * price, quantity > 0 and price > 0
            when = row["invoice_time"]
            keys = {"MONTH": when[:7], "COUNTRY": row["country"], "SKU": row["sku"], "DAY": when[:10],
                    "HOUR": (row["country"], when[:13])}
            for name, key in keys.items():
                if sale or name not in ("DAY", "HOUR"):
                    entry = tables[name][key]
                    entry["NET"] += amount
                    entry["UNITS_NET"] += quantity
                    if sale:
                        entry["SALES"] += amount
                        entry["UNITS_SOLD"] += quantity
                        entry["LINES"] += 1
            totals["NET"] += amount
            if quantity < 0:
                totals["RETURNED"] += amount
            if sale:
                totals["SALES"] += amount
                totals["SALE_LINES"] += 1
                distinct["SALE_INVOICES"].add(row["invoice"])
                distinct["SALE_SKUS"].add(row["sku"])
                if row["customer"]:
                    distinct["SALE_CUSTOMERS"].add(row["customer"])
    for name, values in distinct.items():
        totals[name] = Decimal(len(values))
    return totals, tables


def start_server():
    began = time.monotonic()
    server = subprocess.Popen([options.binary, "serve", "--data", folder, "--log", options.log, "--listen", f"127.0.0.1:{port}", "--queries",
                               options.queries, "--workers", options.workers], stdout=subprocess.PIPE, stderr=sys.stderr, text=True)
    line = server.stdout.readline()
    if not line.startswith("ready"):
        sys.exit(f"the platform did not start: {line!r}")
    return server, time.monotonic() - began


def start_replay():
    return subprocess.Popen([options.binary, "replay", "online-retail", options.file, "--server", url],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def acknowledged(producer):
    try:
        with urllib.request.urlopen(f"{url}/v1/producers/{producer}", timeout=5) as answer:
            return json.load(answer)["sequence"] + 1
    except OSError:
        return None


def select(text):
    done = subprocess.run([options.binary, "sql", "--server", url, "--json", "-e", text], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{text}: {done.stderr}")
    return [json.loads(line, parse_float=Decimal) for line in done.stdout.splitlines()]


def fingerprint():
    """What the replay calls itself; asked of the program's own log, so that the test can watch it."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=5) as answer:
        return float([l for l in answer.read().decode().splitlines() if l.startswith("tw_ingest_events_total{outcome=\"accepted\"")][0].split()[-1])


failures = []


def check(what, found, wanted):
    if found != wanted:
        failures.append(f"{what}: {found} instead of {wanted}")


server, _ = start_server()
replay = start_replay()
kills, rounds = 0, 0
try:
    while kills < options.kills and rounds < options.kills * 3:
        rounds += 1
        time.sleep(chance.uniform(0.05, 0.45))
        if replay.poll() is not None:
            break  # the replay is over: no more moments strictly inside it
        events = fingerprint()
        who = chance.choice(["server", "replay", "both"])
        if who in ("replay", "both"):
            replay.send_signal(signal.SIGKILL)
            replay.wait()
        if who in ("server", "both"):
            server.send_signal(signal.SIGKILL)
            server.wait()
            server, seconds = start_server()
            restarted = f", up again after {seconds:.2f} s"
        else:
            restarted = ""
        if who in ("replay", "both"):
            replay = start_replay()
        kills += 1
        sales = select("SELECT SALE_LINES FROM RETAIL_TOTALS;")
        print(f"kill {kills} of {who}: {events:.0f} events acknowledged since the last start{restarted}; "
              f"{sales[0]['SALE_LINES'] if sales else 0} sale lines counted")
    output, _ = replay.communicate(timeout=300)
    if replay.returncode != 0:
        sys.exit(f"the replay failed with {replay.returncode}")
    print("replay:", output.strip())
    if kills < options.kills:
        sys.exit(f"only {kills} of {options.kills} kills fell inside the replay")

    totals, tables = recount(options.file)
    row = select("SELECT * FROM RETAIL_TOTALS;")[0]
    for name in ("SALES", "NET", "RETURNED", "SALE_LINES", "SALE_INVOICES", "SALE_CUSTOMERS", "SALE_SKUS"):
        check(f"RETAIL_TOTALS.{name}", Decimal(row[name]), totals[name])
    for table, columns in (("MONTH", ("SALES", "NET")), ("COUNTRY", ("SALES", "NET")),
                           ("SKU", ("UNITS_SOLD", "UNITS_NET", "SALES")), ("DAY", ("SALES",))):
        rows = {row[table]: row for row in select(f"SELECT * FROM RETAIL_BY_{table};")}
        check(f"keys of RETAIL_BY_{table}", set(rows), set(tables[table]))
        for key, entry in tables[table].items():
            for column in columns:
                check(f"RETAIL_BY_{table}[{key}].{column}", Decimal(rows.get(key, {}).get(column, -1)), entry[column])
    rows = {}
    for row in select("SELECT COUNTRY, WINDOWSTART, SALES, LINES FROM RETAIL_BY_HOUR;"):
        rows[(row["COUNTRY"], time.strftime("%Y-%m-%dT%H", time.gmtime(row["WINDOWSTART"] / 1000)))] = row
    check("keys of RETAIL_BY_HOUR", set(rows), set(tables["HOUR"]))
    for key, entry in tables["HOUR"].items():
        check(f"RETAIL_BY_HOUR[{key}].SALES", Decimal(rows.get(key, {}).get("SALES", -1)), entry["SALES"])
        check(f"RETAIL_BY_HOUR[{key}].LINES", Decimal(rows.get(key, {}).get("LINES", -1)), entry["LINES"])

    if options.golden and os.path.exists(options.golden):
        golden = json.load(open(options.golden), parse_float=Decimal)
        row = select("SELECT * FROM RETAIL_TOTALS;")[0]
        for name in ("sales", "net", "returned", "sale_lines", "sale_invoices", "sale_customers", "sale_skus"):
            check(f"golden {name}", Decimal(row[name.upper()]), Decimal(golden[name]))
        one = select("SELECT WINDOWSTART, SALES, LINES FROM RETAIL_BY_HOUR WHERE COUNTRY = 'EIRE';")
        found = {time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(r["WINDOWSTART"] / 1000)): (Decimal(r["SALES"]), r["LINES"]) for r in one}
        check("golden hours of EIRE", found, {k: (Decimal(v[0]), v[1]) for k, v in golden["sales_by_hour_EIRE"].items()})

    # Killed once more with all the state: the first right answer.
    server.send_signal(signal.SIGKILL)
    server.wait()
    began = time.monotonic()
    server, _ = start_server()
    row = select("SELECT SALES FROM RETAIL_TOTALS;")[0]
    first = time.monotonic() - began
    check("sales after a restart", Decimal(row["SALES"]), totals["SALES"])
    print(f"after SIGKILL with all the state: first right answer after {first:.2f} s")
    server.send_signal(signal.SIGTERM)
    check("exit code after SIGTERM", server.wait(timeout=20), 0)
finally:
    for process in (server, replay):
        if process.poll() is None:
            process.kill()
    shutil.rmtree(folder, ignore_errors=True)

for failure in failures[:20]:
    print("WRONG", failure)
print(f"{kills} kills, {len(failures)} wrong figures")
sys.exit(1 if failures else 0)
