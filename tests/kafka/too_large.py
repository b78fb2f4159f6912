#!/usr/bin/env python3
"""Results that are larger than Kafka or their topic takes are told and left out; state waits until its topic takes it; nothing ends.

  with_broker.sh too_large.py --binary build/release/tradewind
"""
import argparse, base64, json, os, random, signal, string, sys, time

try:
    import confluent_kafka
    from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic
except ImportError:
    print("skipped: confluent-kafka is not installed (./test installs it)")
    sys.exit(77)

from serving import Platform

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--binary", required=True)
options = parser.parse_args()
servers, folder = os.environ["TW_KAFKA"], os.environ["TW_KAFKA_FOLDER"]
chance = random.Random(7)
SECONDS, SMALL, STATE = 60, 20_000, "tw.tradewind.state"
QUERIES = """
CREATE STREAM sales (k STRING KEY, text STRING) WITH (kafka_topic='sales', partitions=1, value_format='JSON');
CREATE STREAM copied WITH (kafka_topic='small', value_format='JSON') AS SELECT * FROM sales EMIT CHANGES;
CREATE STREAM doubled WITH (kafka_topic='doubled', value_format='JSON') AS SELECT k, text + text AS text FROM sales EMIT CHANGES;
CREATE TABLE counted WITH (kafka_topic='counted', value_format='JSON') AS SELECT k, COUNT(*) AS n FROM sales GROUP BY k EMIT CHANGES;
"""


def require(true, what):
    if not true:
        sys.exit(f"wrong: {what}")


def text(size):
    """No packing makes it smaller by much."""
    return "".join(chance.choices(string.ascii_letters + string.digits, k=size))


def admin(work):
    client = AdminClient({"bootstrap.servers": servers})  # lives until all is answered
    for future in work(client).values():
        future.result(SECONDS)


def limit(topic, most):
    admin(lambda client: client.incremental_alter_configs([ConfigResource(
        "topic", topic, incremental_configs=[ConfigEntry("max.message.bytes", str(most), incremental_operation=AlterConfigOpType.SET)])]))


def sell(rows):
    producer = confluent_kafka.Producer({"bootstrap.servers": servers, "message.max.bytes": 8 << 20})
    for key, value in rows:
        producer.produce("sales", json.dumps({"TEXT": value}), key=key, on_delivery=lambda error, _: error and sys.exit(str(error)))
    if producer.flush(SECONDS):
        sys.exit("the rows could not be written")


def read(topic):
    """Keys and values of all that is committed."""
    consumer = confluent_kafka.Consumer({"bootstrap.servers": servers, "group.id": "too_large", "isolation.level": "read_committed",
                                         "enable.partition.eof": True, "enable.auto.commit": False})
    consumer.assign([confluent_kafka.TopicPartition(topic, 0, 0)])
    found = []
    while True:
        message = consumer.poll(SECONDS)
        if message is None or (message.error() and message.error().code() != confluent_kafka.KafkaError._PARTITION_EOF):
            sys.exit(f"{topic} cannot be read: {message and message.error()}")
        if message.error():
            consumer.close()
            return found
        found.append(((message.key() or b"").decode(), (message.value() or b"").decode()))


def wait_for(what, true):
    until = time.monotonic() + SECONDS
    while not true():
        require(platform.process.poll() is None, f"the process ended while {what} was waited for: {platform.last_words()}")
        require(time.monotonic() < until, f"{what} did not come; the last words: {platform.last_words()}")
        time.sleep(0.2)


def counted(key, number):
    """The table counts so many rows of the key, and no query has more to read."""
    return json.loads(dict(read("counted")).get(key) or "{}") == {"N": number} and platform.lag() == 0


def start(number):
    made = Platform(options.binary, servers, folder, number)
    require(made.ready(), f"the platform does not start: {made.last_words()}")
    return made


def stop():
    platform.process.send_signal(signal.SIGTERM)
    require(platform.process.wait(SECONDS) == 0, f"exit code {platform.process.returncode}: {platform.last_words()}")


admin(lambda client: client.create_topics([NewTopic("small", 1, 1, config={"max.message.bytes": str(SMALL)}),
                                           NewTopic("sales", 1, 1, config={"max.message.bytes": str(8 << 20)})]))
platform = start(1)
platform.sql(QUERIES)
rows = [(f"few {n}", text(50)) for n in range(2_000)]  # together more than `small` takes at once
rows[500], rows[900], rows[1500] = ("wide", text(30_000)), ("huge", text(5 << 20)), ("wide", text(40_000))
sell(rows)
wait_for("the last row", lambda: counted(rows[-1][0], 1))
few = [key for key, _ in rows if key.startswith("few")]
require([key for key, _ in read("small")] == few, "the topic with a limit has not all records below it, in order")
require([key for key, _ in read("doubled")] == [key for key, _ in rows if key != "huge"], "results of less than 8 MB are missing")
require(json.loads(dict(read("counted"))["wide"]) == {"N": 2}, "the table does not count what could not be copied")
notes = [json.loads(value) for _, value in read("tw.processing_log")]
told = sorted((note["message"]["productionError"]["topic"], note["message"]["productionError"]["key"]) for note in notes)
require(told == [("doubled", "huge"), ("small", "huge"), ("small", "wide"), ("small", "wide")], f"the processing log tells of {told}")
for note in notes:
    error = note["message"]["productionError"]
    query = "CSAS_DOUBLED" if error["topic"] == "doubled" else "CSAS_COPIED"
    remedy = "make the result smaller" if error["topic"] == "doubled" else "raise max.message.bytes of the topic"
    require(note["logger"].startswith(f"processing.{query}"), f"the note names {note['logger']}")
    require(remedy in error["errorMessage"] and error["bytes"] > SMALL, f"the note says {error['errorMessage']}")
    require(base64.b64decode(error["keyB64"]).decode() == error["key"], "the key in base64 is another")
require(platform.metric("tw_stream_too_large_records_total") == 4, "the metric does not count four")
print(f"left out and told: {told}; {len(few)} records in pieces a topic of {SMALL} bytes takes")

limit(STATE, 500)
name = text(900)
sell([(name, "state that its topic does not take")])
wait_for("a reason why it waits", lambda: f"topic {STATE} takes no record" in json.dumps(platform.get("/readyz")[1]))
require(platform.get("/healthz")[0] == 200, "it counts as dead while it waits for the topic of states")
print("waits: " + json.dumps(platform.get("/readyz")[1])[:400])
limit(STATE, 8 << 20)
wait_for("the row that waited, counted once", lambda: counted(name, 1))
stop()
platform = start(2)
sell([("wide", "once more"), ("wide", text(30_000))])
wait_for("the rows behind a start, counted on", lambda: counted("wide", 4))
require(platform.metric("tw_stream_too_large_records_total") == 1, "what was left out is told again")
stop()
print("state waited for its topic, and the next start went on")
