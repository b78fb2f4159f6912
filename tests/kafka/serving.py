"""Platform: a process of tradewind on brokers, with the queries whose results books.py recounts."""
import atexit, json, os, socket, subprocess, urllib.error, urllib.request

from load import PRODUCT, SALE

PATIENCE_S, TRANSACTION_S = 4, 8  # a transaction may take twice the patience
QUERIES = """
CREATE STREAM sales (k STRING KEY) WITH (kafka_topic='sales', partitions=4, value_format='AVRO', timestamp='at');
CREATE TABLE products (id STRING PRIMARY KEY) WITH (kafka_topic='products', partitions=4, value_format='AVRO');
CREATE TABLE per_shop WITH (kafka_topic='per_shop', value_format='JSON') AS
  SELECT shop, COUNT(*) AS n, SUM(amount) AS amount FROM sales GROUP BY shop EMIT CHANGES;
CREATE TABLE per_window WITH (kafka_topic='per_window', value_format='JSON') AS
  SELECT product, COUNT(*) AS n FROM sales WINDOW TUMBLING (SIZE 10 SECONDS, RETENTION 1 DAY, GRACE PERIOD 30 MINUTES) GROUP BY product EMIT CHANGES;
CREATE STREAM priced WITH (kafka_topic='priced', value_format='JSON', partitions=4) AS
  SELECT s.k AS k, s.number AS number, s.product AS product, s.amount AS amount, p.category AS category
  FROM sales s LEFT JOIN products p ON s.product = p.id EMIT CHANGES;
CREATE TABLE per_category WITH (kafka_topic='per_category', value_format='JSON') AS
  SELECT category, COUNT(*) AS n, SUM(amount) AS amount FROM priced GROUP BY category EMIT CHANGES;
CREATE TABLE catalogue WITH (kafka_topic='catalogue', value_format='JSON') AS
  SELECT category, COUNT(*) AS n, SUM(price) AS prices FROM products GROUP BY category EMIT CHANGES;
"""

def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Platform:
    """One process of tradewind."""

    def __init__(self, binary, servers, folder, number):
        self.port, self.errors_at = free_port(), os.path.join(folder, f"platform{number}.log")
        self.url = f"http://127.0.0.1:{self.port}"
        self.errors = open(self.errors_at, "w")
        self.process = subprocess.Popen([binary, "serve", "--log", f"kafka:{servers}", "--listen", f"127.0.0.1:{self.port}", "--workers", "2",
                                         "--log.kafka.patience", f"{PATIENCE_S}s"], stdout=subprocess.PIPE, stderr=self.errors, text=True)
        atexit.register(self.process.kill)  # where a test ends before its time

    def ready(self):
        return self.process.stdout.readline().startswith("ready")

    def get(self, path, seconds=10.0):
        """(status, JSON); (0, None) when nothing answers."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=seconds) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            try:
                return refused.code, json.load(refused)
            except ValueError:
                return refused.code, None
        except (OSError, ValueError):
            return 0, None

    def lag(self):
        status, health = self.get("/v1/health")
        if status != 200:
            return None
        return sum(query["lag_records"] for query in health["queries"]) if health["ready"] else None

    def sql(self, text):
        body = json.dumps({"ksql": text}).encode()
        request = urllib.request.Request(f"{self.url}/ksql", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=300) as answer:
            return json.load(answer)

    def last_words(self):
        if not os.path.exists(self.errors_at):
            return "none"
        with open(self.errors_at) as file:
            lines = file.read().strip().split("\n")
        return lines[-1][:400]

    def metric(self, name):
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=30) as answer:
            lines = answer.read().decode().split("\n")
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name))

    def declare(self):
        """The schemas and the queries; the id of the schema of products."""
        for subject, schema in (("sales-value", SALE), ("products-value", PRODUCT)):
            body = json.dumps({"schema": json.dumps(schema)}).encode()
            request = urllib.request.Request(f"{self.url}/subjects/{subject}/versions", body,
                                             {"Content-Type": "application/vnd.schemaregistry.v1+json"})
            with urllib.request.urlopen(request, timeout=60) as answer:
                last = json.load(answer)["id"]
        self.sql(QUERIES)
        return last

    def schema(self, number):
        return self.get(f"/schemas/ids/{number}")[1]["schema"]
