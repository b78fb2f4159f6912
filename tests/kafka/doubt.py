#!/usr/bin/env python3
"""Commits whose outcome nobody tells: the connection is cut at the request that ends a transaction.

  doubt.py --binary build/release/tradewind [--rounds N] [--version V] [--seed N]

Between the platform and its broker stands a proxy that knows the requests of Kafka. It lets the one that commits go astray, or its answer, and
then takes no connection for longer than the platform is patient: so that it cannot ask again, and must find out by itself. In the first case the
transaction was given up and has to be written again, in the second it went through and must not be. Every figure is recounted; the platform must
have met both cases, of its workers and of what takes events.
"""
import argparse, os, random, shutil, signal, socket, struct, sys, tempfile, threading, time

try:
    import confluent_kafka, fastavro  # noqa: F401
except ImportError:
    print("skipped: confluent-kafka or fastavro is not installed (./test installs them)")
    sys.exit(77)

from books import Books
from cluster import Cluster
from load import Load
from serving import PATIENCE_S, Platform, free_port

HERE = os.path.dirname(os.path.abspath(__file__))
PRODUCE, END = 0, 26


def text_at(frame, at):
    size = struct.unpack_from(">h", frame, at)[0]
    return frame[at + 2:at + 2 + max(size, 0)].decode(), at + 2 + max(size, 0)


def commits(frame, who):
    """Whether the frame is a request that commits a transaction of an id that begins so."""
    if struct.unpack_from(">h", frame)[0] != END:
        return False
    _, at = text_at(frame, 8)
    transactional_id, at = text_at(frame, at)
    return transactional_id.startswith(who) and frame[at + 10] == 1


class Proxy:
    def __init__(self, port, behind):
        self.behind, self.lock = behind, threading.Lock()
        self.pairs, self.closed_until = set(), 0.0
        self.harm, self.who, self.done = None, "", threading.Event()
        self.listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self.accept, daemon=True).start()

    def arm(self, harm, who):
        """harm: "request", "answer" (of a commit), or "produce" (its answer)."""
        self.done.clear()
        self.harm, self.who = harm, who

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            if time.monotonic() < self.closed_until:
                client.close()
                continue
            try:
                broker = socket.create_connection(("127.0.0.1", self.behind))
            except OSError:
                client.close()
                continue
            pair = (client, broker)
            with self.lock:
                self.pairs.add(pair)
            awaited = set()
            threading.Thread(target=self.pump, args=(pair, client, broker, self.asked, awaited), daemon=True).start()
            threading.Thread(target=self.pump, args=(pair, broker, client, self.answered, awaited), daemon=True).start()

    def pump(self, pair, source, target, look, awaited):
        try:
            while True:
                head = self.exactly(source, 4)
                frame = self.exactly(source, struct.unpack(">i", head)[0])
                if look(frame, awaited):
                    self.cut()
                    return
                target.sendall(head + frame)
        except OSError:
            pass
        finally:
            with self.lock:
                self.pairs.discard(pair)
            for end in pair:
                end.close()

    @staticmethod
    def exactly(source, size):
        data = bytearray()
        while len(data) < size:
            part = source.recv(size - len(data))
            if not part:
                raise OSError("closed")
            data += part
        return bytes(data)

    def asked(self, frame, awaited):
        """Whether to cut instead of passing it on."""
        with self.lock:
            wanted = self.harm is not None and (commits(frame, self.who) if self.harm != "produce" else self.produces(frame))
            if not wanted:
                return False
            harm, self.harm = self.harm, None
            if harm == "request":
                return True
            awaited.add(struct.unpack_from(">i", frame, 4)[0])
            return False

    def produces(self, frame):
        if struct.unpack_from(">h", frame)[0] != PRODUCE:
            return False
        _, at = text_at(frame, 8)
        return text_at(frame, at)[0].startswith(self.who)

    def answered(self, frame, awaited):
        return struct.unpack_from(">i", frame)[0] in awaited

    def cut(self):
        self.closed_until = time.monotonic() + PATIENCE_S + 3
        with self.lock:
            pairs = list(self.pairs)
        for pair in pairs:
            for end in pair:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        self.done.set()


def door_settings(folder, inside, proxy_port):
    """A file with a listener more, which is told to clients as the proxy's."""
    with open(os.path.join(HERE, "node.properties.in")) as file:
        known = dict(line.strip().split("=", 1) for line in file if "=" in line and not line.startswith("#"))
    path = os.path.join(folder, "door.properties")
    with open(path, "w") as file:
        file.write(f"listeners={known['listeners']},DOOR://127.0.0.1:{inside}\n"
                   f"advertised.listeners={known['advertised.listeners']},DOOR://127.0.0.1:{proxy_port}\n"
                   f"listener.security.protocol.map={known['listener.security.protocol.map']},DOOR:PLAINTEXT\n")
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--version", default=os.environ.get("TW_KAFKA_VERSION", "4.3.1"))
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print(f"seed {options.seed} (repeat with --seed {options.seed})", flush=True)
    chance, wrong = random.Random(options.seed), []
    folder = tempfile.mkdtemp(prefix="tradewind-doubt-")
    door, inside = free_port(), free_port()
    cluster, platform = Cluster(os.path.join(folder, "kafka"), 1, options.version, door_settings(folder, inside, door)), None
    try:
        cluster.up()
        proxy = Proxy(door, inside)
        load = Load(options.seed, 500, cluster.servers)
        platform = Platform(options.binary, f"127.0.0.1:{door}", folder, 1)
        if not platform.ready():
            sys.exit(f"the platform does not start: {platform.last_words()}")
        load.url = platform.url
        load.product_id = platform.declare()
        books = Books(cluster.servers, platform.schema)
        load.tell_prices(0)
        load.start()
        harms = [("request", "tradewind.tradewind-"), ("answer", "tradewind.tradewind-"), ("request", "tradewind.append"), ("answer", "tradewind.append"),
                 ("produce", "tradewind.tradewind-"), ("produce", "tradewind.append")]
        for number in range(options.rounds):
            harm, who = harms[number % len(harms)]
            load.go_on()
            time.sleep(chance.uniform(1, 3))
            doubts = {outcome: platform.metric(f'tw_log_doubtful_commits_total{{outcome="{outcome}"}}') for outcome in ("committed", "given_up")}
            proxy.arm(harm, who)
            if not proxy.done.wait(20):
                wrong.append(f"{harm} of {who} never came")
                continue
            time.sleep(max(proxy.closed_until - time.monotonic(), 0))
            healed = time.monotonic()
            load.pause()
            while not (load.idle.is_set() and platform.lag() == 0) and time.monotonic() - healed < 60:
                time.sleep(0.1)
            took = time.monotonic() - healed
            if took > 30:
                wrong.append(f"{harm} of {who}: not healed within 30 s")
            now = {outcome: platform.metric(f'tw_log_doubtful_commits_total{{outcome="{outcome}"}}') for outcome in doubts}
            more = {outcome: now[outcome] - doubts[outcome] for outcome in now}
            expected = {"request": "given_up", "answer": "committed"}.get(harm)
            # The cut hits every connection, so others may be in doubt as well.
            if expected and more[expected] < 1:
                wrong.append(f"{harm} of {who}: the doubt was settled as {more}, expected {expected}")
            found = ["nothing was compared"]
            for _ in range(20):
                found = books.check(load.sent, load.poison)
                if not found:
                    break
                time.sleep(0.5)
            wrong += found
            print(f"round {number + 1}: the {harm} of {who} went astray, healed after {took:.1f} s, doubts settled {more}, {len(found)} wrong", flush=True)
        load.end()
        platform.process.send_signal(signal.SIGTERM)
        if platform.process.wait(timeout=60) != 0:
            wrong.append("the platform did not end well after SIGTERM")
    finally:
        if platform is not None and platform.process.poll() is None:
            print(f"the platform's last words: {platform.last_words()}")
            platform.process.kill()
        cluster.down()
    for what in wrong[:20]:
        print("WRONG", what)
    print(f"{options.rounds} rounds, {load.sent} events, {len(wrong)} wrong")
    if wrong:
        sys.exit(1)
    shutil.rmtree(folder, ignore_errors=True)


main()
