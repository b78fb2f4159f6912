"""Books: what is in the topics, by another client that reads what is committed, and what it adds up to."""
import base64, collections, io, json, uuid

import confluent_kafka, fastavro

WINDOW_MS = 10_000
LATE = "tw.CTAS_PER_WINDOW_3.late"


class Topic:
    """The committed records of a topic, each once, as far as it went at the last call of more()."""

    def __init__(self, servers, name):
        self.name, self.ended = name, set()
        self.consumer = confluent_kafka.Consumer({
            "bootstrap.servers": servers, "group.id": f"books-{uuid.uuid4()}", "isolation.level": "read_committed", "enable.partition.eof": True,
            "auto.offset.reset": "earliest", "enable.auto.commit": False, "fetch.wait.max.ms": 50, "reconnect.backoff.max.ms": 1000,
            "queued.max.messages.kbytes": 8192, "log_level": 0})
        self.count = len(self.consumer.list_topics(name, timeout=30).topics[name].partitions)
        if self.count == 0:
            raise SystemExit(f"there is no topic {name}")
        self.next = [0] * self.count

    def more(self):
        self.consumer.assign([confluent_kafka.TopicPartition(self.name, p, self.next[p]) for p in range(self.count)])
        ended, silent = set(), 0
        while len(ended) < self.count:
            messages = self.consumer.consume(5000, 1)
            silent = 0 if messages else silent + 1
            if silent > 90:
                raise TimeoutError(f"{self.name} cannot be read to its end: partitions {sorted(set(range(self.count)) - ended)}, next {self.next}")
            if silent % 20 == 19:  # the client does not always find its way back to a broker that was away
                left = [p for p in range(self.count) if p not in ended]
                self.consumer.assign([confluent_kafka.TopicPartition(self.name, p, self.next[p]) for p in left])
            for message in messages:
                if message.error() is None:
                    self.next[message.partition()] = message.offset() + 1
                    yield message
                elif message.error().code() == confluent_kafka.KafkaError._PARTITION_EOF:
                    ended.add(message.partition())
        self.consumer.unassign()


class Books:
    """Input and results since the beginning. check() reads on and answers what is wrong, one line each."""

    def __init__(self, servers, schema_of):
        self.schema_of, self.schemas = schema_of, {}
        self.topics = {name: Topic(servers, name) for name in
                       ("sales", "products", "per_shop", "per_window", "priced", "per_category", "catalogue", LATE, "tw.processing_log")}
        self.sold, self.joined = bytearray(), bytearray()  # how often each number was seen
        self.shops, self.windows, self.late = collections.Counter(), collections.Counter(), collections.Counter()
        self.amounts, self.categories, self.products = collections.Counter(), collections.Counter(), {}
        self.last = {name: {} for name in ("per_shop", "per_window", "per_category", "catalogue")}
        self.late_told, self.noted = collections.Counter(), collections.Counter()
        self.steps_back = []
        self.read = 0

    def decoded(self, value):
        number = int.from_bytes(value[1:5], "big")
        if number not in self.schemas:
            self.schemas[number] = fastavro.parse_schema(json.loads(self.schema_of(number)))
        return fastavro.schemaless_reader(io.BytesIO(value[5:]), self.schemas[number])

    @staticmethod
    def count(seen, number):
        if number >= len(seen):
            seen.extend(bytes(number + 100_000 - len(seen)))
        seen[number] = min(seen[number] + 1, 255)

    def read_on(self, poison):
        for message in self.topics["sales"].more():
            if (message.partition(), message.offset()) in poison:
                continue
            self.read += 1
            event = self.decoded(message.value())
            self.count(self.sold, event["number"])
            self.shops[event["shop"]] += 1
            self.amounts[event["shop"]] += event["amount"]
            self.categories[category(event["product"])] += event["amount"]
            if event["late"]:
                self.late[event["product"]] += 1
            else:
                self.windows[event["product"], event["at"] // WINDOW_MS * WINDOW_MS] += 1
        for message in self.topics["products"].more():
            row = self.decoded(message.value())
            self.products[message.key()] = (row["category"], row["price"])
        for message in self.topics["priced"].more():
            row = json.loads(message.value())
            self.count(self.joined, row["NUMBER"])
            if row["CATEGORY"] != category(message.key().decode()):
                self.steps_back.append(f"number {row['NUMBER']} was joined with {row['CATEGORY']}")
        for name, last in self.last.items():
            for message in self.topics[name].more():
                if message.value() is None:
                    last.pop(message.key(), None)
                    continue
                row = json.loads(message.value())
                before = last.get(message.key())
                if name != "catalogue" and before is not None and row["N"] <= before["N"]:
                    self.steps_back.append(f"{name} {message.key()} counted {row['N']} after {before['N']}")
                last[message.key()] = row
        for message in self.topics[LATE].more():
            self.late_told[json.loads(message.value())["PRODUCT"]] += 1
        for message in self.topics["tw.processing_log"].more():
            told = json.loads(message.value())["message"].get("deserializationError")
            if told:
                self.noted[told["topic"], told["partition"], told["offset"]] += 1

    def check(self, sent, poison):
        """`sent`: numbers below it were acknowledged, and no other sent. `poison`: (partition, offset) of records that cannot be read."""
        self.read_on(poison)
        wrong = self.steps_back[:]
        self.steps_back.clear()
        for what, seen in (("in its topic", self.sold), ("joined", self.joined)):
            lost, doubled = seen[:sent].count(0) + max(sent - len(seen), 0), len(seen) - seen.count(0) - seen.count(1)
            if lost or doubled or seen[sent:].strip(b"\0"):
                wrong.append(f"{lost} events are not {what}, {doubled} are several times, others {bool(seen[sent:].strip(bytes(1)))}")
        wrong += differences("per_shop", {shop: (n, self.amounts[shop]) for shop, n in self.shops.items()},
                             {key.decode(): (row["N"], row["AMOUNT"]) for key, row in self.last["per_shop"].items()})
        wrong += differences("per_window", dict(self.windows),
                             {(key[:-8].decode(), int.from_bytes(key[-8:], "big")): row["N"] for key, row in self.last["per_window"].items()})
        wrong += differences("per_category", dict(self.categories), {key.decode(): row["AMOUNT"] for key, row in self.last["per_category"].items()})
        prices = collections.defaultdict(lambda: [0, 0])
        for kind, price in self.products.values():
            prices[kind][0] += 1
            prices[kind][1] += price
        wrong += differences("catalogue", {kind: tuple(sums) for kind, sums in prices.items()},
                             {key.decode(): (row["N"], row["PRICES"]) for key, row in self.last["catalogue"].items()})
        wrong += differences("late rows", dict(self.late), dict(self.late_told))
        # Each of the two readers of the topic (the lane of those that group it, and the join) tells once of each.
        wrong += differences("notes of records that cannot be read", {("sales", *place): 2 for place in poison}, dict(self.noted))
        return wrong

    def figures(self):
        return sum(len(last) for last in self.last.values())


def category(product):
    return f"c{int(product[1:]) % 7}"


def differences(what, wanted, found):
    wrong = [key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key)]
    if not wrong:
        return []
    key = min(wrong, key=str)
    return [f"{what}: {len(wrong)} of {len(wanted)} figures, such as {key}: {found.get(key)} instead of {wanted.get(key)}"]
