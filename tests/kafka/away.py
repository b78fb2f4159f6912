#!/usr/bin/env python3
"""What a platform answers while its brokers are gone: probes at once and truly, requests within the patience.

  away.py --binary build/release/tradewind [--seconds N] [--rounds N] [--version 4.3.1|3.9.2]

It starts a broker and a platform with the shop's queries, and kills the broker, once with events coming in and once without. For N seconds (14) /readyz,
/healthz and /metrics are asked five times a second each: every answer must be there within half a second, /readyz must say within 10 s that brokers are gone and
go on saying so until they answer. Events that are sent meanwhile must be answered within the patience and three seconds, with 503 and Retry-After, also those for
topics that nobody has heard of, however many wait at once; pull queries within tradewind.pull.wait.ms and half a second. Then the broker returns, and all must be well again. At last SIGTERM while it is gone.
"""
import argparse, json, os, shutil, signal, subprocess, sys, tempfile, threading, time, urllib.error, urllib.request

try:
    import confluent_kafka  # noqa: F401
except ImportError:
    print("skipped: confluent-kafka is not installed (./test installs it)")
    sys.exit(77)

from cluster import Cluster
from serving import free_port

HERE = os.path.dirname(os.path.abspath(__file__))
PATIENCE_S = 6
AT_ONCE_S, TOLD_WITHIN_S, ANSWERED_WITHIN_S, WELL_WITHIN_S, ENDED_WITHIN_S, SHOWN_WITHIN_S = 0.5, 10, PATIENCE_S + 3, 30, 6, 5.5
QUERIES = os.path.join(HERE, "..", "..", "queries", "shop")
wrong = []


def note(what):
    print(f"  WRONG {what}", flush=True)
    wrong.append(what)


def ask(url, body=None, headers=None, seconds=60):
    """(status, text, headers, seconds); status 0: no answer."""
    began = time.monotonic()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers or {}), timeout=seconds) as answer:
            return answer.status, answer.read().decode(), answer.headers, time.monotonic() - began
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode(), refused.headers, time.monotonic() - began
    except OSError as failed:
        return 0, str(failed), {}, time.monotonic() - began


class Prober(threading.Thread):
    """Asks one path five times a second, on a connection each; keeps (when, status, text, seconds)."""

    def __init__(self, url, path):
        super().__init__(daemon=True)
        self.url, self.path, self.answers, self.over = url, path, [], threading.Event()
        self.start()

    def run(self):
        while not self.over.is_set():
            began = time.monotonic()
            status, text, _, took = ask(self.url + self.path)
            self.answers.append((began, status, text, took))
            time.sleep(max(0.2 - took, 0))

    def end(self):
        self.over.set()
        self.join()
        return self.answers


class Sender(threading.Thread):
    """One client that sends an event after the other; `numbered`: as a numbering producer. Keeps (when, status, Retry-After, seconds)."""

    def __init__(self, url, topic, name, numbered, pause=0.05):
        super().__init__(daemon=True)
        self.url, self.topic, self.name_, self.numbered, self.pause = url, topic, name, numbered, pause
        self.answers, self.over, self.number = [], threading.Event(), 0
        self.start()

    def run(self):
        while not self.over.is_set():
            body = json.dumps([{"number": self.number, "who": self.name_}]).encode()
            headers = {"Content-Type": "application/json"}
            if self.numbered:
                headers |= {"tw-producer": self.name_, "tw-sequence": str(self.number)}
            began = time.monotonic()
            status, text, told, took = ask(f"{self.url}/v1/events/{self.topic}", body, headers)
            self.answers.append((began, status, told.get("Retry-After"), took, text))
            self.number += status == 202
            self.over.wait(self.pause)

    def end(self):
        self.over.set()
        self.join(timeout=60)
        return self.answers


class Platform:
    def __init__(self, options, folder, servers):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.errors = open(os.path.join(folder, "platform.log"), "a")
        self.process = subprocess.Popen([options.binary, "serve", "--log", f"kafka:{servers}", "--listen", f"127.0.0.1:{self.port}", "--queries", QUERIES,
                                         "--log.kafka.patience", f"{PATIENCE_S}s"], stdout=subprocess.PIPE, stderr=self.errors, text=True)
        if not self.process.stdout.readline().startswith("ready"):
            raise SystemExit(f"the platform did not start; see {folder}")

    def declare(self):
        """The topic `pings` with its schema."""
        fields = [{"name": "number", "type": "long"}, {"name": "who", "type": "string"}]
        schema = json.dumps({"schema": json.dumps({"type": "record", "name": "Ping", "fields": fields})}).encode()
        status, text, _, _ = ask(f"{self.url}/subjects/pings-value/versions", schema, {"Content-Type": "application/json"})
        assert status == 200, text
        status, text, _, _ = ask(f"{self.url}/v1/topics", json.dumps({"name": "pings", "partitions": 2}).encode(), {"Content-Type": "application/json"})
        assert status in (200, 201), text


class Puller(threading.Thread):
    """Asks one pull query after the other; keeps (when, status, text, seconds)."""

    def __init__(self, url):
        super().__init__(daemon=True)
        self.url, self.answers, self.over = url, [], threading.Event()
        self.start()

    def run(self):
        body = json.dumps({"sql": "SELECT * FROM REVENUE_BY_CATEGORY;"}).encode()
        while not self.over.is_set():
            began = time.monotonic()
            status, text, _, took = ask(f"{self.url}/query-stream", body, {"Content-Type": "application/json"})
            self.answers.append((began, status, text, took))
            self.over.wait(0.3)

    def judge(self, gone):
        self.over.set()
        self.join(timeout=60)
        slowest = max(self.answers, key=lambda answer: answer[3])
        print(f"    pull queries: {len(self.answers)} answers, the slowest {slowest[3]:.2f} s, {slowest[0] - gone:.1f} s after the kill", flush=True)
        for began, status, text, took in self.answers:
            if took > SHOWN_WITHIN_S or status != 200:
                note(f"a pull query took {took:.2f} s, asked {began - gone:.1f} s after the kill: {status} {text[:200]}")


def judge(path, answers, gone, back):
    slowest = max(answers, key=lambda answer: answer[3])
    print(f"    {path}: {len(answers)} answers, the slowest {slowest[3]:.2f} s, {slowest[0] - gone:.1f} s after the kill", flush=True)
    slow = [answer for answer in answers if answer[3] > AT_ONCE_S or answer[1] == 0]
    for began, status, text, took in slow[:5]:
        note(f"{path} took {took:.2f} s (status {status}), asked {began - gone:.1f} s after the kill")
    if path != "/readyz":
        for began, status, text, _ in [answer for answer in answers if answer[1] != 200][:3]:
            note(f"{path} answered {status} {began - gone:.1f} s after the kill: {text[:200]}")
        return
    told = [began for began, status, text, _ in answers if status == 503 and began > gone and "Kafka" in text]
    if not told or told[0] - gone > TOLD_WITHIN_S:
        return note(f"/readyz said {told[0] - gone if told else 'never'} s after the kill that brokers are gone; {TOLD_WITHIN_S} s are allowed")
    print(f"    /readyz said it {told[0] - gone:.1f} s after the kill", flush=True)
    for began, status, text, _ in [answer for answer in answers if told[0] < answer[0] < back and answer[1] != 503][:3]:
        note(f"/readyz said ready {began - gone:.1f} s after the kill, having said before that it is not")


def judge_sent(sender, gone, back):
    away = [answer for answer in sender.answers if answer[0] + answer[3] > gone and answer[0] < back - 1]
    slowest = max((answer[3] for answer in away), default=0)
    kind = f"{'numbered ' if sender.numbered else ''}events for {sender.topic} by {sender.name_}"
    print(f"    {kind}: {len(away)} answers, the slowest {slowest:.1f} s", flush=True)
    for began, status, again, took, text in away:
        if took > ANSWERED_WITHIN_S:
            note(f"{kind}: an answer took {took:.1f} s, asked {began - gone:.1f} s after the kill: {status} {text[:200]}")
        elif status == 503 and not again:
            note(f"{kind}: 503 without Retry-After: {text[:200]}")
        elif status not in (202, 503) and not (status == 404 and began + took > back):
            note(f"{kind}: {status} {text[:200]}")


def brokers_go(platform, cluster, seconds, load):
    probers = [Prober(platform.url, path) for path in ("/readyz", "/healthz", "/metrics")]
    puller, senders = Puller(platform.url), []
    if load:
        senders = [Sender(platform.url, "pings", f"{'till' if i % 2 else 'page'}{i}", i % 2 == 1) for i in range(6)]
    time.sleep(3)
    cluster.signal(signal.SIGKILL, 1)
    gone = time.monotonic()
    cluster.ended(1)
    if load:
        time.sleep(1)
        senders += [Sender(platform.url, f"unheard{i}", f"stranger{i}", False) for i in range(4)]
    time.sleep(max(gone + seconds - time.monotonic(), 0))
    back = time.monotonic()
    cluster.start(1)
    while ask(f"{platform.url}/readyz")[0] != 200 and time.monotonic() - back < 2 * WELL_WITHIN_S:
        time.sleep(0.1)
    print(f"    ready again {time.monotonic() - back:.1f} s after the broker was started", flush=True)
    if time.monotonic() - back > WELL_WITHIN_S:
        note(f"not ready again within {WELL_WITHIN_S} s")
    for prober in probers:
        judge(prober.path, prober.end(), gone, back)
    puller.judge(gone)
    for sender in senders:
        sender.end()
        judge_sent(sender, gone, back)
    for sender in senders[:6]:
        if sender.answers[-1][1] != 202:
            note(f"{sender.name_} is not served after all is well: {sender.answers[-1]}")


def terminated(platform, cluster, after):
    cluster.signal(signal.SIGKILL, 1)
    cluster.ended(1)
    time.sleep(after)
    began = time.monotonic()
    platform.process.send_signal(signal.SIGTERM)
    try:
        code = platform.process.wait(timeout=60)
    except subprocess.TimeoutExpired:
        platform.process.kill()
        code = "nothing"
    took = time.monotonic() - began
    print(f"  SIGTERM {after} s after the kill: ended with {code} after {took:.1f} s", flush=True)
    if took > ENDED_WITHIN_S:
        note(f"SIGTERM {after} s after the kill took {took:.1f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--seconds", type=float, default=14)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--version", default=os.environ.get("TW_KAFKA_VERSION", "4.3.1"))
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="tradewind-away-")
    cluster, platform = Cluster(os.path.join(folder, "kafka"), 1, options.version), None
    try:
        cluster.up()
        platform = Platform(options, folder, cluster.servers)
        platform.declare()
        for number in range(options.rounds):
            for load in (True, False):
                print(f"  round {number + 1}, {'events come in' if load else 'nothing comes in'}", flush=True)
                brokers_go(platform, cluster, options.seconds, load)
        for after in (0.5, 8):
            terminated(platform, cluster, after)
            if after == 0.5:
                cluster.start(1)
                platform = Platform(options, folder, cluster.servers)
    finally:
        if platform is not None and platform.process.poll() is None:
            platform.process.kill()
        cluster.down()
    print(f"{len(wrong)} wrong")
    if wrong:
        print(f"what the platform said lies in {folder}")
        sys.exit(1)
    shutil.rmtree(folder, ignore_errors=True)


main()
