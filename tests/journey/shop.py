#!/usr/bin/env python3
"""The shop's jobs (queries/shop) over random events, the program killed again and again; every result recounted.

  shop.py --binary build/release/tradewind --queries queries/shop [--events N] [--kills N] [--seed N] [--workers N] [--log kafka]

Events come late, doubled and out of order, to several workers. What durably lies in the topics is read back, partition by
partition in the order it lies there, and each table and stream is counted anew from it: plainly, with none of the program's
windows, sketches or states. A row is late when its partition had gone on too far before it.
"""
import argparse, json, os, random, shutil, signal, socket, subprocess, sys, tempfile, threading, time
import urllib.error, urllib.request, uuid
from decimal import Decimal

import recount
from recount import MINUTE, SECOND

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--binary", required=True)
parser.add_argument("--queries", required=True)
parser.add_argument("--events", type=int, default=6000)
parser.add_argument("--kills", type=int, default=3)
parser.add_argument("--seed", type=int, default=int(time.time()))
parser.add_argument("--workers", default="2")
parser.add_argument("--log", default="embedded", help="where the log lies, as serve wants it; kafka: the brokers that TW_KAFKA names")
options = parser.parse_args()
if options.log == "kafka":
    options.log += ":" + os.environ["TW_KAFKA"]

chance = random.Random(options.seed)
print(f"seed {options.seed} (repeat with --seed {options.seed})")
folder = tempfile.mkdtemp(prefix="tradewind-shop-")
with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
url = f"http://127.0.0.1:{port}"

REMEMBERED = 1000  # event ids that the program is told to remember: what is doubled later is in the topic twice


# ---- random events -------------------------------------------------------------------------------------------------

VISITORS = [f"v{i}" for i in range(60)]
CUSTOMERS = [f"c{i}" for i in range(25)]
PRODUCTS = {f"p{i}": chance.choice(["shoes", "hats", "books", None]) for i in range(18)}
CARDS = [f"card{i}" for i in range(7)] + [None]
PLACES = ["north", "south"]
ON_HAND = {}  # by product and place


def random_events():
    """(topic, event) in the order they are sent."""
    now = 1_700_000_000_000
    orders = []
    sent = []
    for _ in range(options.events):
        now += chance.choice([0, 50, 300, 900, 3000])
        if chance.random() < 0.002:
            now += chance.randrange(5, 45) * MINUTE
        late = chance.choice([0] * 6 + [2 * SECOND, 40 * SECOND, 5 * MINUTE, 14 * MINUTE])
        event = {"event_id": str(uuid.UUID(int=chance.getrandbits(128), version=4)), "event_time": now - late}
        topic = chance.choices(["customer-events", "orders", "inventory"], [5, 4, 2])[0]
        if topic == "customer-events":
            visitor_event(event)
        elif topic == "orders":
            order_event(event, orders)
        else:
            stock_event(event)
        sent.append((topic, event))
        if len(sent) > REMEMBERED + 200 and chance.random() < 0.03:  # long ago, and forgotten
            sent.append(sent[chance.randrange(max(0, len(sent) - REMEMBERED - 500), len(sent) - REMEMBERED - 100)])
        if chance.random() < 0.01:  # just now: taken once
            sent.append(sent[-1])
    return sent


def item_of(product):
    item = {"product_id": product, "category": PRODUCTS[product], "quantity": chance.randint(1, 4)}
    if chance.random() < 0.95:
        item["line_total"] = f"{chance.randint(100, 90000) / 100:.4f}"
    return item


def visitor_event(event):
    event["event_type"] = chance.choices(["PAGE_VIEWED", "PRODUCT_VIEWED", "PRODUCT_ADDED", "CHECKOUT_STARTED", "ORDER_COMPLETED"],
                                         [2, 6, 4, 3, 3])[0]
    event["visitor_id"] = chance.choice(VISITORS)
    if event["event_type"] not in ("PAGE_VIEWED", "CHECKOUT_STARTED"):
        event["items"] = [item_of(p) for p in chance.sample(sorted(PRODUCTS), 1 if event["event_type"] != "ORDER_COMPLETED" else 2)]
    if chance.random() < 0.8:
        event["device"] = {"type": chance.choice(["DESKTOP", "MOBILE"])}
    if chance.random() < 0.2:
        event["bot_score"] = chance.choice([0.25, 0.75])


def order_event(event, orders):
    kind = chance.choices(["ORDER_PLACED", "ORDER_CANCELLED", "ORDER_REFUNDED", "PAYMENT_ATTEMPTED", "ORDER_SHIPPED"], [6, 1, 1, 6, 1])[0]
    if kind == "ORDER_PLACED" or not orders:
        orders.append({"order_id": f"o{len(orders)}", "customer_id": chance.choice(CUSTOMERS), "currency": chance.choice(["EUR", "EUR", "DKK"]),
                       "items": [item_of(p) for p in chance.sample(sorted(PRODUCTS), chance.randint(0, 3))]})
        event.update(orders[-1], event_type="ORDER_PLACED", total=f"{chance.randint(100, 90000) / 100:.4f}")
        if chance.random() < 0.3:
            event["risk"] = {"band": chance.choice(["ALLOW", "REVIEW", "STEP_UP"]), "reasons": chance.choice([[], ["V01", "D03"]])}
        signals(event)
        return
    event.update(chance.choice(orders[-40:]), event_type=kind)
    if kind == "PAYMENT_ATTEMPTED":
        event["total"] = f"{chance.randint(100, 90000) / 100:.4f}"
        event["payment"] = {"payment_id": event["event_id"], "card_fingerprint": chance.choice(CARDS)}


def signals(event):
    """What a way of judging orders might look at; much of it is missing."""
    some = lambda *values: chance.choice([*values, None])
    told = lambda parts: {name: value for name, value in parts.items() if value is not None}
    ago = lambda *spans: event["event_time"] - chance.choice(spans)
    places = ("DK", "SE", "DE")
    event.update(told({
        "payment": told({"payment_id": event["event_id"], "avs_result": some("MATCH", "NO_MATCH"), "cvv_result": some("MATCH", "NO_MATCH"),
                         "issuer_country": some(*places)}),
        "billing": told({"country": some(*places)}), "shipping": told({"country": some(*places)}),
        "net": told({"country": some(*places), "anonymizer": some("NONE", "VPN", "TOR")}), "shipping_speed": some("STANDARD", "EXPRESS"),
        "is_first_order": some(True, False), "is_gift": some(True, False),
        "account_created_at": some(ago(5_000, 59_999, 60_000, 599_999, 600_000, 10**9)),
        "last_password_change_at": some(ago(10_000, 86_399_999, 86_400_000)), "last_address_change_at": some(ago(10_000, 86_400_000))}))


def stock_event(event):
    event["event_type"] = chance.choices(["SALE", "RECEIPT", "PRICE_CHANGED"], [6, 2, 1])[0]
    event["product_id"] = chance.choice(sorted(PRODUCTS))
    event["location_id"] = chance.choice(PLACES)
    place = (event["product_id"], event["location_id"])
    there = ON_HAND.setdefault(place, chance.randint(0, 10))
    if event["event_type"] == "SALE" and there == 0:
        event["event_type"] = "PRICE_CHANGED"
    if event["event_type"] != "PRICE_CHANGED":
        event["available"] = chance.randint(0, 40)
        event["delta"] = -chance.randint(1, min(there, 5)) if event["event_type"] == "SALE" else chance.randint(5, 12)
        ON_HAND[place] += event["delta"]
    if chance.random() < 0.9:
        event["on_hand"] = ON_HAND[place]
    if chance.random() < 0.5:
        event["reorder_point"] = chance.randint(5, 12)


# ---- the program ---------------------------------------------------------------------------------------------------

def start_server():
    server = subprocess.Popen([options.binary, "serve", "--data", folder, "--log", options.log, "--listen", f"127.0.0.1:{port}", "--queries", options.queries,
                               "--workers", options.workers, "--ingest.most_ids", str(REMEMBERED), "--stream.idle_partition", "1h"],
                              stdout=subprocess.PIPE, stderr=sys.stderr, text=True)
    line = server.stdout.readline()
    if not line.startswith("ready"):
        sys.exit(f"the platform did not start: {line!r}, exit code {server.wait(timeout=10)}")
    return server


def send(number, topic, events):
    """A numbered request: sent again after a crash it is not taken twice."""
    request = urllib.request.Request(f"{url}/v1/events/{topic}", json.dumps(events).encode(),
                                     {"Content-Type": "application/json", "tw-producer": "shop", "tw-sequence": str(number)})
    with urllib.request.urlopen(request, timeout=20) as answer:
        rejected = json.load(answer)["rejected"]
    if rejected:
        sys.exit(f"rejected: {rejected[:3]}")


def select(text):
    done = subprocess.run([options.binary, "sql", "--server", url, "--json", "-e", "SET 'auto.offset.reset' = 'earliest';", "-e", text],
                          capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{text}: {done.stderr}")
    rows = [json.loads(line, parse_float=Decimal) for line in done.stdout.splitlines()]
    return [row for row in rows if isinstance(row, dict)]


def strike(target):
    struck.append(target)
    target.kill()


struck = []
server = start_server()
began = time.monotonic()
failures = ["nothing was compared"]
try:
    sent = random_events()
    batches = []
    for at in range(0, len(sent), 40):  # one topic a request; its order stays
        for topic in ("customer-events", "orders", "inventory"):
            events = [event for name, event in sent[at:at + 40] if name == topic]
            if events:
                batches.append((topic, events))
    strikes = []
    kills = sorted(chance.sample(range(len(batches) // 10, len(batches)), options.kills))
    for number, (topic, events) in enumerate(batches):
        if number in kills:  # it strikes while this request or one of the next is on its way
            strikes.append(threading.Timer(random.Random(options.seed + number).uniform(0, 0.05), strike, [server]))
            strikes[-1].start()
        while True:
            try:
                send(number, topic, events)
                break
            except (OSError, urllib.error.URLError):
                server.wait()
                server = start_server()
    for timer in strikes:
        timer.join()
    if server in struck:
        server.wait()
        server = start_server()
    deadline = time.monotonic() + 60
    while failures and time.monotonic() < deadline:  # streams of streams take a moment
        topics = [recount.in_order(select, *stream) for stream in (("CUSTOMER_EVENTS", recount.VISITS), ("ORDERS", recount.ORDERS),
                                                                   ("INVENTORY", recount.STOCK))]
        wanted = recount.recount(*topics, recount.in_order(select, "PAYMENT_ATTEMPTS", recount.ATTEMPTS))
        failures = recount.wrong_figures(select, wanted, options.events >= 5000)
    ids = [r["EVENT_ID"] for parts in topics for rows in parts for r in rows]
    doubled = len(ids) - len(set(ids))
    if set(ids) != {event["event_id"] for _, event in sent}:
        failures.append("not every event that was sent lies in its topic, or others do")
    if doubled == 0 and options.events > 2 * REMEMBERED:
        failures.append("no event was doubled: the test shows less than it should")
    for name, (_, rows) in wanted.items():
        if not rows and options.events >= 5000:
            failures.append(f"{name} is empty: the test shows nothing of it")
    server.send_signal(signal.SIGTERM)
    if server.wait(timeout=20) != 0:
        failures.append("the program did not end well after SIGTERM")
finally:
    if server.poll() is None:
        server.kill()
    if not os.environ.get("TW_KEEP"):  # to look at what was left
        shutil.rmtree(folder, ignore_errors=True)

for failure in failures[:20]:
    print("WRONG", failure)
figures = sum(len(rows) for _, rows in wanted.values())
print(f"{len(ids)} events, {doubled} of them doubles, {options.kills} kills, {len(wanted)} tables and streams with {figures} rows, "
      f"{len(failures)} wrong figures, {time.monotonic() - began:.1f} s")
sys.exit(1 if failures else 0)
