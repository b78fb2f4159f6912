#!/usr/bin/env python3
"""The demo shop's figures are those of its seed: serve --demo, killed again and again, beside a recount of what the seed makes.

  demo_shop.py --binary build/release/tradewind [--rate N] [--kills N] [--seed N] [--keep]

The shop is opened some hours ago and sells at --rate; the program is killed while it starts, sends and counts. Then the
simulator prints the events of the same seed and opening: each must lie in its topic exactly once, those it sends twice exactly
twice, in its partition and order; and every figure of the shop's queries must be what a plain recount of these printed
events makes it, and so must looks at the streams themselves and the stock that movements leave. Only in which order the attempts of one card came together is taken from the platform, since any is right.
--seed is that of the kills.
"""
import argparse, collections, datetime, json, os, random, shutil, signal, subprocess, sys, tempfile, time
from decimal import Decimal

import recount

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--binary", required=True)
parser.add_argument("--rate", type=int, default=6, help="events a second")
parser.add_argument("--kills", type=int, default=6)
parser.add_argument("--seed", type=int, default=int(time.time()))
parser.add_argument("--keep", action="store_true", help="leave the data folder, to look at it")
options = parser.parse_args()
chance = random.Random(options.seed)
print(f"kills of seed {options.seed}")
folder = tempfile.mkdtemp(prefix="tradewind-demo-shop-")
PARTITIONS = 4
STREAMS = {"customer-events": "CUSTOMER_EVENTS", "orders": "ORDERS", "inventory": "INVENTORY", "user-profiles": "PROFILES_SENT",
           "simulated-truth": "TRUTH_SENT"}
# What the overview shows. How many bursts of one card there are depends on the hour; the others cannot be empty.
SHOWN = ["REVENUE_FLOW", "REVENUE_NET", "CHECKOUT_FUNNEL", "POPULAR_ITEMS", "PRODUCT_VIEWS", "STOCK", "STOCK_COVER", "STOCK_ALERTS",
         "CARD_ALERTS", "SUSPICIOUS_ORDERS"]
MAY_BE_EMPTY = ["CARD_ALERTS", "SUSPICIOUS_ORDERS"]


class Platform:
    def __init__(self, *more):
        self.process = subprocess.Popen([options.binary, "serve", "--data", folder, "--listen", "127.0.0.1:0", "--workers", "2",
                                         "--stream.idle_partition", "1h", *more],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def ready(self):
        line = self.process.stdout.readline()
        if not line.startswith("ready "):
            sys.exit(f"FAILED: the platform is not ready: {line!r}")
        self.url = line.split()[1]
        return self

    def end(self, how):
        self.process.send_signal(how)
        return self.process.wait()

    def select(self, text):
        done = subprocess.run([options.binary, "sql", "--server", self.url, "--json", "-e", "SET 'auto.offset.reset' = 'earliest';",
                               "-e", text], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"FAILED: {text}: {done.stderr}")
        rows = [json.loads(line, parse_float=Decimal) for line in done.stdout.splitlines()]
        return [row for row in rows if isinstance(row, dict)]


def disturb():
    """The demo, killed; at least once before it is ready, and once while it works on what was sent."""
    for kill in range(options.kills):
        platform = Platform("--demo", str(options.rate))
        if kill > 1 and chance.random() < 0.3:
            time.sleep(chance.uniform(0.02, 0.3))
        else:
            platform.ready()
            time.sleep(chance.uniform(0.05, 0.4) if kill < 2 else chance.uniform(0.1, 2.5))
        platform.end(signal.SIGKILL)
    platform = Platform("--demo", str(options.rate)).ready()
    time.sleep(1)
    if platform.end(signal.SIGTERM) != 0:
        sys.exit("FAILED: the platform did not end well after SIGTERM")


# ---- what the seed makes ---------------------------------------------------------------------------------------------

def partition_of(key):
    """Where Kafka's clients put a key."""
    data = key.encode()
    mask = 0xFFFFFFFF
    mixed = (0x9747B28C ^ len(data)) & mask
    for at in range(0, len(data) // 4 * 4, 4):
        word = int.from_bytes(data[at:at + 4], "little") * 0x5BD1E995 & mask
        word = (word ^ word >> 24) * 0x5BD1E995 & mask
        mixed = mixed * 0x5BD1E995 & mask ^ word
    rest = data[len(data) // 4 * 4:]
    if rest:
        mixed = (mixed ^ int.from_bytes(rest, "little")) * 0x5BD1E995 & mask
    mixed = (mixed ^ mixed >> 13) * 0x5BD1E995 & mask
    return ((mixed ^ mixed >> 15) & 0x7FFFFFFF) % PARTITIONS


def of_the_seed(opening, events):
    """topic -> partition -> (key, event), in order."""
    began = datetime.datetime.fromtimestamp(opening / 1000, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.") + f"{opening % 1000:03}Z"
    printer = subprocess.Popen([options.binary, "simulate", "--print", "all", "--seed", "1", "--from", began, "--volume", str(options.rate),
                                "--events", str(events), "--rate", "max"], stdout=subprocess.PIPE, text=True)
    topics = {topic: collections.defaultdict(list) for topic in STREAMS}
    for line in printer.stdout:
        record = json.loads(line, parse_float=Decimal)
        topics[record["topic"]][partition_of(record["key"])].append((record["key"], record["event"]))
    if printer.wait() != 0:
        sys.exit("FAILED: simulate --print")
    print(f"the shop opened at {began}: simulate --seed 1 --from {began} --volume {options.rate} --events {events}")
    return topics


def row_of(key_name, key, event, columns):
    row = {"T": event["event_time"], key_name: key}
    for name in columns:
        row[name] = event.get(name.lower())
    for item in [] if row.get("ITEMS") is None else [row]:
        item["ITEMS"] = [collections.defaultdict(lambda: None, {name.upper(): value for name, value in one.items()}) for one in row["ITEMS"]]
    return row


def rows_of(topics, topic, key_name, columns, more):
    parts = []
    for part, records in sorted(topics[topic].items()):
        parts.append([dict(row_of(key_name, key, event, columns), PART=part, OFF=at, **more(event)) for at, (key, event) in enumerate(records)])
    return parts


def signals_of(event):
    of = lambda part, name: (event.get(part) or {}).get(name)
    return {"AVS": of("payment", "avs_result"), "CVV": of("payment", "cvv_result"), "ISSUER": of("payment", "issuer_country"),
            "BILLED": of("billing", "country"), "SENT": of("shipping", "country"), "NET": of("net", "country"),
            "HIDDEN": of("net", "anonymizer"), "SPEED": event.get("shipping_speed"), "FIRST_ONE": event.get("is_first_order"),
            "GIFT": event.get("is_gift"), "SIGNED_UP": event.get("account_created_at"),
            "PASSWORD_AT": event.get("last_password_change_at"), "ADDRESS_AT": event.get("last_address_change_at")}


def recounted(topics, attempts):
    visits = rows_of(topics, "customer-events", "VISITOR_KEY", ["EVENT_ID", "EVENT_TYPE", "VISITOR_ID", "ITEMS", "BOT_SCORE"],
                     lambda event: {"DEVICE": event.get("device", {}).get("type")})
    orders = rows_of(topics, "orders", "CUSTOMER_KEY", ["EVENT_ID", "EVENT_TYPE", "ORDER_ID", "CUSTOMER_ID", "CURRENCY", "TOTAL", "ITEMS"],
                     lambda event: {"CARD": event.get("payment", {}).get("card_fingerprint"), "BAND": event.get("risk", {}).get("band"),
                                    "REASONS": event.get("risk", {}).get("reasons", []), **signals_of(event)})
    stock = rows_of(topics, "inventory", "PRODUCT_KEY", ["EVENT_ID", "EVENT_TYPE", "PRODUCT_ID", "LOCATION_ID", "AVAILABLE", "REORDER_POINT",
                                                         "DELTA", "ON_HAND"], lambda event: {})
    return recount.recount(visits, orders, stock, attempts)


def misplaced(topics, lying):
    """What of the seed does not lie in its topic as it was sent, and the other way round. Of profiles older ones may be gone."""
    wrong = []
    for topic, parts in topics.items():
        for part in range(PARTITIONS):
            sent = [event["event_id"] for _, event in parts[part]]
            there = lying[topic].get(part, [])
            if topic == "user-profiles":
                kept = set(there)
                newest = {key: event["event_id"] for key, event in parts[part]}
                if not set(newest.values()) <= kept:
                    wrong.append(f"{topic}, partition {part}: newest profiles are missing")
                sent = [one for one in sent if one in kept]
            if sent != there:
                at = next((i for i, (a, b) in enumerate(zip(sent, there)) if a != b), min(len(sent), len(there)))
                wrong.append(f"{topic}, partition {part}: {len(there)} events for {len(sent)}, other ones from the {at}th")
    return wrong


# Looks at streams, each with what a row of its table counts among the seed's events.
LOOKS = [
    ("SELECT event_type, COUNT(*) AS n FROM {stream} GROUP BY event_type;", ("customer-events", "orders", "inventory", "simulated-truth"),
     lambda event: True, lambda event: (event["event_type"],), None),
    ("SELECT location_id, event_type, COUNT(*) AS n, SUM(delta) AS units FROM {stream} WHERE event_type IN ('DAMAGE', 'ADJUSTMENT', "
     "'TRANSFER_OUT', 'TRANSFER_IN') GROUP BY location_id, event_type;", ("inventory",),
     lambda event: event["event_type"] in ("DAMAGE", "ADJUSTMENT", "TRANSFER_OUT", "TRANSFER_IN"),
     lambda event: (event["location_id"], event["event_type"]), lambda event: event["delta"]),
    ("SELECT experiment, slot, event_type, COUNT(*) AS n, SUM(ARRAY_LENGTH(items)) AS units FROM {stream} WHERE recommendation_id IS NOT NULL "
     "GROUP BY experiment, slot, event_type;", ("customer-events",), lambda event: event.get("recommendation_id") is not None,
     lambda event: (event["experiment"], event["slot"], event["event_type"]), lambda event: len(event["items"])),
    ("SELECT attributes['rating'] AS rating, COUNT(*) AS n FROM {stream} WHERE event_type = 'PRODUCT_REVIEWED' GROUP BY attributes['rating'];",
     ("customer-events",), lambda event: event["event_type"] == "PRODUCT_REVIEWED", lambda event: (event["attributes"]["rating"],), None),
    ("SELECT COUNT(*) AS n FROM {stream} WHERE event_type = 'UNKNOWN';", ("customer-events", "orders", "inventory"),
     lambda event: event["event_type"] == "UNKNOWN", lambda event: (), None),
]


def wrong_looks(platform, topics):
    wrong = []
    for statement, of, passes, key, units in LOOKS:
        for topic in of:
            groups = collections.defaultdict(lambda: [0, 0])
            if "GROUP BY" not in statement:
                groups[()] = [0, 0]
            for event in (event for records in topics[topic].values() for _, event in records if passes(event)):
                groups[key(event)][0] += 1
                groups[key(event)][1] += units(event) if units else 0
            said = statement.format(stream=STREAMS[topic])
            found = {tuple(value for name, value in row.items() if name not in ("N", "UNITS")): [row["N"], row.get("UNITS", 0)]
                     for row in platform.select(said)}
            if found != dict(groups):
                wrong.append(f"{said} gives {found}, the seed's events {dict(groups)}")
            if not groups and "rating" not in statement:  # goods take longer than the shop may have been open
                wrong.append(f"{said} shows nothing")
    return wrong


def wrong_stock(topics):
    """Where levels do not follow from the movements, or goods get lost or more on their way between two places."""
    wrong, level, on_their_way, known = [], {}, {}, set()
    for event in sorted((event for records in topics["inventory"].values() for _, event in records), key=lambda event: event["version"]):
        place = (event["product_id"], event["location_id"])
        if event["event_id"] in known:
            continue
        known.add(event["event_id"])
        what, delta = event["event_type"], event["delta"]
        if what != "SNAPSHOT" and event["on_hand"] != level[place] + delta:
            wrong.append(f"{place}: {what} of {delta} leads from {level[place]} to {event['on_hand']}")
        if (what == "DAMAGE" and delta >= 0) or (what == "ADJUSTMENT" and delta == 0) or event["available"] < 0:
            wrong.append(f"{place}: {what} of {delta}, {event['available']} available")
        level[place] = event["on_hand"]
        if what.startswith("TRANSFER_"):
            on_their_way.setdefault((event["attributes"]["transfer_id"], place[0]), {})[what] = (event["location_id"], delta, event["event_time"])
    for (transfer, _), ends in on_their_way.items():
        sent, come = ends.get("TRANSFER_OUT"), ends.get("TRANSFER_IN")
        if sent is None or (come is not None and (sent[0] == come[0] or sent[1] != -come[1] or sent[2] >= come[2])):
            wrong.append(f"transfer {transfer}: sent {sent}, came {come}")
    if not any("TRANSFER_IN" in ends for ends in on_their_way.values()):
        wrong.append("nothing was carried from one place to another: the test shows nothing of it")
    return wrong


def in_topics(platform):
    lying = {}
    for topic, stream in STREAMS.items():
        platform.select(f"CREATE STREAM IF NOT EXISTS {stream} (record_key VARCHAR KEY) WITH (KAFKA_TOPIC = '{topic}', "
                        "KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'AVRO');")
        parts = recount.in_order(platform.select, stream, "EVENT_ID")
        lying[topic] = {rows[0]["PART"]: [row["EVENT_ID"] for row in rows] for rows in parts}
    return lying


began = time.monotonic()
platform = None
try:
    disturb()
    platform = Platform().ready()
    opening = min(row["T"] for row in platform.select("SELECT ROWTIME AS T FROM INVENTORY WHERE EVENT_TYPE = 'SNAPSHOT' LIMIT 1;"))
    lying = in_topics(platform)
    total = sum(len(ids) for parts in lying.values() for ids in parts.values())
    topics = of_the_seed(opening, total)
    failures = misplaced(topics, lying) + wrong_looks(platform, topics) + wrong_stock(topics)
    twice = sum(len(ids) - len(set(ids)) for parts in lying.values() for ids in parts.values())
    if twice == 0:
        failures.append("no event came twice: the test shows less than it should")
    wrong = ["nothing was compared"]
    deadline = time.monotonic() + 40
    while wrong and time.monotonic() < deadline:  # queries go on with what was sent before the last end
        wanted = recounted(topics, recount.in_order(platform.select, "PAYMENT_ATTEMPTS", recount.ATTEMPTS))
        wrong = recount.wrong_figures(platform.select, wanted, drops=False)
    failures += wrong + [f"{name} is empty: the test shows nothing of it" for name in SHOWN
                         if not wanted[name][1] and name not in MAY_BE_EMPTY]
finally:
    if platform is not None and platform.process.poll() is None:
        platform.end(signal.SIGTERM)
    if not options.keep:
        shutil.rmtree(folder, ignore_errors=True)

for failure in failures[:20]:
    print("WRONG", failure)
rows = {name: len(wanted[name][1]) for name in SHOWN}
print(f"{total} events of the seed, {twice} of them doubles, {options.kills} kills; {', '.join(f'{name} {n}' for name, n in rows.items())}; "
      f"{len(wanted)} tables and streams, {len(failures)} wrong figures, {time.monotonic() - began:.1f} s")
sys.exit(1 if failures else 0)
