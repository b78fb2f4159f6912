#!/usr/bin/env python3
"""What the platform packs, others unpack: a query's results are written by each way of packing, and read by librdkafka and by Java's consumer.

  with_broker.sh packing.py --binary build/release/tradewind

How batches are packed is read in the broker's files. TW_KAFKA_VERSION=3.9.2 tries the other line.
"""
import argparse, glob, json, os, signal, struct, subprocess, sys, time, urllib.request

try:
    import confluent_kafka
except ImportError:
    print("skipped: confluent-kafka is not installed (./test installs it)")
    sys.exit(77)

from serving import free_port

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--binary", required=True)
options = parser.parse_args()
here = os.path.dirname(os.path.abspath(__file__))
servers, folder = os.environ["TW_KAFKA"], os.environ["TW_KAFKA_FOLDER"]
jars = os.path.join(here, "..", "..", "build", "kafka", f"lib-{os.environ.get('TW_KAFKA_VERSION', '4.3.1')}")
PACKINGS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
ROWS = [{"N": number, "TEXT": f"row {number} " + "of many that look alike " * (number % 9)} for number in range(4000)]
SECONDS = 60


def sql(port, text):
    body = json.dumps({"ksql": text, "streamsProperties": {"auto.offset.reset": "earliest"}}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/ksql", body), timeout=SECONDS) as answer:
        return json.load(answer)


def fill():
    producer = confluent_kafka.Producer({"bootstrap.servers": servers})
    for row in ROWS:
        producer.produce("rows", json.dumps(row), key=str(row["N"]), on_delivery=lambda error, _: error and sys.exit(str(error)))
        producer.poll(0)
    if producer.flush(SECONDS):
        sys.exit("the rows could not be written")


def by_librdkafka(topic):
    """The values of the topic, once there are as many as rows."""
    consumer = confluent_kafka.Consumer({"bootstrap.servers": servers, "group.id": "packing", "isolation.level": "read_committed",
                                         "auto.offset.reset": "earliest", "check.crcs": True, "enable.auto.commit": False})
    consumer.assign([confluent_kafka.TopicPartition(topic, partition, 0) for partition in (0, 1)])
    values, until = [], time.monotonic() + SECONDS
    while len(values) < len(ROWS) and time.monotonic() < until:
        for message in consumer.consume(1000, 0.5):
            if message.error():
                sys.exit(f"{topic}: {message.error()}")
            values.append(message.value().decode())
    consumer.close()
    return values


def by_java(topic):
    done = subprocess.run(["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", f"-Dlog4j2.configurationFile={here}/log4j2-quiet.properties",
                           f"-Dlog4j.configuration=file:{here}/log4j-quiet.properties", "-cp", f"{jars}/*",
                           "org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server", servers, "--topic", topic, "--from-beginning",
                           "--isolation-level", "read_committed", "--max-messages", str(len(ROWS)), "--timeout-ms", str(SECONDS * 1000)],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"Java's consumer fails on {topic}: {done.stderr[-600:]}")
    return done.stdout.splitlines()


def packings(topic):
    """How the batches with records are packed, by the broker's files."""
    found = set()
    for name in glob.glob(os.path.join(folder, "node1", "data", f"{topic}-*", "*.log")):
        with open(name, "rb") as file:
            data = file.read()
        at = 0
        while at + 61 <= len(data):
            (size,), (attributes,) = struct.unpack_from(">i", data, at + 8), struct.unpack_from(">h", data, at + 21)
            if size <= 0:
                break
            if not attributes & 0x20:  # no mark
                found.add(attributes & 7)
            at += 12 + size
    return found


expected = sorted(json.dumps(row, sort_keys=True) for row in ROWS)
for name, number in PACKINGS.items():
    port, topic = free_port(), f"rows_{name}"
    process = subprocess.Popen([options.binary, "serve", "--log", f"kafka:{servers}", "--listen", f"127.0.0.1:{port}", "--workers", "1",
                                "--log.kafka.compression", name], stdout=subprocess.PIPE, text=True)
    try:
        if not process.stdout.readline().startswith("ready"):
            sys.exit(f"the platform does not start with {name}")
        if name == "none":
            sql(port, "CREATE STREAM rows (k STRING KEY, n BIGINT, text STRING) WITH (kafka_topic='rows', partitions=2, value_format='JSON');")
            fill()
        sql(port, f"CREATE STREAM {topic} WITH (kafka_topic='{topic}') AS SELECT * FROM rows EMIT CHANGES;")
        read = {"librdkafka": by_librdkafka(topic), "Java": by_java(topic)}
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    for reader, values in read.items():
        if sorted(json.dumps(json.loads(value), sort_keys=True) for value in values) != expected:
            sys.exit(f"{name}: {reader} read {len(values)} values, which are not the {len(ROWS)} that were written")
    if packings(topic) != {number}:
        sys.exit(f"{name}: the batches are packed by {packings(topic)}, not by {number}")
    print(f"{name}: {len(ROWS)} rows, by librdkafka and by Java")
