#!/usr/bin/env python3
"""Topics that others delete, make anew and cut off under running queries: which queries stop, what is said, what is kept.

  kafka_topics.py --binary build/release/tradewind

TW_KAFKA names the brokers (with_broker.sh sets it).
"""
import argparse, atexit, json, os, signal, socket, subprocess, sys, tempfile, time, urllib.request

try:
    import confluent_kafka, confluent_kafka.admin
except ImportError:
    print("skipped: confluent-kafka is not installed (./test installs it)")
    sys.exit(77)

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--binary", required=True)
options = parser.parse_args()
servers = os.environ["TW_KAFKA"]
with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
url, failures = f"http://127.0.0.1:{port}", []
admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": servers})
looking = confluent_kafka.Consumer({"bootstrap.servers": servers, "group.id": "looking"})
log = tempfile.NamedTemporaryFile("w+", suffix=".log")
TOPICS = ("kept", "deleted", "anew", "cut")


def create(topic):
    until = time.monotonic() + 30  # a name is free only some time after its topic was deleted
    while True:
        try:
            admin.create_topics([confluent_kafka.admin.NewTopic(topic, 2, 1)])[topic].result(20)
            return
        except confluent_kafka.KafkaException:
            if time.monotonic() > until:
                raise
            time.sleep(0.3)


def write(topic, count):
    """`count` records, half of them in each partition."""
    producer = confluent_kafka.Producer({"bootstrap.servers": servers})
    for number in range(count):
        producer.produce(topic, key=b"k", value=json.dumps({"n": 1}).encode(), partition=number % 2)
    assert producer.flush(20) == 0


def end_of(topic, partition):
    try:
        return looking.get_watermark_offsets(confluent_kafka.TopicPartition(topic, partition), 20)[1]
    except confluent_kafka.KafkaException as error:
        return str(error)


def start():
    process = subprocess.Popen([options.binary, "serve", "--log", f"kafka:{servers}", "--listen", f"127.0.0.1:{port}"], stdout=subprocess.DEVNULL, stderr=log)
    atexit.register(process.kill)  # where the test ends before its time
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(url + "/readyz", timeout=5).read()
            return process
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the platform was not ready after 60 s")


def stop(process):
    process.send_signal(signal.SIGTERM)
    if process.wait(20) != 0:
        failures.append(f"a stop ended with {process.returncode}")


def sql(text):
    body = json.dumps({"ksql": text, "streamsProperties": {"ksql.streams.auto.offset.reset": "earliest"}}).encode()
    return json.load(urllib.request.urlopen(urllib.request.Request(url + "/ksql", body, {"Content-Type": "application/json"}), timeout=30))


def counted(topic):
    body = json.dumps({"sql": f"SELECT n FROM count_{topic} WHERE k = 'k';"}).encode()
    lines = urllib.request.urlopen(urllib.request.Request(url + "/query-stream", body), timeout=30).read().decode().splitlines()
    return json.loads(lines[1])[0] if len(lines) > 1 else 0


def error_of(topic):
    """Why the query of a topic stopped; "" while it runs."""
    health = json.load(urllib.request.urlopen(url + "/v1/health", timeout=30))
    return next((query.get("error") or "" for query in health["queries"] if f"COUNT_{topic.upper()}" in query["name"]), "there is no such query")


def metric(name):
    lines = urllib.request.urlopen(url + "/metrics", timeout=30).read().decode().splitlines()
    return next((float(line.split()[-1]) for line in lines if line.startswith(name + " ")), -1)


def becomes(what, ask, wanted, seconds=30):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = ask()
        if wanted(found) if callable(wanted) else found == wanted:
            return
        time.sleep(0.2)
    failures.append(f"{what}: still {found!r} after {seconds} s")


for topic in TOPICS:
    create(topic)
platform = start()
for topic in TOPICS:
    sql(f"CREATE STREAM {topic} (k STRING KEY, n BIGINT) WITH (KAFKA_TOPIC='{topic}', VALUE_FORMAT='JSON');"
        f"CREATE TABLE count_{topic} AS SELECT k, COUNT(*) AS n FROM {topic} GROUP BY k EMIT CHANGES;")
    write(topic, 100)
for topic in TOPICS:
    becomes(f"what {topic} holds is counted", lambda: counted(topic), 100)

for topic in ("deleted", "anew"):
    admin.delete_topics([topic])[topic].result(20)
create("anew")
becomes("the new topic is empty", lambda: [end_of("anew", partition) for partition in (0, 1)], [0, 0])
write("anew", 20)
becomes("the query of a topic that was deleted says so", lambda: error_of("deleted"), lambda error: "topic deleted" in error and "is gone" in error)
becomes("the query of a topic that was made anew says so", lambda: error_of("anew"), lambda error: "topic anew" in error)
write("kept", 50)
becomes("the others go on", lambda: counted("kept"), 150)
becomes("the others run", lambda: (error_of("kept"), error_of("cut")), ("", ""))
if platform.poll() is not None:
    failures.append("the process has ended")

stop(platform)
write("cut", 60)
admin.delete_records([confluent_kafka.TopicPartition("cut", partition, 70) for partition in (0, 1)])
time.sleep(1)
platform = start()
becomes("of what was cut off the rest is counted", lambda: counted("cut"), 120)
becomes("what was gone is counted, too", lambda: metric("tw_stream_gone_records_total"), 40)
becomes("a query whose topic is not there is stopped", lambda: error_of("deleted"), lambda error: "deleted" in error)
write("kept", 50)
becomes("the others go on after a start", lambda: counted("kept"), 200)
stop(platform)

create("deleted")
write("deleted", 130)  # the first 100 take the places of those that were read
platform = start()
becomes("a query goes on where it stopped, with its state, when its topic is back", lambda: counted("deleted"), 130)
sql("DROP TABLE count_anew; CREATE TABLE count_anew AS SELECT k, COUNT(*) AS n FROM anew GROUP BY k EMIT CHANGES;")
becomes("a query that is made again counts what is there", lambda: counted("anew"), 20)
stop(platform)

log.seek(0)
text = log.read()
if "records were gone before they were read" not in text:
    failures.append("no line of the log says that records were gone")
for line in failures:
    print("WRONG:", line)
if failures:
    print(text)
print(f"{len(failures)} wrong")
sys.exit(1 if failures else 0)
