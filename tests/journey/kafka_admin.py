#!/usr/bin/env python3
"""The verbs init, topics and groups on Kafka, each checked with the cluster's own answer by another client.

  kafka_admin.py --binary build/release/tradewind

TW_KAFKA names the brokers (with_broker.sh sets it).
"""
import argparse, json, os, signal, socket, subprocess, sys, time

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


def verb(*words, code=0):
    """The JSON lines that a verb prints."""
    done = subprocess.run([options.binary, *words, "--json", "--server", url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    if done.returncode != code:
        failures.append(f"{' '.join(words)} ended with {done.returncode}, not {code}: {done.stderr.strip()}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")] or [{}]


def equal(what, found, wanted):
    if found != wanted:
        failures.append(f"{what}: {found!r} instead of {wanted!r}")


def settings(topic, *names):
    """As the brokers have them."""
    resource = confluent_kafka.admin.ConfigResource(confluent_kafka.admin.ResourceType.TOPIC, topic)
    known = admin.describe_configs([resource])[resource].result(20)
    return tuple(known[name].value for name in names)


def places(group, topic):
    """The places of a group in a topic, as the brokers have them."""
    wanted = confluent_kafka.ConsumerGroupTopicPartitions(group)
    found = admin.list_consumer_group_offsets([wanted])[group].result(20).topic_partitions
    return {place.partition: place.offset for place in found if place.topic == topic}


def groups():
    return {group.group_id for group in admin.list_consumer_groups().result(20).valid}


def prepare(*words, code=0):
    """What `init` finds, by the names of topics; what it says on standard error."""
    done = subprocess.run([options.binary, "init", "--log", f"kafka:{servers}", "--json", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
    if done.returncode != code:
        failures.append(f"init {' '.join(words)} ended with {done.returncode}, not {code}: {done.stdout[-500:]} {done.stderr.strip()}")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {one["name"]: one for one in found if one["object"] == "topic"}, done.stderr


def init_journey():
    """A cluster that `init` has prepared has every topic that the platform makes by itself, as it makes it."""
    # The first that is asked of a new cluster: nothing of it is there yet, not even the brokers' own topics.
    looked = subprocess.run([options.binary, "doctor", "--log", f"kafka:{servers}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    equal("what doctor finds wrong with a new cluster", (looked.returncode, [line for line in looked.stdout.splitlines() if line.startswith("✗")]), (0, []))
    _, said = prepare("--min-insync", "5", "--log.kafka.replicas", "1", code=2)
    equal("more than the copies asked for", "log.kafka.replicas" in said, True)
    _, said = prepare("--min-insync", "5", code=2)
    equal("more than there are brokers", "the cluster has 1 broker" in said, True)
    equal("nothing was made", [topic for topic in admin.list_topics(timeout=20).topics if not topic.startswith("__")], [])
    found, _ = prepare()
    equal("tw.producers", (found.get("tw.producers", {}).get("action"), settings("tw.producers", "cleanup.policy", "retention.ms")), ("create", ("compact,delete", "-1")))
    found, _ = prepare()
    equal("what differs after init", {name: one["action"] for name, one in found.items() if one["action"] != "same"}, {})
    return set(admin.list_topics(timeout=20).topics)


def made_by_init_journey(prepared):
    """Called after a start, with the topics of before."""
    equal("topics that init leaves out", {topic for topic in admin.list_topics(timeout=20).topics if not topic.startswith("__")} - prepared, set())
    found, _ = prepare("--dry-run")
    equal("what differs after a start", {name: one["action"] for name, one in found.items() if one["action"] != "same"}, {})


def topics_journey():
    verb("topics", "create", "clicks", "--partitions", "3", "--retention-ms", "86400000")
    equal("partitions", len(admin.list_topics("clicks", timeout=20).topics["clicks"].partitions), 3)
    equal("settings", settings("clicks", "retention.ms", "cleanup.policy"), ("86400000", "delete"))
    verb("topics", "create", "clicks", code=2)  # it is there
    # What is not ours to know stays as others set it.
    more = confluent_kafka.admin.ConfigEntry("segment.bytes", "10485760", incremental_operation=confluent_kafka.admin.AlterConfigOpType.SET)
    resource = confluent_kafka.admin.ConfigResource(confluent_kafka.admin.ResourceType.TOPIC, "clicks", incremental_configs=[more])
    admin.incremental_alter_configs([resource])[resource].result(20)
    verb("topics", "alter", "clicks", "--config", "retention.ms=60000", "--config", "cleanup.policy=compact,delete")
    equal("altered", settings("clicks", "retention.ms", "cleanup.policy", "segment.bytes"), ("60000", "compact,delete", "10485760"))
    told = verb("topics", "describe", "clicks")[0]
    equal("described", (told["config"]["retention.ms"], len(told["partitions"])), ("60000", 3))
    verb("topics", "alter", "nowhere", "--retention-ms", "1000", code=1)
    verb("topics", "delete", "nowhere", code=1)
    equal("listed", "clicks" in [topic.get("name") for topic in verb("topics", "list")], True)


def groups_journey():
    producer = confluent_kafka.Producer({"bootstrap.servers": servers, "enable.idempotence": True})
    for number in range(30):
        producer.produce("clicks", f"v{number}", f"k{number}", partition=number % 3)
    producer.flush(20)
    # A group of another client, and one made here.
    consumer = confluent_kafka.Consumer({"bootstrap.servers": servers, "group.id": "billing", "enable.auto.commit": False})
    until = time.monotonic() + 30
    while True:
        try:
            consumer.commit(offsets=[confluent_kafka.TopicPartition("clicks", p, 4) for p in range(3)], asynchronous=False)
            break
        except confluent_kafka.KafkaException as refused:  # the first group of a cluster waits for its coordinator
            if refused.args[0].code() != confluent_kafka.KafkaError.COORDINATOR_LOAD_IN_PROGRESS or time.monotonic() > until:
                raise
            time.sleep(0.2)
    consumer.close()
    told = {group.get("group"): group for group in verb("groups", "list")}
    equal("lag", told.get("billing", {}).get("lag"), 18)
    told = verb("groups", "describe", "billing")[0]
    equal("places told", [(place["partition"], place["offset"], place["lag"]) for place in told.get("places", [])], [(p, 4, 6) for p in range(3)])
    verb("groups", "reset", "billing", "--topic", "clicks", "--to", "earliest", "--partition", "1")
    equal("one place", places("billing", "clicks"), {0: 4, 1: 0, 2: 4})
    verb("groups", "reset", "billing", "--topic", "clicks", "--to", "latest")
    equal("all places", places("billing", "clicks"), {0: 10, 1: 10, 2: 10})
    verb("groups", "reset", "fresh", "--topic", "clicks", "--to", "7")
    equal("a new group", places("fresh", "clicks"), {0: 7, 1: 7, 2: 7})
    verb("groups", "reset", "fresh", "--topic", "nowhere", "--to", "7", code=1)
    verb("groups", "delete", "fresh")
    equal("deleted", "fresh" in groups(), False)
    verb("groups", "delete", "fresh", code=1)
    verb("groups", "reset", "tradewind", "--topic", "clicks", "--to", "0", code=2)  # the platform's own


def queries_journey():
    """The places of a query are told as its group's, and may not be moved; they are mirrored for tools of Kafka's."""
    statements = """CREATE STREAM clicks (k STRING KEY, v STRING) WITH (kafka_topic='clicks', value_format='KAFKA');
                    CREATE TABLE visits AS SELECT k, COUNT(*) AS n FROM clicks GROUP BY k EMIT CHANGES;"""
    subprocess.run([options.binary, "sql", "--server", url, "-e", "SET 'auto.offset.reset'='earliest';" + statements], check=True, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 30
    while places("tradewind", "clicks") != {0: 10, 1: 10, 2: 10} and time.monotonic() < until:
        time.sleep(0.2)
    equal("mirrored", places("tradewind", "clicks"), {0: 10, 1: 10, 2: 10})
    told = verb("groups", "describe", "tradewind")[0]
    equal("the mirror told", (told.get("kind"), [(place["partition"], place["offset"]) for place in told.get("places", []) if place["topic"] == "clicks"]),
          ("mirror", [(p, 10) for p in range(3)]))
    verb("groups", "delete", "tradewind", code=2)
    query = next(group for group in verb("groups", "list") if group.get("kind") == "query")
    equal("lag of the query", query["lag"], 0)
    verb("groups", "reset", query["group"], "--topic", "clicks", "--to", "earliest", code=2)
    verb("topics", "delete", "clicks", "--yes", code=2)  # a query reads it
    subprocess.run([options.binary, "sql", "--server", url, "-e", "DROP TABLE visits; DROP STREAM clicks;"], check=True, stdout=subprocess.DEVNULL)
    verb("topics", "delete", "clicks", "--yes")
    equal("deleted", "clicks" in admin.list_topics(timeout=20).topics, False)


prepared = init_journey()
server = subprocess.Popen([options.binary, "serve", "--log", f"kafka:{servers}", "--listen", f"127.0.0.1:{port}"], stdout=subprocess.PIPE, text=True)
try:
    if not server.stdout.readline().startswith("ready"):
        sys.exit("the platform did not start")
    made_by_init_journey(prepared)
    topics_journey()
    groups_journey()
    queries_journey()
    server.send_signal(signal.SIGTERM)
    equal("SIGTERM", server.wait(timeout=30), 0)
finally:
    if server.poll() is None:
        server.kill()
for failure in failures:
    print("WRONG", failure)
print(f"{len(failures)} wrong")
sys.exit(1 if failures else 0)
