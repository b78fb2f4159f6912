#!/usr/bin/env python3
"""Confluent's own Python client, unchanged, against the registry of the real program.

  registry_python.py --binary build/release/tradewind

Exit 77: the client is not installed, nothing was tested.
"""
import argparse, json, sys, threading, urllib.error, urllib.request

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--binary", required=True)
options = parser.parse_args()

try:
    from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient, ServerConfig
    from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
    from confluent_kafka.schema_registry.common.schema_registry_client import ConfigCompatibilityLevel
    from confluent_kafka.schema_registry.error import SchemaRegistryError
    from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
    from confluent_kafka.serialization import MessageField, SerializationContext
except ImportError as missing:
    print(f"skipped: confluent-kafka[avro,json,schemaregistry] is not installed ({missing})")
    sys.exit(77)

from platform_under_test import Platform

wrong, checks = [], 0


def check(what, found, wanted):
    global checks
    checks += 1
    if found != wanted:
        wrong.append(f"{what}: {found!r} instead of {wanted!r}")


def refused(what, number, call, *arguments, **named):
    """The call must fail with this error code, in an HTTP status that fits."""
    try:
        check(what, call(*arguments, **named), f"error {number}")
    except SchemaRegistryError as error:
        check(what, (error.error_code, error.http_status_code), (number, number if number < 1000 else number // 100))
        return error.error_message
    return ""


def record(*fields, name="Sale"):
    return json.dumps({"type": "record", "name": name, "namespace": "shop", "fields": list(fields)})


A = {"name": "a", "type": "int"}
B = {"name": "b", "type": ["null", "string"], "default": None}
C = {"name": "c", "type": "long"}


def avro(text, references=()):
    return Schema(text, "AVRO", list(references))


def value_of(topic):
    return SerializationContext(topic, MessageField.VALUE)


def seeds(client):
    for topic in ("customer-events", "orders", "inventory", "user-profiles"):
        subject = f"{topic}-value"
        check(f"versions of {subject}", client.get_versions(subject), [1])
        check(f"level of {subject}", client.get_compatibility(subject), "FULL_TRANSITIVE")
        schema = client.get_latest_version(subject).schema
        check(f"{subject} is a record", json.loads(schema.schema_str)["type"], "record")
    message = refused("a seed that needs a new field", 409, client.register_schema, "inventory-value",
                      avro(record(A, name="InventoryEvent")))
    check("the reason names the level", "FULL_TRANSITIVE" in message, True)


def avro_events(client):
    ids = set()
    for schema, event in ((record(A), {"a": 1}), (record(A, B), {"a": 2, "b": "ü"})):
        encoded = AvroSerializer(client, schema)(event, value_of("sales"))
        check("framing", encoded[0], 0)
        ids.add(int.from_bytes(encoded[1:5], "big"))
        check("an event comes back", AvroDeserializer(client)(encoded, value_of("sales")), event)
    check("two schemas, two ids", len(ids), 2)
    check("versions made by the serializer", client.get_versions("sales-value"), [1, 2])
    latest = AvroSerializer(client, conf={"auto.register.schemas": False, "use.latest.version": True})
    encoded = latest({"a": 3, "b": None}, value_of("sales"))
    check("the latest schema encodes", AvroDeserializer(client)(encoded, value_of("sales")), {"a": 3, "b": None})
    old = AvroDeserializer(client, record(A))
    check("an old reader reads new data", old(encoded, value_of("sales")), {"a": 3})


def referenced_events(client):
    client.register_schema("price-value", avro(record({"name": "cents", "type": "long"}, name="Price")))
    line = record({"name": "price", "type": "shop.Price"}, name="Line")
    schema = avro(line, [SchemaReference("shop.Price", "price-value", 1)])
    event = {"price": {"cents": 995}}
    encoded = AvroSerializer(client, schema)(event, value_of("lines"))
    check("a schema with a reference", AvroDeserializer(client)(encoded, value_of("lines")), event)
    kept = client.get_latest_version("lines-value")
    check("references are kept", [(r.name, r.subject, r.version) for r in kept.schema.references],
          [("shop.Price", "price-value", 1)])
    check("referencedby", client.get_referenced_by("price-value", 1), [kept.schema_id])
    refused("deleting what is referenced", 42206, client.delete_subject, "price-value")


def json_events(client):
    schema = json.dumps({"title": "Sale", "type": "object", "properties": {"a": {"type": "integer"}}})
    encoded = JSONSerializer(schema, client, lambda event, _: event)({"a": 1}, value_of("clicks"))
    reader = JSONDeserializer(schema, lambda event, _: event, client)
    check("a JSON event comes back", reader(encoded, value_of("clicks")), {"a": 1})
    check("its kind", client.get_latest_version("clicks-value").schema.schema_type, "JSON")


def questions(client):
    subject = "a/b:c d"
    first = client.register_schema(subject, avro(record(A, name="Q")))
    check("registered again", client.register_schema(subject, avro(record(A, name="Q")), normalize_schemas=True), first)
    second = client.register_schema(subject, avro(record(A, B, name="Q")))
    check("ids grow", second > first, True)
    check("subject names", subject in client.get_subjects(), True)
    check("a prefix", client.get_subjects(subject_prefix="a/"), [subject])
    check("get_schema", json.loads(client.get_schema(first).schema_str)["fields"], [A])
    check("get_version", client.get_version(subject, 2).schema_id, second)
    check("lookup", client.lookup_schema(subject, avro(record(A, name="Q"))).version, 1)
    check("types", sorted(client.get_schema_types()), ["AVRO", "JSON", "PROTOBUF"])
    check("subjects of an id", client.get_subjects_by_schema_id(first), [subject])
    check("versions of an id", [(v.subject, v.version) for v in client.get_schema_versions(first)], [(subject, 1)])
    check("contexts", client.get_contexts(), ["."])
    refused("no such subject", 40401, client.get_versions, "nobody")
    refused("no such version", 40402, client.get_version, subject, 9)
    refused("no such schema", 40403, client.get_schema, 4711)
    refused("not a schema", 42201, client.register_schema, subject, avro("{"))
    refused("lookup of another", 40403, client.lookup_schema, subject, avro(record(C, name="Q")))


def compatibility(client):
    subject = "evolving"
    client.register_schema(subject, avro(record(A)))
    check("global level", client.get_compatibility(), "BACKWARD")
    refused("no level of its own", 40408, client.get_compatibility, subject)
    check("compatible", client.test_compatibility(subject, avro(record(A, B))), True)
    check("incompatible", client.test_compatibility(subject, avro(record(A, C)), verbose=True), False)
    check("all versions", client.test_compatibility_all_versions(subject, avro(record(A, C))), False)
    message = refused("registering it", 409, client.register_schema, subject, avro(record(A, C)))
    check("the path is named", "Sale.c" in message, True)
    client.set_compatibility(subject, "NONE")
    check("level set", client.get_compatibility(subject), "NONE")
    client.register_schema(subject, avro(record(A, C)))
    full = ConfigCompatibilityLevel.FULL
    client.set_config(subject, ServerConfig(compatibility=full))
    check("config", client.get_config(subject).compatibility_level, full)
    check("config deleted", client.delete_config(subject).compatibility_level, full)
    refused("and gone", 40408, client.get_config, subject)
    refused("not a level", 42203, client.set_compatibility, subject, "SIDEWAYS")


def modes(client):
    check("global mode", client.get_global_mode(), "READWRITE")
    refused("no mode of its own", 40409, client.get_mode, "frozen")
    client.update_mode("frozen", "READONLY")
    check("mode", client.get_mode("frozen"), "READONLY")
    refused("registering", 42205, client.register_schema, "frozen", avro(record(A)))
    client.delete_mode("frozen")
    check("thawed", client.register_schema("frozen", avro(record(A))) > 0, True)


def deletion(client):
    subject = "short-lived"
    for schema in (record(A), record(A, B)):
        client.register_schema(subject, avro(schema))
    refused("for good at once", 40407, client.delete_version, subject, 1, permanent=True)
    check("one version", client.delete_version(subject, 1), 1)
    check("the other is left", client.get_versions(subject), [2])
    check("deleted ones", client.get_versions(subject, deleted=True), [1, 2])
    check("the subject", client.delete_subject(subject), [2])
    refused("twice", 40404, client.delete_subject, subject)
    check("for good", client.delete_subject(subject, permanent=True), [1, 2])
    refused("nothing left", 40401, client.get_versions, subject)


def sql(client, url):
    """A schema of the client's gives a stream its columns, and events are kept in it."""
    fields = [{"name": "event_id", "type": "string"}, {"name": "event_time", "type": "long"},
              {"name": "at", "type": "shop.Place"}]
    client.register_schema("place", avro(record({"name": "city", "type": "string"}, name="Place")))
    client.register_schema("trips-value", avro(record(*fields, name="Trip"), [SchemaReference("shop.Place", "place", 1)]))
    ask(url, "/ksql", {"ksql": "CREATE STREAM trips WITH (KAFKA_TOPIC='trips', VALUE_FORMAT='AVRO', PARTITIONS=1); "
                               "CREATE TABLE cities AS SELECT at->city AS city, COUNT(*) AS n FROM trips GROUP BY at->city;"})
    ask(url, "/v1/events/trips", [{"event_id": f"e{i}", "event_time": i, "at": {"city": "Cork"}} for i in range(3)])
    rows = ask(url, "/query", {"ksql": "SELECT n FROM cities WHERE city = 'Cork';"})
    check("rows in SQL", [row["row"]["columns"] for row in rows if "row" in row], [[3]])


def ask(url, path, body):
    request = urllib.request.Request(url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit(f"{path}: {error.code} {error.read().decode()}")


def at_once(url):
    """Eight clients register the same twenty schemas."""
    answers = [[] for _ in range(8)]

    def register(place):
        client = SchemaRegistryClient({"url": url})
        for i in range(20):
            field = {"name": f"f{i}", "type": "int", "default": 0}
            answers[place].append(client.register_schema("crowd", avro(record(field, name="Crowd"))))

    threads = [threading.Thread(target=register, args=(place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check("all clients got the same ids", [list(a) for a in answers], [answers[0]] * 8)
    check("each schema its own", len(set(answers[0])), 20)
    check("one version each", SchemaRegistryClient({"url": url}).get_versions("crowd"), list(range(1, 21)))


def everything(client):
    """What must be the same after SIGKILL."""
    seen = {}
    for subject in client.get_subjects(deleted=True):
        for version in client.get_versions(subject, deleted=True):
            kept = client.get_version(subject, version, deleted=True)
            seen[subject, version] = (kept.schema_id, kept.schema.schema_str, kept.schema.schema_type)
    return seen


with Platform(options.binary) as platform:
    client = SchemaRegistryClient({"url": platform.url})
    for part in (seeds, avro_events, referenced_events, json_events, questions, compatibility, modes, deletion):
        part(client)
    sql(client, platform.url)
    at_once(platform.url)
    before = everything(SchemaRegistryClient({"url": platform.url}))
    platform.restart()
    client = SchemaRegistryClient({"url": platform.url})
    check("after SIGKILL", everything(client), before)
    next_id = client.register_schema("newcomer", avro(record(C, name="Newcomer")))
    check("no id comes back", next_id > max(kept[0] for kept in before.values()), True)

for line in wrong:
    print("WRONG", line)
print(f"{checks} checks with confluent-kafka, {len(wrong)} wrong")
sys.exit(1 if wrong else 0)
