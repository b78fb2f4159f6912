"""Cluster: the brokers of a test, started by kafka.sh, killed, stopped and asked who leads what."""
import glob, os, signal, subprocess, time

import confluent_kafka.admin

HERE = os.path.dirname(os.path.abspath(__file__))
KAFKA_SH = os.path.join(HERE, "kafka.sh")


def java_hash(text):
    number = 0
    for byte in text.encode():
        number = (31 * number + byte) & 0xFFFFFFFF
    return number & 0x7FFFFFFF


class Cluster:
    def __init__(self, folder, nodes, version, more=None):
        """more: a file of further settings of each node."""
        self.folder, self.nodes, self.version = folder, nodes, version
        self.environment = {**os.environ, "TW_KAFKA_VERSION": version, "TW_KAFKA_HEAP": os.environ.get("TW_KAFKA_HEAP", "320m")}
        if more:
            self.environment["TW_KAFKA_MORE"] = more
        self.servers = ""

    def run(self, *words):
        done = subprocess.run([KAFKA_SH, *words], env=self.environment, stdout=subprocess.PIPE, text=True)
        if done.returncode:
            raise SystemExit(done.returncode if done.returncode == 77 else f"kafka.sh {' '.join(words)} failed")
        return done.stdout.strip()

    def up(self):
        self.servers = self.run("up", self.folder, str(self.nodes))
        self.admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": self.servers, "reconnect.backoff.max.ms": 1000, "log_level": 0})

    def down(self):
        self.signal(signal.SIGCONT, *range(1, self.nodes + 1))
        subprocess.run([KAFKA_SH, "down", self.folder], env=self.environment)

    def pid(self, node):
        with open(os.path.join(self.folder, f"node{node}", "pid")) as file:
            return int(file.read())

    def signal(self, which, *nodes):
        for node in nodes:
            try:
                os.kill(self.pid(node), which)
            except (OSError, ValueError):
                pass

    def start(self, *nodes):
        """All at once: alone, a node of three waits for the others."""
        started = [subprocess.Popen([KAFKA_SH, "start", self.folder, str(node)], env=self.environment) for node in nodes]
        for one in started:
            if one.wait() != 0:
                raise SystemExit("a broker did not start again")

    def ended(self, *nodes):
        until = time.monotonic() + 60
        for node in nodes:
            while os.path.exists(f"/proc/{self.pid(node)}") and open(f"/proc/{self.pid(node)}/stat").read().split(") ")[1][0] != "Z":
                if time.monotonic() > until:
                    self.signal(signal.SIGKILL, node)
                time.sleep(0.05)

    def leader(self, topic, partition):
        found = self.admin.list_topics(topic, timeout=20).topics[topic].partitions[partition].leader
        return found if found > 0 else 1

    def coordinator(self, transactional_id):
        count = len(self.admin.list_topics("__transaction_state", timeout=20).topics["__transaction_state"].partitions)
        return self.leader("__transaction_state", java_hash(transactional_id) % count)

    def controller(self):
        """The leader of the quorum, as its nodes last wrote it down."""
        newest = (-1, 1)
        for file in glob.glob(os.path.join(self.folder, "node*", "data", "__cluster_metadata-0", "quorum-state")):
            text = open(file).read()
            numbers = {name: int(text.split(f'"{name}":')[1].split(",")[0].strip("} \n")) for name in ("leaderEpoch", "leaderId")}
            newest = max(newest, (numbers["leaderEpoch"], numbers["leaderId"]))
        return newest[1] if newest[1] > 0 else 1

    def in_sync(self, seconds=60):
        """Waits until every partition has all its copies; None: it has not within that time."""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            try:
                topics = self.admin.list_topics(timeout=5).topics.values()
                if topics and all(p.leader > 0 and len(p.isrs) == len(p.replicas) for t in topics for p in t.partitions.values()):
                    return time.monotonic() - began
            except confluent_kafka.KafkaException:
                pass
            time.sleep(0.1)
        return None

    def megabytes(self):
        total = 0
        for node in range(1, self.nodes + 1):
            total += resident_mb(self.pid(node))
        return total


def resident_mb(pid):
    try:
        with open(f"/proc/{pid}/status") as file:
            return next((int(line.split()[1]) // 1024 for line in file if line.startswith("VmRSS")), 0)
    except OSError:
        return 0
