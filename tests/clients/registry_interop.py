#!/usr/bin/env python3
"""A schema registry that is not ours (Apicurio's), Confluent's Python client and Tradewind, all on one Kafka.

  with_broker.sh registry_interop.py --binary build/release/tradewind

The client writes Avro with that registry's ids onto Kafka, Tradewind computes, the client reads the results with read_committed; schemas
evolve; the registry stops answering for a while and nothing is lost. Exit 77: something of it cannot be had here.
"""
import argparse, contextlib, json, os, shutil, signal, socket, subprocess, sys, tempfile, time, urllib.error, urllib.request, uuid

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--binary", required=True)
options = parser.parse_args()

try:
    import confluent_kafka
    from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
    from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
    from confluent_kafka.schema_registry.error import SchemaRegistryError
    from confluent_kafka.serialization import MessageField, SerializationContext
except ImportError as missing:
    print(f"skipped: confluent-kafka[avro,schemaregistry] is not installed ({missing}); ./test installs it into build/venv")
    sys.exit(77)

here = os.path.dirname(os.path.abspath(__file__))
registry_sh = os.path.join(here, "..", "kafka", "registry.sh")
servers = os.environ["TW_KAFKA"]
folder = tempfile.mkdtemp(prefix="tradewind-registry-")
wrong, checks = [], 0


def check(what, found, wanted):
    global checks
    checks += 1
    if found != wanted:
        wrong.append(f"{what}: {found!r} instead of {wanted!r}")
        print("WRONG", wrong[-1][:600], flush=True)


def ask(url, path, body=None, method=None):
    """(status, document)"""
    request = urllib.request.Request(url + path, None if body is None else json.dumps(body).encode(),
                                     {"Content-Type": "application/vnd.schemaregistry.v1+json" if path.startswith("/subjects") else "application/json"},
                                     method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read() or b"null")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def platform(*arguments):
    port = free_port()
    server = subprocess.Popen([options.binary, "serve", "--listen", f"127.0.0.1:{port}", *arguments], stdout=subprocess.PIPE, text=True)
    try:
        line = server.stdout.readline()
        if not line.startswith("ready "):
            sys.exit(f"the platform did not start: exit code {server.wait(timeout=10)}")
        yield f"http://127.0.0.1:{port}"
        server.send_signal(signal.SIGTERM)
        check("the platform ends well", server.wait(timeout=30), 0)
    finally:
        server.kill()
        server.wait()


def sql(url, text):
    status, answer = ask(url, "/ksql", {"ksql": text, "streamsProperties": {"auto.offset.reset": "earliest"}})
    check(text[:60], status, 200)
    return answer


def rows(url, text):
    status, answer = ask(url, "/query", {"ksql": text})
    check(text, status, 200)
    return [row["row"]["columns"] for row in answer if "row" in row]


def wait_for(what, found, wanted, seconds=20):
    end = time.monotonic() + seconds
    while found() != wanted and time.monotonic() < end:
        time.sleep(0.05)
    check(what, found(), wanted)


def sale(*more):
    return json.dumps({"type": "record", "name": "Sale", "namespace": "shop",
                       "fields": [{"name": "shop", "type": "string"}, {"name": "amount", "type": "long"}, *more]})


VIP = {"name": "vip", "type": "boolean", "default": False}
NOTE = {"name": "note", "type": ["null", "string"], "default": None}
SQL = """
CREATE STREAM sales (id STRING KEY) WITH (KAFKA_TOPIC='sales', PARTITIONS=2, VALUE_FORMAT='AVRO');
CREATE TABLE totals WITH (KAFKA_TOPIC='totals', VALUE_FORMAT='AVRO') AS
  SELECT shop, COUNT(*) AS n, SUM(amount) AS total FROM sales GROUP BY shop EMIT CHANGES;
"""


def own_log(registry, client):
    """The platform on its own log: results are registered there, the platform's own address hands requests on."""
    with platform("--data", folder + "/data", "--registry.url", registry) as url:
        subjects = client.get_subjects()
        check("the shop's schemas", [name for name in ("customer-events-value", "inventory-value", "orders-value", "user-profiles-value")
                                     if name not in subjects], [])
        check("their level", client.get_compatibility("orders-value"), "FULL_TRANSITIVE")
        sql(url, "CREATE STREAM clicks (page STRING KEY, ms BIGINT) WITH (KAFKA_TOPIC='clicks', PARTITIONS=1, VALUE_FORMAT='AVRO');"
                 "CREATE TABLE pages WITH (KAFKA_TOPIC='pages', VALUE_FORMAT='AVRO') AS SELECT page, SUM(ms) AS ms FROM clicks GROUP BY page;"
                 "INSERT INTO clicks VALUES ('a', 3); INSERT INTO clicks VALUES ('a', 4);")
        wait_for("a table of Avro", lambda: rows(url, "SELECT ms FROM pages WHERE page = 'a';"), [[7]])
        check("results are registered there", "pages-value" in client.get_subjects(), True)
        check("the platform's address hands on", sorted(ask(url, "/subjects")[1]), sorted(client.get_subjects()))
        through = SchemaRegistryClient({"url": url})
        number = through.register_schema("a/b c", Schema(sale(), "AVRO"))
        check("registered through it", client.get_latest_version("a/b c").schema_id, number)
        status, answer = ask(url, "/subjects/nobody/versions")
        check("errors come through", (status, answer["error_code"]), (404, 40401))
    started = subprocess.run([options.binary, "serve", "--data", folder + "/data", "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=30)
    check("without it the same log is refused", (started.returncode, "registry.url" in started.stderr), (2, True))


def last_totals(client):
    """The last row of each key, as Confluent's deserializer reads it."""
    consumer = confluent_kafka.Consumer({"bootstrap.servers": servers, "group.id": str(uuid.uuid4()), "isolation.level": "read_committed",
                                         "enable.partition.eof": True, "auto.offset.reset": "earliest", "enable.auto.commit": False})
    count = len(consumer.list_topics("totals", timeout=20).topics["totals"].partitions)
    consumer.assign([confluent_kafka.TopicPartition("totals", p, confluent_kafka.OFFSET_BEGINNING) for p in range(count)])
    read, last, ended = AvroDeserializer(client), {}, set()
    while len(ended) < count:
        message = consumer.poll(20)
        if message is None:
            sys.exit("totals cannot be read to its end")
        if message.error():
            ended.add(message.partition())
            continue
        row = read(message.value(), SerializationContext("totals", MessageField.VALUE))
        last[message.key().decode()] = (row["N"], row["TOTAL"])
    consumer.close()
    return last


class Till:
    """Confluent's producer, and what its sales add up to."""

    def __init__(self, client):
        self.client, self.sums = client, {}
        self.producer = confluent_kafka.Producer({"bootstrap.servers": servers, "enable.idempotence": True})

    def sell(self, schema, count, **more):
        self.write(AvroSerializer(self.client, schema), count, **more)

    def write(self, serializer, count, **more):
        for i in range(count):
            shop, amount = f"shop{i % 7}", i + 1
            value = serializer({"shop": shop, "amount": amount, **more}, SerializationContext("sales", MessageField.VALUE))
            self.producer.produce("sales", value, key=f"s{i}")
            n, total = self.sums.get(shop, (0, 0))
            self.sums[shop] = (n + 1, total + amount)
        check("all is delivered", self.producer.flush(20), 0)


def on_kafka(registry, client):
    client.register_schema("sales-value", Schema(sale(), "AVRO"))
    with platform("--log", f"kafka:{servers}", "--registry.url", registry, "--registry.timeout", "500ms", "--registry.patience", "1s") as url:
        sql(url, SQL)
        till = Till(client)
        till.sell(sale(), 300)
        wait_for("the client reads what Tradewind wrote", lambda: last_totals(client), till.sums)
        till.sell(sale(VIP), 300, vip=True)
        check("two versions of what is read", client.get_versions("sales-value"), [1, 2])
        wait_for("a new version of the writer's", lambda: last_totals(client), till.sums)
        try:
            client.register_schema("sales-value", Schema(sale({"name": "vip", "type": "string"}), "AVRO"))
            check("an incompatible one", "registered", "refused")
        except SchemaRegistryError as refused:
            check("an incompatible one", refused.http_status_code, 409)
        silence(url, client, till)


def silence(url, client, till):
    """The registry does not answer; records come whose schema Tradewind has not seen."""
    pid = int(open(folder + "/registry/pid").read())
    serializer = AvroSerializer(client, sale(VIP, NOTE))
    serializer({"shop": "x", "amount": 1, "vip": False, "note": None}, SerializationContext("sales", MessageField.VALUE))  # registers it
    known = AvroSerializer(client, sale(VIP))
    known({"shop": "x", "amount": 1, "vip": False}, SerializationContext("sales", MessageField.VALUE))
    before = dict(till.sums)
    os.kill(pid, signal.SIGSTOP)
    try:
        till.write(serializer, 300, vip=False, note="while it is away")
        wait_for("the platform says that it waits", lambda: ask(url, "/readyz")[0], 503)
        reason = " ".join(ask(url, "/readyz")[1]["reasons"])
        check("and for whom", "registry.url" in reason and "sales" in reason, True)
        check("it lives", ask(url, "/healthz")[0], 200)
        time.sleep(2)
        counted = {row[0]: (row[1], row[2]) for row in rows(url, "SELECT shop, n, total FROM totals;")}
        check("nothing of it is counted or lost", counted, before)
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_for("it goes on by itself", lambda: ask(url, "/readyz")[0], 200)
    wait_for("and every sale counts once", lambda: {row[0]: (row[1], row[2]) for row in rows(url, "SELECT shop, n, total FROM totals;")}, till.sums)
    till.write(known, 50, vip=True)
    wait_for("to the last", lambda: {row[0]: (row[1], row[2]) for row in rows(url, "SELECT shop, n, total FROM totals;")}, till.sums)
    check("as the client reads it", last_totals(client), till.sums)
    with urllib.request.urlopen(url + "/metrics", timeout=20) as answer:
        bad = [line for line in answer.read().decode().splitlines() if line.startswith("tw_stream_bad_records_total")]
    check("no record was taken for bad", [line.rsplit(" ", 1)[1] for line in bad], ["0"] * len(bad))


def init_verb(registry):
    def run(*arguments):
        done = subprocess.run([options.binary, "init", "--log", f"kafka:{servers}", "--registry.url", registry, "--json", *arguments],
                              capture_output=True, text=True, timeout=60)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": servers})
    queries = os.path.join(here, "..", "..", "queries", "shop")
    code, lines, said = run("--dry-run", "--queries", queries)
    check("a look", (code, {line["action"] for line in lines}, any(line["done"] for line in lines)), (0, {"create"}, False))
    check("made nothing", [name for name in admin.list_topics(timeout=20).topics if not name.startswith("__")], [])
    code, lines, said = run("--queries", queries)
    check("then it is done", (code, all(line["done"] for line in lines)), (0, True))
    topics = admin.list_topics(timeout=20).topics
    check("topics with their partitions", [len(topics[name].partitions) for name in ("orders", "tw.tradewind.state", "tw.commands")], [4, 4, 1])
    code, lines, said = run("--queries", queries)
    check("and once is enough", (code, {line["action"] for line in lines}, "nothing to do" in said), (0, {"same"}, True))
    resource = confluent_kafka.admin.ConfigResource("topic", "orders", {"retention.ms": "1000", "cleanup.policy": "delete"})
    for future in admin.alter_configs([resource]).values():
        future.result()
    code, lines, said = run("--queries", queries)
    changed = [(line["name"], line["detail"].split(" (")[0], line["done"]) for line in lines if line["action"] != "same"]
    check("what somebody changed is mended", changed, [("orders", "retention.ms 1000 -> -1", True)])


try:
    os.mkdir(folder + "/registry")
    began = time.monotonic()
    up = subprocess.run([registry_sh, "up", folder + "/registry"], stdout=subprocess.PIPE, text=True)
    if up.returncode != 0:
        print("skipped: no registry could be started")
        sys.exit(up.returncode)
    address = up.stdout.strip()
    print(f"{address} after {time.monotonic() - began:.1f} s", flush=True)
    registry_client = SchemaRegistryClient({"url": address})
    import confluent_kafka.admin
    init_verb(address)
    own_log(address, registry_client)
    on_kafka(address, registry_client)
finally:
    subprocess.run([registry_sh, "down", folder + "/registry"])
    shutil.rmtree(folder, ignore_errors=True)
print(f"{checks} checks, {len(wrong)} wrong, {time.monotonic() - began:.1f} s")
sys.exit(1 if wrong else 0)
