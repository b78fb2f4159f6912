#!/usr/bin/env python3
"""A query on Kafka, its program (and with three brokers a broker) killed again and again; topics read back by another client.

  kafka.py --binary build/release/tradewind [--events N] [--kills N] [--seed N] [--crash-brokers]

TW_KAFKA names the brokers, TW_KAFKA_FOLDER is what kafka.sh keeps of them (with_broker.sh sets both). Numbered requests are sent again until they are
acknowledged. Then Confluent's Python client reads the input and the result with read_committed: every event must be there once, and the last
value of each key must be what its events add up to.
"""
import argparse, collections, io, json, os, random, signal, socket, subprocess, sys, time, urllib.error, urllib.request, uuid

try:
    import confluent_kafka, fastavro
except ImportError:
    print("skipped: confluent-kafka or fastavro is not installed (./test installs them)")
    sys.exit(77)

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--binary", required=True)
parser.add_argument("--events", type=int, default=20_000)
parser.add_argument("--kills", type=int, default=5)
parser.add_argument("--seed", type=int, default=int(time.time()))
parser.add_argument("--crash-brokers", action="store_true")
options = parser.parse_args()

servers, cluster = os.environ["TW_KAFKA"], os.environ.get("TW_KAFKA_FOLDER")
kafka_sh = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "kafka", "kafka.sh")
chance = random.Random(options.seed)
print(f"seed {options.seed} (repeat with --seed {options.seed})")
with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
url = f"http://127.0.0.1:{port}"
SCHEMA = {"type": "record", "name": "Sale", "fields": [{"name": "shop", "type": "string"}, {"name": "event_id", "type": "string"},
                                                       {"name": "amount", "type": "long"}]}
QUERIES = """
CREATE STREAM sales (k STRING KEY) WITH (kafka_topic='sales', partitions=3, value_format='AVRO');
CREATE TABLE per_shop WITH (kafka_topic='per_shop', value_format='JSON') AS
  SELECT shop, COUNT(*) AS sales, SUM(amount) AS amount FROM sales GROUP BY shop EMIT CHANGES;
"""


def start():
    server = subprocess.Popen([options.binary, "serve", "--log", f"kafka:{servers}", "--listen", f"127.0.0.1:{port}", "--workers", "2"],
                              stdout=subprocess.PIPE, stderr=sys.stderr, text=True)
    if not server.stdout.readline().startswith("ready"):
        sys.exit(f"the platform did not start, exit code {server.wait(timeout=10)}")
    return server


def sent(number, events):
    request = urllib.request.Request(f"{url}/v1/events/sales", json.dumps(events).encode(),
                                     {"Content-Type": "application/json", "tw-producer": "till", "tw-sequence": str(number)})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            rejected = json.load(answer)["rejected"]
    except urllib.error.HTTPError as refused:
        if refused.code < 500:
            sys.exit(f"refused with {refused.code}: {refused.read().decode()}")
        return False
    except OSError:
        return False
    if rejected:
        sys.exit(f"rejected: {rejected[:3]}")
    return True


def read_committed(topic):
    """(partition, offset, key, value) of all records of a topic that are committed."""
    consumer = confluent_kafka.Consumer({"bootstrap.servers": servers, "group.id": f"recount-{uuid.uuid4()}", "isolation.level": "read_committed",
                                         "enable.partition.eof": True, "auto.offset.reset": "earliest", "enable.auto.commit": False})
    count = len(consumer.list_topics(topic, timeout=20).topics[topic].partitions)
    consumer.assign([confluent_kafka.TopicPartition(topic, p, confluent_kafka.OFFSET_BEGINNING) for p in range(count)])
    records, ended = [], set()
    while len(ended) < count:
        message = consumer.poll(20)
        if message is None:
            sys.exit(f"{topic} cannot be read to its end")
        if message.error():
            if message.error().code() == confluent_kafka.KafkaError._PARTITION_EOF:
                ended.add(message.partition())
            continue
        records.append((message.partition(), message.offset(), message.key(), message.value()))
    consumer.close()
    return records


schemas = {}


def decoded(value):
    number = int.from_bytes(value[1:5], "big")
    if number not in schemas:
        with urllib.request.urlopen(f"{url}/schemas/ids/{number}", timeout=20) as answer:
            schemas[number] = fastavro.parse_schema(json.loads(json.load(answer)["schema"]))
    return fastavro.schemaless_reader(io.BytesIO(value[5:]), schemas[number])


def wrong(events):
    failures = []
    ids = collections.Counter(decoded(value)["event_id"] for _, _, _, value in read_committed("sales"))
    failures += [f"event {i} lies {n} times in its topic" for i, n in ids.items() if n != 1]
    failures += [f"event {e['event_id']} is lost" for e in events if e["event_id"] not in ids]
    wanted = {}
    for event in events:
        sales, amount = wanted.get(event["shop"], (0, 0))
        wanted[event["shop"]] = (sales + 1, amount + event["amount"])
    last, before = {}, collections.Counter()
    for _, _, key, value in sorted(read_committed("per_shop")):
        row = json.loads(value)
        if row["SALES"] <= before[key]:
            failures.append(f"{key} counted {row['SALES']} after {before[key]}")
        before[key] = row["SALES"]
        last[key.decode()] = (row["SALES"], row["AMOUNT"])
    failures += [f"{shop}: {last.get(shop)} instead of {figures}" for shop, figures in wanted.items() if last.get(shop) != figures]
    return failures


server = start()
began = time.monotonic()
try:
    urllib.request.urlopen(urllib.request.Request(f"{url}/subjects/sales-value/versions", json.dumps({"schema": json.dumps(SCHEMA)}).encode(),
                                                  {"Content-Type": "application/vnd.schemaregistry.v1+json"})).close()
    subprocess.run([options.binary, "sql", "--server", url, "-e", QUERIES], check=True, stdout=subprocess.DEVNULL)
    events = [{"shop": f"shop{chance.randrange(40)}", "event_id": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
               "amount": chance.randrange(1, 1000)} for _ in range(options.events)]
    batches = [events[at:at + 50] for at in range(0, len(events), 50)]
    kills = set(chance.sample(range(len(batches) // 10, len(batches)), options.kills))
    for number, batch in enumerate(batches):
        if number in kills:
            broker = options.crash_brokers and chance.random() < 0.5
            if broker:
                node = str(chance.randrange(1, 4))
                subprocess.run([kafka_sh, "crash", cluster, node], check=True)
            else:
                server.send_signal(signal.SIGKILL)
        until = time.monotonic() + 120
        while not sent(number, batch):
            if time.monotonic() > until:
                sys.exit("a request was not taken for two minutes")
            if server.poll() is not None:
                server = start()
            time.sleep(0.1)
        if number in kills and broker:
            subprocess.run([kafka_sh, "start", cluster, node], check=True)
    deadline = time.monotonic() + 60
    failures = ["nothing was compared"]
    while failures and time.monotonic() < deadline:
        failures = wrong(events)
    server.send_signal(signal.SIGTERM)
    if server.wait(timeout=30) != 0:
        failures.append("the program did not end well after SIGTERM")
finally:
    if server.poll() is None:
        server.kill()
for failure in failures[:20]:
    print("WRONG", failure)
print(f"{len(events)} events, {options.kills} kills, {len(failures)} wrong figures, {time.monotonic() - began:.1f} s")
sys.exit(1 if failures else 0)
