#!/usr/bin/env python3
"""The simulated shop through the whole program, producer and platform killed again and again: no event is lost or doubled.

  simulate.py --binary build/release/tradewind [--events N] [--kills N] [--seed N]

The same history is also written straight into a log, without kills; both logs must hold the same events of each type.
Then the demo in the platform's process: killed and started again, each event once, and stock's versions without a gap.
"""
import argparse, json, os, random, shutil, signal, subprocess, sys, tempfile, time, urllib.request

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--binary", required=True)
parser.add_argument("--events", type=int, default=40_000)
parser.add_argument("--kills", type=int, default=6)
parser.add_argument("--seed", type=int, default=int(time.time()))
options = parser.parse_args()
chance = random.Random(options.seed)
print(f"seed {options.seed} (repeat with --seed {options.seed})")
folder = tempfile.mkdtemp(prefix="tradewind-simulate-")
history = ["--from", "2026-03-02T06:00", "--events", str(options.events), "--rate", "max", "--seed", "5", "--json"]
topics = {"customer-events": "visits", "orders": "orders_seen", "inventory": "moves", "user-profiles": "profiles",
          "simulated-truth": "truth_seen"}


class Platform:
    def __init__(self, data, *more):
        self.process = subprocess.Popen([options.binary, "serve", "--data", data, "--listen", "127.0.0.1:0", *more],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("ready "):
            sys.exit(f"FAILED: the platform is not ready: {line!r}")
        self.url = line.split()[1]

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait()

    def sql(self, text):
        done = subprocess.run([options.binary, "sql", "--server", self.url, "--json", "-e", text], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"FAILED: {text}: {done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    def counts(self):
        """How many events of each type each topic holds, and how many different ones."""
        for topic, name in topics.items():
            self.sql(f"CREATE STREAM IF NOT EXISTS {name} (record_key VARCHAR KEY) WITH (KAFKA_TOPIC = '{topic}', "
                     "KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'AVRO');")
            self.sql(f"SET 'auto.offset.reset' = 'earliest'; CREATE TABLE IF NOT EXISTS {name}_counted AS SELECT event_type, "
                     f"COUNT(*) AS n, COUNT_DISTINCT(event_id) AS ids FROM {name} GROUP BY event_type EMIT CHANGES;")
        found, settled = None, 0
        while settled < 3:  # until it stands still
            before, found = found, {name: sorted((row["EVENT_TYPE"], row["N"], row["IDS"])
                                                 for row in self.sql(f"SELECT * FROM {name}_counted;")) for name in topics.values()}
            settled = settled + 1 if found == before else 0
            time.sleep(0.3)
        return found


def history_over_http():
    data = os.path.join(folder, "http")
    platform = Platform(data)
    address = platform.url.removeprefix("http://")
    for kill in range(options.kills):
        producer = subprocess.Popen([options.binary, "simulate", "--server", platform.url, *history],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.05, 0.5))
        if chance.random() < 0.5:
            platform.end(signal.SIGKILL)
            platform = Platform(data, "--listen", address)
        producer.kill()
        producer.wait()
    done = subprocess.run([options.binary, "simulate", "--server", platform.url, *history], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"FAILED: simulate: {done.stderr}")
    found = platform.counts()
    platform.end()
    return found


def history_straight():
    data = os.path.join(folder, "straight")
    subprocess.run([options.binary, "simulate", "--data", data, *history], check=True, stdout=subprocess.DEVNULL)
    platform = Platform(data)
    found = platform.counts()
    platform.end()
    return found


def demo():
    data = os.path.join(folder, "demo")
    for kill in range(options.kills):
        platform = Platform(data, "--demo", "3000")
        time.sleep(chance.uniform(0.3, 2.0))
        platform.end(chance.choice([signal.SIGKILL, signal.SIGTERM]))
    platform = Platform(data)
    platform.sql("CREATE STREAM IF NOT EXISTS levels (record_key VARCHAR KEY) WITH (KAFKA_TOPIC = 'inventory', "
                 "KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'AVRO');")
    platform.sql("SET 'auto.offset.reset' = 'earliest'; CREATE TABLE levels_seen WITH (KEY_FORMAT = 'JSON') AS SELECT product_id, "
                 "location_id, MAX(version) AS newest, COUNT_DISTINCT(event_id) AS ids FROM levels GROUP BY product_id, location_id "
                 "EMIT CHANGES;")
    rows, settled = None, 0
    while settled < 3:
        before, rows = rows, platform.sql("SELECT * FROM levels_seen;")
        settled = settled + 1 if rows == before else 0
        time.sleep(0.3)
    platform.end()
    return rows


try:
    straight, killed = history_straight(), history_over_http()
    total = sum(n for rows in straight.values() for _, n, _ in rows)
    if total < options.events or any(not rows for rows in straight.values()):
        sys.exit(f"FAILED: only {total} events in {straight}")
    if straight != killed:
        sys.exit(f"FAILED: killed {options.kills} times\n{killed}\nundisturbed\n{straight}")
    rows = demo()
    gaps = [row for row in rows if row["NEWEST"] != row["IDS"]]
    if len(rows) != 1800 or gaps:
        sys.exit(f"FAILED: the demo's stock: {len(rows)} places, gaps or doubles {gaps[:5]}")
    print(f"ok: {total} events once after {options.kills} kills; {sum(row['IDS'] for row in rows)} movements of the demo without a gap")
finally:
    shutil.rmtree(folder, ignore_errors=True)
