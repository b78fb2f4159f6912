#!/usr/bin/env python3
"""What goes wrong outside of the program, and what the program makes of it.

  bad_input.py --binary build/release/tradewind

Bad requests, records of unknown schemas, a second process, damage in the journal and at its tail, SIGTERM under load, a
full disk: each is answered with a message that says where and what to do, and nothing acknowledged is lost after a restart.
"""
import argparse, http.client, json, os, resource, shutil, signal, socket, subprocess, sys, tempfile, threading, time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--binary", required=True)
options = parser.parse_args()
failures, checks = [], 0


def check(what, fine, found=""):
    global checks
    checks += 1
    if not fine:
        failures.append(f"{what}: {found}")
        print("WRONG", failures[-1][:600])


class Platform:
    def __init__(self, data, file_limit=None):
        self.data = data
        self.errors = tempfile.TemporaryFile(mode="w+")
        limit = None if file_limit is None else lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, resource.RLIM_INFINITY))
        self.process = subprocess.Popen([options.binary, "serve", "--data", data, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE,
                                        stderr=self.errors, text=True, preexec_fn=limit)
        line = self.process.stdout.readline()
        self.ready = line.startswith("ready ")
        self.port = int(line.split()[1].rsplit(":", 1)[1]) if self.ready else 0

    def message(self):
        self.errors.seek(0)
        return self.errors.read()

    def ask(self, method, target, body=b"", timeout=30):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, target, body)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), dict(answer.getheaders())
        finally:
            connection.close()

    def ksql(self, text):
        status, body, _ = self.ask("POST", "/ksql", json.dumps({"ksql": text, "streamsProperties": {"auto.offset.reset": "earliest"}}))
        return status, body

    def rows(self, text):
        status, body, _ = self.ask("POST", "/query-stream", json.dumps({"sql": text, "properties": {"auto.offset.reset": "earliest"}}))
        return [json.loads(line) for line in body.splitlines()[1:]] if status == 200 else body

    def raw(self, data, half=False):
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            try:
                connection.sendall(data)
                if half:
                    connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
            return answer.decode(errors="replace")

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(timeout=60)


def order(number, padding=""):
    return {"event_id": f"0190c8a4-0000-7000-8000-{number:012d}", "event_type": "ORDER_PLACED", "event_time": 1767225600000 + number,
            "order_id": f"A-{number}", "customer_id": f"c-{number % 7}", "currency": "EUR", "attributes": {"note": padding}, "items": []}


ORDERS = """CREATE STREAM orders_in (customer STRING KEY, order_id STRING) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='AVRO');
CREATE TABLE by_order AS SELECT order_id, COUNT(*) AS n FROM orders_in GROUP BY order_id EMIT CHANGES;"""


def counted(platform):
    rows = platform.rows("SELECT order_id, n FROM by_order;")
    return {name: n for name, n in rows} if isinstance(rows, list) else rows


def check_kept(what, platform, acknowledged):
    found = counted(platform)
    check(f"{what}: rows", isinstance(found, dict), found)
    if isinstance(found, dict):
        missing = [n for n in acknowledged if found.get(f"A-{n}") != 1]
        check(f"{what}: acknowledged orders are there once", not missing, f"{len(missing)} of {len(acknowledged)} are not, e.g. {missing[:3]}")


def bad_requests(folder):
    platform = Platform(folder)
    send = lambda events: platform.ask("POST", "/v1/events/orders", json.dumps(events))
    status, body, _ = platform.ask("POST", "/v1/events/orders", b"[" + b" " * (9 << 20) + b"]")
    check("a body of 9 MB", status == 413 and "send less at once" in body, (status, body))
    answer = platform.raw(b"GET /info HTTP/1.1\r\nX: " + b"x" * 20000 + b"\r\n\r\n")
    check("a header of 20 KB", " 431 " in answer, answer)
    answer = platform.raw(b"POST /v1/events/orders HTTP/1.1\r\nContent-Length: 100\r\n\r\n[{", half=True)
    check("half a request", answer == "" or " 400 " in answer, answer)
    answer = platform.raw(b"GET /info?a=%4 HTTP/1.1\r\nConnection: close\r\n\r\n")
    check("a broken escape", " 400 " in answer and "two hexadecimal digits" in answer, answer)
    status, body, _ = platform.ask("POST", "/v1/events/orders", b'{"event_id": ')
    check("half a JSON document", status == 400 and "JSON" in body, (status, body))
    status, body, _ = platform.ask("POST", "/v1/events/nowhere", b"{}")
    check("an unknown topic", status == 404 and "nowhere" in body, (status, body))
    wrong = dict(order(2), event_time="yesterday")
    status, body, _ = send([order(1), wrong])
    answer = json.loads(body)
    check("one good event and one of a wrong type", status == 202 and answer["accepted"] == 1 and answer["rejected"][0]["index"] == 1, body)
    check("the field that is wrong is named", "event_time" in answer["rejected"][0]["error"].lower(), body)
    status, body, _ = send(wrong)
    check("only a wrong event", status == 400 and json.loads(body)["accepted"] == 0, (status, body))
    status, body = platform.ksql("CREATE TABEL x;")
    check("bad SQL", status == 400 and "line 1" in body.lower(), (status, body))
    second = subprocess.run([options.binary, "serve", "--data", folder, "--listen", "127.0.0.1:0"], capture_output=True, text=True)
    check("a second process", second.returncode == 1 and "another process uses" in second.stderr and "--data" in second.stderr, second)
    check("a wrong option", subprocess.run([options.binary, "serve", "--no-such"], capture_output=True).returncode == 2)
    check("all went on", send(order(3))[0] == 202)
    check("SIGTERM", platform.stop() == 0, platform.message())


def bad_records(folder):
    """A topic of any bytes read as Avro: what cannot be read is told and left out, the rest is counted."""
    platform = Platform(folder)
    status, body = platform.ksql("""CREATE STREAM av (a STRING, n BIGINT) WITH (KAFKA_TOPIC='bytes', PARTITIONS=1, VALUE_FORMAT='AVRO');
        CREATE STREAM bytes (v STRING) WITH (KAFKA_TOPIC='bytes', PARTITIONS=1, VALUE_FORMAT='KAFKA');
        CREATE TABLE c AS SELECT a, COUNT(*) AS n FROM av GROUP BY a EMIT CHANGES;
        INSERT INTO av VALUES ('x', 1);""")
    check("streams over one topic", status == 200, body)
    status, body = platform.ksql("INSERT INTO bytes VALUES ('\0\0\0\0czz'); INSERT INTO bytes VALUES ('no frame'); INSERT INTO av VALUES ('x', 2);")
    check("bytes that are no Avro are appended", status == 200, body)
    check("good rows are counted", platform.rows("SELECT a, n FROM c;") == [["x", 2]], platform.rows("SELECT a, n FROM c;"))
    platform.ksql("CREATE STREAM trouble (v STRING) WITH (KAFKA_TOPIC='tw.processing_log', PARTITIONS=1, VALUE_FORMAT='KAFKA');")
    told = str(platform.rows("SELECT v FROM trouble EMIT CHANGES LIMIT 2;"))
    check("the unknown schema is told with its id and place", "99" in told and '"offset":1' in told and '"topic":"bytes"' in told, told)
    status, body = platform.ksql("SHOW QUERIES;")
    check("the query runs", "RUNNING" in body and "ERROR" not in body, body)
    check("SIGTERM", platform.stop() == 0, platform.message())


def segments(folder):
    journal = os.path.join(folder, "journal")
    return [os.path.join(journal, name) for name in sorted(os.listdir(journal)) if name.endswith(".seg") and name[0].isdigit()]


def damage(folder):
    platform = Platform(folder)
    check("queries over orders", platform.ksql(ORDERS)[0] == 200)
    acknowledged = []
    for number in range(300):
        if platform.ask("POST", "/v1/events/orders", json.dumps(order(number)))[0] == 202:
            acknowledged.append(number)
    check_kept("before", platform, acknowledged)
    platform.stop(signal.SIGKILL)
    path = segments(folder)[-1]
    with open(path, "rb") as file:
        content = file.read()
    used = len(content.rstrip(b"\0"))
    with open(path, "r+b") as file:  # a frame that a power cut tore
        file.seek(used + 1)
        file.write(content[64:64 + 40] + b"\x55" * 50)
    platform = Platform(folder)
    check("a torn tail is cut", platform.ready, platform.message())
    check_kept("after a torn tail", platform, acknowledged)
    check("SIGTERM", platform.stop() == 0, platform.message())

    with open(path, "rb") as file:
        whole = file.read()
    with open(path, "r+b") as file:
        file.seek(used // 2)
        file.write(bytes(byte ^ 0xFF for byte in whole[used // 2:used // 2 + 8]))
    platform = Platform(folder)
    code = platform.process.wait(timeout=60) if not platform.ready else platform.stop()
    message = platform.message()
    check("damage in the middle is refused", not platform.ready and code == 1, (platform.ready, code, message))
    check("it says where and what to do", "is damaged at byte" in message and os.path.basename(path) in message and "backup" in message, message)
    with open(path, "wb") as file:
        file.write(whole)
    platform = Platform(folder)
    check_kept("restored from the backup", platform, acknowledged)
    platform.stop()


class Load:
    """Posts orders from some threads and keeps the numbers of those that were acknowledged."""

    def __init__(self, platform, threads=4, batch=5, padding=""):
        self.platform, self.batch, self.padding = platform, batch, padding
        self.lock, self.next, self.acknowledged, self.over = threading.Lock(), 0, [], threading.Event()
        self.threads = [threading.Thread(target=self.run) for _ in range(threads)]
        for thread in self.threads:
            thread.start()

    def run(self):
        while not self.over.is_set():
            with self.lock:
                numbers = list(range(self.next, self.next + self.batch))
                self.next += self.batch
            try:
                status = self.platform.ask("POST", "/v1/events/orders", json.dumps([order(n, self.padding) for n in numbers]))[0]
            except (OSError, http.client.HTTPException):
                return
            if status != 202:
                return
            with self.lock:
                self.acknowledged += numbers

    def wait_for(self, count, seconds=60):
        deadline = time.monotonic() + seconds
        while len(self.acknowledged) < count and any(t.is_alive() for t in self.threads) and time.monotonic() < deadline:
            time.sleep(0.01)

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join()


def stopped_under_load(folder):
    platform = Platform(folder)
    check("queries over orders", platform.ksql(ORDERS)[0] == 200)
    load = Load(platform)
    load.wait_for(500)
    code = platform.stop()
    load.end()
    check("SIGTERM under load", code == 0, (code, platform.message()))
    check("some were acknowledged", len(load.acknowledged) >= 500, len(load.acknowledged))
    platform = Platform(folder)
    check_kept("after SIGTERM under load", platform, load.acknowledged)
    platform.stop()


def full_disk(folder, fill, make_room, name):
    """`fill` starts the platform where space is short, `make_room` ends that."""
    platform = fill()
    check(f"{name}: starts", platform.ready, platform.message())
    check("queries over orders", platform.ksql(ORDERS)[0] == 200)
    load = Load(platform, threads=2, batch=100, padding="x" * 4000)
    load.wait_for(25_000, seconds=120)  # more than fits: ends by itself
    load.end()
    refused, fitted = 1_000_000, []
    for _ in range(100):  # what was freed since may take one more
        status, body, headers = platform.ask("POST", "/v1/events/orders", json.dumps([order(refused + i, "x" * 4000) for i in range(100)]))
        if status != 202:
            break
        fitted += [refused + i for i in range(100)]
        refused += 100
    check(f"{name}: refused", status == 503 and "the disk is full" in body and "make room" in body, (status, body[:300], len(load.acknowledged)))
    check(f"{name}: asked to come again", "Retry-After" in headers, headers)
    status, body, _ = platform.ask("GET", "/readyz")
    check(f"{name}: not ready", status == 503 and "the disk is full" in body, (status, body))
    check(f"{name}: alive", platform.ask("GET", "/healthz")[0] == 200 and platform.process.poll() is None)
    check(f"{name}: still answers", isinstance(platform.rows("SELECT order_id, n FROM by_order WHERE order_id = 'A-1';"), list))
    make_room(platform)
    deadline = time.monotonic() + 20
    while platform.ask("GET", "/readyz")[0] != 200 and time.monotonic() < deadline:
        time.sleep(0.05)
    status, body, _ = platform.ask("POST", "/v1/events/orders", json.dumps([order(refused + i, "x" * 4000) for i in range(100)]))
    check(f"{name}: goes on when there is room", status == 202, (status, body[:300]))
    acknowledged = load.acknowledged + fitted + [refused + i for i in range(100)]
    check_kept(f"{name}: after there was room", platform, acknowledged)
    platform.stop(signal.SIGKILL)
    platform = Platform(folder)
    check_kept(f"{name}: after SIGKILL", platform, acknowledged)
    platform.stop()


def full_by_limit(folder):
    small = Platform(os.path.join(folder, "none"), file_limit=1 << 20)
    check("no room for the first segment", not small.ready and small.process.wait(timeout=60) == 1 and "the disk is full" in small.message(), small.message())
    lift = lambda platform: resource.prlimit(platform.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    full_disk(folder, lambda: Platform(folder, file_limit=20 << 20), lift, "a limit on files")


def full_by_mount(folder):
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", folder], capture_output=True).returncode != 0:
        print("no small disk can be mounted here; that part is left out")
        return
    try:
        grow = lambda platform: subprocess.run(["mount", "-o", "remount,size=400m", folder], check=True)
        full_disk(folder, lambda: Platform(folder), grow, "a small disk")
    finally:
        subprocess.run(["umount", "-l", folder])


top = tempfile.mkdtemp(prefix="tradewind-bad-")
try:
    for part in (bad_requests, bad_records, damage, stopped_under_load, full_by_limit, full_by_mount):
        folder = os.path.join(top, part.__name__)
        os.makedirs(folder)
        began, before = time.monotonic(), checks
        part(folder)
        print(f"{part.__name__}: {checks - before} checks, {time.monotonic() - began:.1f} s", flush=True)
finally:
    shutil.rmtree(top, ignore_errors=True)
print(f"{checks} checks, {len(failures)} wrong")
sys.exit(1 if failures else 0)
