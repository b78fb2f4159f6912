#!/usr/bin/env python3
"""Rounds of killing on real brokers: nothing lost, nothing doubled, nothing stuck.

  chaos.py --binary build/release/tradewind [--rounds N] [--nodes 1|3] [--version 4.3.1|3.9.2] [--seed N] [--rate N] [--minutes N]
           [--only KIND[,KIND]...] [--report FILE]

It starts brokers of its own, a platform with queries as a shop has them (grouped by other than the key, over windows with grace, a join with a
table, a table of tables) and a steady load. Each round does one of the harms below, heals it, and demands that everything that was acknowledged is
computed within 30 s; then a client of Confluent's reads input and results with read_committed, and every figure of every result is compared with what the input
adds up to, every event is looked for once in its topic and once among the joined. One line a round; exit 1 if anything was wrong. --report writes
the run as a table into FILE, between its marks for this version.
"""
import argparse, collections, json, os, random, shutil, signal, subprocess, sys, tempfile, time

try:
    import confluent_kafka, fastavro  # noqa: F401
except ImportError:
    print("skipped: confluent-kafka or fastavro is not installed (./test installs them)")
    sys.exit(77)

from books import Books
from cluster import Cluster, resident_mb
from load import Load
from serving import TRANSACTION_S, Platform

WITHIN_S = 30  # after healing everything must be computed
KINDS = {  # what is done, and how often
    "kill": ("the process is killed (kill -9)", 5),
    "zombie": ("the process stands still for longer than a transaction may take, another one with its name takes over", 2),
    "expired": ("the process stands still with transactions open, which the brokers give up", 2),
    "leader": ("the broker that leads a partition is killed", 3),
    "coordinator": ("the broker that coordinates a worker's transactions is killed", 3),
    "controller": ("the broker that leads the brokers is killed", 2),
    "rolling": ("every broker is restarted in turn", 1),
    "frozen": ("a broker stands still for some seconds", 2),
    "away": ("all brokers are gone for 20 s", 1),
    "forgotten": ("all brokers are killed within transactions, and gone for longer than these may take", 1),
    "blackout": ("all brokers and the process are killed within transactions, and gone for longer than these may take", 1),
    "term": ("SIGTERM while all brokers are gone", 1),
    "empty": ("a query on a topic without records, then the process is killed", 1),
    "poison": ("records that cannot be read, then the process is killed", 2),
}


class Chaos:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.chance = random.Random(options.seed)
        self.cluster = Cluster(os.path.join(folder, "kafka"), options.nodes, options.version)
        self.platforms, self.platform = 0, None
        self.wrong, self.rounds = [], []
        self.most_mb = 0

    # ---- the platform

    def started(self):
        """A new process, ready. One that finds no broker ends; then it is started again, as a supervisor would."""
        for _ in range(30):
            self.platforms += 1
            made = Platform(self.options.binary, self.cluster.servers, self.folder, self.platforms)
            if made.ready():
                return made
            made.process.wait(timeout=60)
            print(f"  a start ended with {made.process.returncode}: {made.last_words()}", flush=True)
            time.sleep(1)
        raise SystemExit("the platform does not start")

    def restart(self):
        self.platform = self.started()
        self.load.url = self.platform.url

    def kill(self):
        self.platform.process.kill()
        self.platform.process.wait()

    def note(self, what):
        print(f"  WRONG {what}", flush=True)
        self.wrong.append(what)

    # ---- the harms; each ends healed

    def do_kill(self):
        self.kill()
        self.restart()

    def do_zombie(self):
        old = self.platform
        old.process.send_signal(signal.SIGSTOP)
        time.sleep(TRANSACTION_S + 2)
        self.restart()
        time.sleep(self.chance.uniform(0, 2))
        old.process.send_signal(signal.SIGCONT)
        try:
            code = old.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            old.process.kill()
            return self.note("a process whose name another took over goes on")
        if code != 1 or "another process took over" not in old.last_words():
            self.note(f"a process that was taken over from ended with {code}: {old.last_words()}")

    def do_expired(self):
        everybody = range(1, self.options.nodes + 1)
        self.cluster.signal(signal.SIGSTOP, *everybody)  # what the process asks now waits at their doors
        time.sleep(1.5)
        self.platform.process.send_signal(signal.SIGSTOP)
        self.cluster.signal(signal.SIGCONT, *everybody)
        time.sleep(TRANSACTION_S + 4)
        self.platform.process.send_signal(signal.SIGCONT)

    def broker_down(self, node):
        self.cluster.signal(signal.SIGKILL, node)
        self.cluster.ended(node)
        time.sleep(self.chance.uniform(2, 7))
        self.cluster.start(node)

    def do_leader(self):
        self.broker_down(self.cluster.leader(self.chance.choice(["sales", "per_shop", "tw.tradewind.state", "tw.producers"]), 0))

    def do_coordinator(self):
        self.broker_down(self.cluster.coordinator(f"tradewind.tradewind-{self.chance.randrange(2)}"))

    def do_controller(self):
        self.broker_down(self.cluster.controller())

    def do_rolling(self):
        for node in range(1, self.options.nodes + 1):
            self.cluster.signal(signal.SIGTERM, node)
            self.cluster.ended(node)
            self.cluster.start(node)
            if self.cluster.in_sync() is None:
                self.note("brokers did not come together again")

    def do_frozen(self):
        node = self.chance.randrange(1, self.options.nodes + 1)
        self.cluster.signal(signal.SIGSTOP, node)
        time.sleep(self.chance.uniform(3, 12))
        self.cluster.signal(signal.SIGCONT, node)

    def all_gone(self):
        everybody = range(1, self.options.nodes + 1)
        self.cluster.signal(signal.SIGKILL, *everybody)
        self.cluster.ended(*everybody)
        return everybody

    def do_away(self):
        everybody = self.all_gone()
        began, slowest, told = time.monotonic(), 0.0, None
        while time.monotonic() - began < 20:
            asked = time.monotonic()
            status, answer = self.platform.get("/readyz")
            slowest = max(slowest, time.monotonic() - asked)
            if status == 503 and answer and "do not answer since" in json.dumps(answer):
                told = told or time.monotonic() - began
            if self.platform.get("/healthz")[0] != 200:
                self.note("/healthz does not answer 200 while brokers are gone")
            time.sleep(0.5)
        if told is None or told > 10:
            self.note(f"/readyz did not say within 10 s that brokers do not answer ({told})")
        if slowest > 2:
            self.note(f"/readyz took {slowest:.1f} s while brokers were gone")
        self.cluster.start(*everybody)

    def all_gone_within_transactions(self):
        everybody = range(1, self.options.nodes + 1)
        self.cluster.signal(signal.SIGSTOP, *everybody)  # so that much waits at their doors
        time.sleep(1.5)
        self.cluster.signal(signal.SIGCONT, *everybody)
        time.sleep(self.chance.uniform(0.02, 0.4))
        return self.all_gone()

    def do_forgotten(self):
        everybody = self.all_gone_within_transactions()
        time.sleep(TRANSACTION_S + self.chance.uniform(0, 6))
        self.cluster.start(*everybody)

    def do_blackout(self):
        everybody = self.all_gone_within_transactions()
        self.kill()
        time.sleep(TRANSACTION_S + self.chance.uniform(0, 6))
        self.cluster.start(*everybody)
        self.restart()

    def do_term(self):
        everybody = self.all_gone()
        time.sleep(self.chance.uniform(0, 10))
        self.platform.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        try:
            self.platform.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.platform.process.kill()
        if time.monotonic() - began > 15:
            self.note(f"SIGTERM while brokers were gone took {time.monotonic() - began:.0f} s")
        self.cluster.start(*everybody)
        self.restart()

    def do_empty(self):
        name = f"nothing{len(self.rounds)}"
        self.platform.sql(f"CREATE STREAM {name} (k STRING KEY, v BIGINT) WITH (kafka_topic='{name}', partitions=2, value_format='JSON');"
                          f"CREATE TABLE {name}_sums AS SELECT k, SUM(v) AS v FROM {name} GROUP BY k EMIT CHANGES;")
        self.kill()
        self.restart()
        names = [query["name"] for query in self.platform.get("/v1/health")[1]["queries"] if query["state"] == "RUNNING"]
        if not any(name.upper() in known for known in names):
            self.note(f"the query on the empty topic is not running: {names}")
        self.platform.sql(f"DROP TABLE {name}_sums; DROP STREAM {name};")

    def do_poison(self):
        self.load.poison_wanted += self.chance.randrange(1, 20)
        time.sleep(self.chance.uniform(0, 1))
        self.kill()
        self.restart()

    # ---- one round

    def round(self, number, kind):
        time.sleep(self.chance.uniform(1, 4))
        before = len(self.wrong)
        getattr(self, f"do_{kind}")()
        healed = time.monotonic()
        self.load.pause()
        lag, took = None, None
        while time.monotonic() - healed < 4 * WITHIN_S:
            if self.platform.process.poll() is not None:
                self.note(f"the process ended with {self.platform.process.returncode}: {self.platform.last_words()}")
                self.restart()
            if self.load.idle.is_set():
                lag = self.platform.lag()
                if lag == 0:
                    took = time.monotonic() - healed
                    break
            time.sleep(0.1)
        if took is None or took > WITHIN_S:
            reasons = json.dumps(self.platform.get("/readyz"))[:600]
            self.note(f"not healed within {WITHIN_S} s: {took}, lag {lag}, load idle {self.load.idle.is_set()}, {reasons}")
        if self.cluster.in_sync() is None:
            self.note("brokers do not come together")
        found = self.compare()
        self.load.go_on()
        mb = resident_mb(self.platform.process.pid)
        self.most_mb = max(self.most_mb, mb)
        wrong = len(self.wrong) - before
        self.rounds.append((kind, took, wrong))
        print(f"round {number:3} {kind:12} healed after {'never' if took is None else f'{took:5.1f} s'}, lag {lag}, {found} figures compared, {wrong} wrong, "
              f"{self.load.sent} events, {mb} MB, brokers {self.cluster.megabytes()} MB", flush=True)

    def compare(self):
        """A result may be read a moment after its commit: what is wrong must stay so."""
        for _ in range(20):
            found = self.books.check(self.load.sent, self.load.poison)
            if not found and not self.load.refused:
                break
            time.sleep(0.5)
        for what in found + self.load.refused:
            self.note(what)
        self.load.refused.clear()
        return self.books.figures()

    def deck(self):
        """As many rounds as asked, each kind as often as it should, shuffled."""
        kinds = self.options.only.split(",") if self.options.only else [k for k in KINDS if not (self.options.nodes == 1 and k in ("rolling", "coordinator", "controller"))]
        cards = [kind for kind in kinds for _ in range(KINDS[kind][1])]
        drawn = []
        while len(drawn) < self.options.rounds:
            self.chance.shuffle(cards)
            drawn += cards
        if self.options.rounds >= len(kinds):  # then every kind comes
            drawn = kinds + drawn[:self.options.rounds - len(kinds)]
            self.chance.shuffle(drawn)
        return drawn[:self.options.rounds]

    def run(self):
        self.cluster.up()
        self.load = Load(self.options.seed, self.options.rate, self.cluster.servers)
        self.restart()
        self.load.product_id = self.platform.declare()
        self.books = Books(self.cluster.servers, lambda number: self.platform.schema(number))
        self.load.tell_prices(0)
        self.load.start()
        self.load.go_on()
        time.sleep(6)
        until = time.monotonic() + self.options.minutes * 60
        for number, kind in enumerate(self.deck(), 1):
            if time.monotonic() > until:
                print(f"{self.options.minutes:g} minutes are over", flush=True)
                break
            self.round(number, kind)
        self.platform.process.send_signal(signal.SIGTERM)
        if self.platform.process.wait(timeout=60) != 0:
            self.note(f"SIGTERM ended with {self.platform.process.returncode}: {self.platform.last_words()}")
        if self.most_mb > 800:
            self.note(f"the process took {self.most_mb} MB")

    def summary(self, seconds):
        by_kind = collections.defaultdict(list)
        for kind, took, wrong in self.rounds:
            by_kind[kind].append((took, wrong))
        lines = ["| harm | rounds | healed after, middle | at most | wrong |", "|---|---|---|---|---|"]
        for kind, (what, _) in KINDS.items():
            took = sorted(t if t is not None else 999.0 for t, _ in by_kind[kind])
            if took:
                lines.append(f"| {what} | {len(took)} | {took[len(took) // 2]:.1f} s | {took[-1]:.1f} s | {sum(w for _, w in by_kind[kind])} |")
        lines.append("")
        lines.append(f"{len(self.rounds)} rounds on Kafka {self.options.version}, {self.options.nodes} node{'s' if self.options.nodes > 1 else ''}, seed {self.options.seed}, "
                     f"{seconds / 60:.0f} minutes: {self.load.sent} events, {self.books.figures()} figures compared in the last round, "
                     f"{len(self.wrong)} wrong. The longest a request was tried again until it was taken: {self.load.worst_wait:.0f} s. Most memory: {self.most_mb} MB.")
        return "\n".join(lines)

    def end(self):
        if hasattr(self, "load"):
            self.load.end()
        if self.platform is not None and self.platform.process.poll() is None:
            self.platform.process.send_signal(signal.SIGCONT)
            self.platform.process.kill()
        self.cluster.down()


def write_report(path, version, text):
    with open(path) as file:
        page = file.read()
    begin, end = f"<!-- chaos {version} -->", f"<!-- end of chaos {version} -->"
    if begin not in page:
        sys.exit(f"{path} has no {begin}")
    head, rest = page.split(begin)
    with open(path, "w") as file:
        file.write(f"{head}{begin}\n{text}\n{end}{rest.split(end)[1]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--nodes", type=int, choices=(1, 3), default=3)
    parser.add_argument("--version", default=os.environ.get("TW_KAFKA_VERSION", "4.3.1"))
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--rate", type=float, default=1000, help="events a second")
    parser.add_argument("--minutes", type=float, default=600, help="no further round after so long")
    parser.add_argument("--only", help="kinds of rounds: " + ", ".join(KINDS))
    parser.add_argument("--report")
    options = parser.parse_args()
    print(f"seed {options.seed} (repeat with --seed {options.seed})", flush=True)
    folder = tempfile.mkdtemp(prefix="tradewind-chaos-")
    chaos, began = Chaos(options, folder), time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    whole = False
    try:
        chaos.run()
        whole = True
    finally:
        if not whole and chaos.platform is not None:
            print(f"the platform's last words: {chaos.platform.last_words()}; all of them in {folder}", flush=True)
        chaos.end()
    text = chaos.summary(time.monotonic() - began)
    print(text)
    for what in chaos.wrong[:20]:
        print("WRONG", what)
    if options.report:
        write_report(options.report, options.version, text)
    if chaos.wrong:
        print(f"what the processes said lies in {folder}")
        sys.exit(1)
    shutil.rmtree(folder, ignore_errors=True)


main()
