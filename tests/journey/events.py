#!/usr/bin/env python3
"""Producers that are not ours against the real program: keys, other origins, quotas, slow clients, and SIGKILL between answers.

  events.py --binary build/release/tradewind [--kills N] [--seed N]

What was answered as accepted is there exactly once in the end, whatever was killed; recounted from the log.
"""
import argparse, gzip, http.client, json, os, random, shutil, signal, socket, subprocess, sys, tempfile, threading, time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--binary", required=True)
parser.add_argument("--kills", type=int, default=4)
parser.add_argument("--seed", type=int, default=int(time.time()))
options = parser.parse_args()
chance = random.Random(options.seed)
print(f"seed {options.seed} (repeat with --seed {options.seed})")
folder = tempfile.mkdtemp(prefix="tradewind-events-")
failures, checks = [], 0
WEB, READ, OPS = "web-key-0123456789abcdef", "read-key-0123456789abcdef", "ops-key-0123456789abcdef"


def check(what, fine, found=""):
    global checks
    checks += 1
    if not fine:
        failures.append(what)
        print("WRONG", what, str(found)[:500])


class Platform:
    def __init__(self, name, *flags):
        self.process = subprocess.Popen([options.binary, "serve", "--data", os.path.join(folder, name), "--listen", "127.0.0.1:0", *flags],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                        env={**os.environ, "THE_KEYS": f"web write {WEB}; reports read {READ}; ops all {OPS}"})
        line = self.process.stdout.readline()
        if not line.startswith("ready "):
            sys.exit(f"the platform did not start: {line}")
        self.port = int(line.split()[1].rsplit(":", 1)[1])

    def ask(self, method, target, body=None, headers={}):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, target, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), {k.lower(): v for k, v in answer.getheaders()}
        finally:
            connection.close()

    def memory_kb(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(next(line for line in status if line.startswith("VmRSS")).split()[1])

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        return self.process.wait(timeout=60)


def view(number, more={}):
    return {"event_id": f"0190c8a4-0000-7000-8000-{number:012d}", "event_type": "PRODUCT_VIEWED", "event_time": 1767225600000 + number,
            "visitor_id": f"v-{number % 50}", **more}


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


def keys_and_origins():
    platform = Platform("keys", "--server.keys", "${env:THE_KEYS}", "--server.cors_origins", "https://shop.example")
    events, origin = "/v1/events/customer-events", {"Origin": "https://shop.example"}
    status, body, headers = platform.ask("POST", events, json.dumps(view(1)), origin)
    check("no key is 401, also for the page of another origin", status == 401 and headers.get("access-control-allow-origin") == "https://shop.example"
          and json.loads(body)["error_code"] == 40100, (status, body, headers))
    for name, key, target, wanted in [("web", WEB, events, 202), ("ops", OPS, events, 202), ("reports", READ, events, 403)]:
        status, body, _ = platform.ask("POST", target, json.dumps(view(1)), bearer(key))
        check(f"{name} sends events: {wanted}", status == wanted and key not in body, (status, body))
    status, body, _ = platform.ask("POST", "/ksql", json.dumps({"ksql": "SHOW TOPICS;"}), bearer(READ))
    check("a key that may read sees topics", status == 200, body)
    status, body, _ = platform.ask("POST", "/ksql", json.dumps({"ksql": "DROP STREAM NOWHERE;"}), bearer(READ))
    check("and drops nothing", status == 403 and json.loads(body)["error_code"] == 40300, body)
    status, body, _ = platform.ask("GET", "/subjects", None, {"X-API-Key": WEB})
    check("the registry refuses in its own shape", status == 403 and json.loads(body) == {"error_code": 40301, "message": "key web may not read here"}, body)
    status, body, _ = platform.ask("POST", events + f"?api_key={WEB}", json.dumps(view(2)), {"Content-Type": "text/plain;charset=UTF-8"})
    check("a page that goes away sends its key in the address", status == 202, body)
    status, _, headers = platform.ask("OPTIONS", events, None, {**origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"})
    check("a preflight is answered without a key", status == 204 and "Authorization" in headers.get("access-control-allow-headers", "")
          and headers.get("access-control-max-age") == "600", (status, headers))
    status, _, headers = platform.ask("OPTIONS", events, None, {"Origin": "https://other.example", "Access-Control-Request-Method": "POST"})
    check("but not to others", "access-control-allow-origin" not in headers, headers)
    for probe in ("/healthz", "/readyz", "/startupz"):
        check(f"{probe} asks for no key", platform.ask("GET", probe)[0] == 200)
    check("/metrics does", platform.ask("GET", "/metrics")[0] == 401)
    platform.end()
    refused = subprocess.run([options.binary, "serve", "--data", os.path.join(folder, "refused"), "--listen", "0.0.0.0:0"], capture_output=True, text=True)
    check("without keys it answers on this machine only", refused.returncode == 2 and "server.keys" in refused.stderr and "server.open" in refused.stderr, refused.stderr)


def shapes_and_schemas():
    platform = Platform("shapes")
    events = "/v1/events/customer-events"
    lines = "\n".join([json.dumps(view(1)), "nonsense", json.dumps(view(2, {"dwell_ms": "long"})), json.dumps(view(3))])
    status, body, _ = platform.ask("POST", events, lines, {"Content-Type": "application/x-ndjson"})
    rejected = json.loads(body)["rejected"]
    check("lines are taken each for itself", status == 202 and json.loads(body)["accepted"] == 2 and [r["index"] for r in rejected] == [1, 2], body)
    check("field and expectation are named", rejected[1]["field"] == "dwell_ms" and "whole number" in rejected[1]["expected"], body)
    status, body, _ = platform.ask("POST", events, gzip.compress(json.dumps([view(4), view(5)]).encode()), {"Content-Encoding": "gzip"})
    check("gzip is unpacked", status == 202 and json.loads(body)["accepted"] == 2, body)
    bomb = gzip.compress(b" " * 50_000_000)
    check("but not more than a body may have", platform.ask("POST", events, bomb, {"Content-Encoding": "gzip"})[0] == 413)
    check("other encodings are refused", platform.ask("POST", events, b"x", {"Content-Encoding": "br"})[0] == 415)
    # A field that a later version brings counts without a restart.
    _, body, _ = platform.ask("GET", "/subjects/customer-events-value/versions/latest")
    schema = json.loads(json.loads(body)["schema"])
    stock = view(6, {"shelf": "A7"})
    schema["fields"].append({"name": "shelf", "type": ["null", "int"], "default": None})
    status, body, _ = platform.ask("POST", events, json.dumps(stock))
    before = json.loads(body)
    status, body, _ = platform.ask("POST", "/subjects/customer-events-value/versions", json.dumps({"schema": json.dumps(schema)}))
    check("a compatible version is registered", status == 200, body)
    deadline, found = time.time() + 10, ""
    while time.time() < deadline and "shelf" not in found:
        time.sleep(0.1)
        found = platform.ask("POST", events, json.dumps(stock))[1]
    check("its field is checked soon", before["accepted"] == 1 and "shelf" in found, (before, found))
    platform.end()


def quota():
    platform = Platform("quota", "--ingest.quota_rate", "10", "--ingest.quota_reserve", "20")
    events = "/v1/events/customer-events"
    answers = [platform.ask("POST", events, json.dumps([view(i * 10 + n) for n in range(10)])) for i in range(4)]
    check("what is above the quota is 429 with Retry-After", [a[0] for a in answers] == [202, 202, 429, 429] and int(answers[2][2]["retry-after"]) >= 1, answers)
    time.sleep(int(answers[3][2]["retry-after"]))
    check("and is taken after that", platform.ask("POST", events, json.dumps(view(99)))[0] == 202)
    platform.end()


def slow_clients():
    platform = Platform("slow", "--server.request_memory", "16MB", "--server.request_time", "20s")
    before = platform.memory_kb()
    body = json.dumps([view(i, {"attributes": {"note": "x" * 900}}) for i in range(1000)]).encode()
    head = f"POST /v1/events/customer-events HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    slow = []
    for _ in range(200):  # together 200 MB
        client = socket.create_connection(("127.0.0.1", platform.port), timeout=60)
        client.settimeout(60)
        slow.append(client)

    def send_most(client):
        try:
            client.sendall(head + body[:-10])
        except OSError:
            pass
    threads = [threading.Thread(target=send_most, args=(client,)) for client in slow]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    grown = platform.memory_kb() - before
    check("200 slow clients hold no more than they may", grown < 100 * 1024, f"{grown} KB more")
    for _ in range(1000):
        slow.append(socket.create_connection(("127.0.0.1", platform.port), timeout=60))
    check("others are answered meanwhile", platform.ask("GET", "/healthz")[0] == 200)
    statuses = []
    for client in slow[:200]:
        try:
            client.sendall(body[-10:])
            statuses.append(client.recv(4096).decode()[9:12])
        except OSError:
            statuses.append("gone")
    check("some were taken, the others told 503", set(statuses) <= {"202", "503", "gone"} and statuses.count("202") >= 1 and statuses.count("503") >= 100,
          {s: statuses.count(s) for s in set(statuses)})
    check("and then there is room again", platform.ask("POST", "/v1/events/customer-events", body)[0] == 202)
    for client in slow:
        client.close()
    platform.end()


def kills():
    """Several producers send until they are answered; the program is killed again and again."""
    state = {"platform": Platform("kills"), "stop": False}
    accepted = set()
    lock = threading.Lock()

    def produce(which):
        number = which * 1_000_000
        while not state["stop"]:
            batch = [number + n for n in range(10)]
            number += 10
            while True:  # the same again until there is an answer
                try:
                    status, body, _ = state["platform"].ask("POST", "/v1/events/customer-events", json.dumps([view(n) for n in batch]))
                    if status == 202 and json.loads(body)["accepted"] == 10:
                        with lock:
                            accepted.update(batch)
                        break
                    if status != 503:
                        check("events are taken", False, (status, body))
                        return
                except (OSError, http.client.HTTPException):
                    pass
                time.sleep(0.02)
    producers = [threading.Thread(target=produce, args=(which,)) for which in range(6)]
    for producer in producers:
        producer.start()
    for _ in range(options.kills):
        time.sleep(chance.uniform(0.3, 1.2))
        state["platform"].end(signal.SIGKILL)
        state["platform"] = Platform("kills")
    time.sleep(0.5)
    state["stop"] = True
    for producer in producers:
        producer.join()
    platform = state["platform"]
    status, body, _ = platform.ask("POST", "/ksql", json.dumps({"ksql": "CREATE STREAM E (VISITOR_ID STRING KEY) WITH (KAFKA_TOPIC='customer-events', VALUE_FORMAT='AVRO');"}))
    check("the topic is a stream", status == 200, body)
    status, body, _ = platform.ask("POST", "/query-stream", json.dumps({"sql": "SELECT EVENT_ID FROM E;", "properties": {"auto.offset.reset": "earliest"}}))
    there = [int(json.loads(line)[0][24:]) for line in body.splitlines()[1:] if line.startswith("[")]
    check("nothing acknowledged is lost", accepted <= set(there), f"{len(accepted - set(there))} of {len(accepted)} lost")
    check("nothing is there twice", len(there) == len(set(there)), f"{len(there) - len(set(there))} doubles of {len(there)}")
    check("it was a test", len(accepted) > 500, len(accepted))
    print(f"{len(accepted)} events acknowledged over {options.kills} kills, {len(there)} there")
    platform.end()


try:
    for part in (keys_and_origins, shapes_and_schemas, quota, slow_clients, kills):
        part()
finally:
    shutil.rmtree(folder, ignore_errors=True)
print(f"{checks} checks, {len(failures)} failed")
sys.exit(1 if failures else 0)
