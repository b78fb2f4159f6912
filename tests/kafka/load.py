"""Load: numbered events for the platform that runs now, sent again until they are acknowledged."""
import io, json, random, threading, time, urllib.error, urllib.request

import confluent_kafka, fastavro

PRODUCTS, SHOPS, BATCH = 60, 40, 100
LATE_MS, LATE_FROM = 3 * 3600 * 1000, 5_000  # a late event is so much older; none is before so many were sent

SALE = {"type": "record", "name": "Sale", "fields": [
    {"name": "number", "type": "long"}, {"name": "shop", "type": "string"}, {"name": "product", "type": "string"},
    {"name": "amount", "type": "long"}, {"name": "at", "type": "long"}, {"name": "late", "type": "boolean"}]}
PRODUCT = {"type": "record", "name": "Product", "fields": [
    {"name": "category", "type": "string"}, {"name": "price", "type": "long"}]}


class Load:
    """Sales over HTTP, in numbered requests; prices of products, and now and then what nobody can read, by a producer of Kafka's."""

    def __init__(self, seed, rate, servers):
        self.chance, self.rate = random.Random(seed), rate
        self.producer = confluent_kafka.Producer({"bootstrap.servers": servers, "enable.idempotence": True, "message.timeout.ms": 300_000,
                                                  "reconnect.backoff.max.ms": 1000, "log_level": 0})
        self.product_schema, self.product_id = fastavro.parse_schema(PRODUCT), None
        self.poison, self.poison_wanted = set(), 0  # (partition, offset)
        self.url = None  # of the platform at hand
        self.sent, self.requests, self.prices = 0, 0, 0  # acknowledged
        self.worst_wait = 0.0
        self.refused = []
        self.running, self.idle, self.over = threading.Event(), threading.Event(), False
        self.thread = threading.Thread(target=self.loop, daemon=True)

    def start(self):
        self.thread.start()

    def end(self):
        self.over = True
        self.running.set()

    def pause(self):
        """No more events; returns at once. `idle` is set when the last request was acknowledged."""
        self.running.clear()

    def go_on(self):
        self.idle.clear()
        self.running.set()

    def loop(self):
        due = time.monotonic()
        while True:
            if not self.running.is_set():
                self.idle.set()
                self.running.wait()
                due = time.monotonic()
            if self.over:
                return
            self.send("sales", self.events(), "till", self.requests)
            self.sent += BATCH
            if self.requests % 20 == 0:
                self.tell_prices(self.requests // 20)
            while self.poison_wanted > 0:
                self.spoil()
            self.requests += 1
            due = max(due + BATCH / self.rate, time.monotonic() - 1)
            time.sleep(max(due - time.monotonic(), 0))

    def events(self):
        now = int(time.time() * 1000)
        made = []
        for number in range(self.sent, self.sent + BATCH):
            late = number >= LATE_FROM and self.chance.random() < 0.01
            made.append({"number": number, "shop": f"shop{self.chance.randrange(SHOPS)}", "product": f"p{self.chance.randrange(PRODUCTS)}",
                         "amount": self.chance.randrange(1, 1000), "at": now - LATE_MS if late else now, "late": late})
        return made

    def tell_prices(self, round_):
        """All products at first, then a new price of one."""
        for p in range(PRODUCTS) if round_ == 0 else [round_ % PRODUCTS]:
            value = io.BytesIO()
            fastavro.schemaless_writer(value, self.product_schema, {"category": f"c{p % 7}", "price": self.chance.randrange(1, 100)})
            self.produce("products", f"p{p}".encode(), b"\0" + self.product_id.to_bytes(4, "big") + value.getvalue())

    def spoil(self):
        def lies(error, message):
            if error is None:
                self.poison.add((message.partition(), message.offset()))
        self.produce("sales", None, b"no Avro at all", lies)
        self.poison_wanted -= 1

    def produce(self, topic, key, value, told=None):
        self.producer.produce(topic, value, key, on_delivery=told)
        while self.producer.flush(1) > 0 and not self.over:
            pass

    def send(self, topic, events, producer, number):
        body, began = json.dumps(events).encode(), time.monotonic()
        while not self.taken(topic, body, producer, number) and not self.over:
            time.sleep(0.05)
        self.worst_wait = max(self.worst_wait, time.monotonic() - began)

    def taken(self, topic, body, producer, number):
        request = urllib.request.Request(f"{self.url}/v1/events/{topic}", body, {
            "Content-Type": "application/json", "tw-producer": producer, "tw-sequence": str(number)})
        try:
            with urllib.request.urlopen(request, timeout=12) as answer:
                rejected = json.load(answer)["rejected"]
        except urllib.error.HTTPError as refused:
            if refused.code not in (429, 500, 503):
                self.refused.append(f"{refused.code}: {refused.read().decode()[:300]}")
                time.sleep(1)
            return False
        except (OSError, ValueError):
            return False
        self.refused += [f"rejected: {one}" for one in rejected[:1]]
        return True
