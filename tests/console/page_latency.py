#!/usr/bin/env python3
"""From an order's POST to the change on the page: how long it takes.

  page_latency.py --binary build/release/tradewind --queries queries/shop [--events 200] [--demo RATE] [--most-ms 1000]

Reads what the console reads, POST /live, and sends orders one by one, each of a category of its own; the row of that
category on the stream ends the time that begins before the POST. Beside them the demo shop may be at work. Exit 1 when the
99th of 100 takes longer than MOST.
"""
import argparse, http.client, json, shutil, signal, socket, subprocess, sys, tempfile, threading, time, uuid

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--binary", required=True)
parser.add_argument("--queries", required=True)
parser.add_argument("--events", type=int, default=200)
parser.add_argument("--demo", help="events a second of the demo shop beside it")
parser.add_argument("--most-ms", type=float, default=1000)
options = parser.parse_args()
folder = tempfile.mkdtemp(prefix="tradewind-latency-")
server = subprocess.Popen([options.binary, "serve", "--data", folder, "--listen", "127.0.0.1:0",
                           *(["--demo", options.demo] if options.demo else ["--queries", options.queries])], stdout=subprocess.PIPE, text=True)
seen, arrived, opened = {}, threading.Condition(), threading.Event()


def watch(port):
    """Notes when the row of each category came."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("POST", "/live", json.dumps({"queries": [{"sql": "SELECT * FROM revenue_flow EMIT CHANGES;"}]}))
    answer = connection.getresponse()
    if answer.status != 200:
        sys.exit(f"/live answers {answer.status}: {answer.read()[:300]}")
    while line := answer.readline():
        now = time.monotonic()
        if line.startswith(b"event: held"):
            opened.set()
        if not line.startswith(b"data:") or b"latency-" not in line:
            continue
        with arrived:
            seen.setdefault(json.loads(line[5:])["CATEGORY"], now)
            arrived.notify_all()


def order(number):
    return {"event_id": str(uuid.uuid4()), "event_type": "ORDER_PLACED", "event_time": int(time.time() * 1000), "order_id": f"latency-{number}",
            "customer_id": f"c{number}", "items": [{"product_id": "p", "category": f"latency-{number}", "line_total": "1.0000"}]}


try:
    line = server.stdout.readline()
    if not line.startswith("ready"):
        sys.exit("the platform did not start")
    port = int(line.split()[1].rsplit(":", 1)[1])
    threading.Thread(target=watch, args=(port,), daemon=True).start()
    if not opened.wait(60):
        sys.exit("the stream did not open within a minute")
    took = []
    for number in range(options.events):
        connection = http.client.HTTPConnection("127.0.0.1", port)
        body = json.dumps(order(number))
        began = time.monotonic()
        connection.request("POST", "/v1/events/orders", body)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status != 202:
            sys.exit(f"an order was refused: {answer.status} {text[:300]}")
        with arrived:
            if not arrived.wait_for(lambda: f"latency-{number}" in seen, 30):
                sys.exit(f"order {number} did not come to the page within 30 s")
        took.append(1000 * (seen[f"latency-{number}"] - began))
        time.sleep(0.02)
    took.sort()
    p50, p99 = took[len(took) // 2], took[min(len(took) - 1, int(len(took) * 0.99))]
    print(f"{len(took)} orders, from POST to the page: p50 {p50:.1f} ms, p99 {p99:.1f} ms, longest {took[-1]:.1f} ms")
    server.send_signal(signal.SIGTERM)
    server.wait(60)
    sys.exit(0 if p99 <= options.most_ms else 1)
finally:
    if server.poll() is None:
        server.kill()
    shutil.rmtree(folder, ignore_errors=True)
