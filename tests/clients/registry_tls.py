#!/usr/bin/env python3
"""A schema registry elsewhere over TLS: what is wrong ends a start with a sentence that names the setting, and doctor says the same.

  registry_tls.py --binary build/release/tradewind [--write]

A small registry of its own speaks HTTPS with the certificates of tests/kafka/tls.sh and asks for a user. The sentences are compared with the table of
docs/registry.md, which --write makes.
"""
import argparse, base64, concurrent.futures, http.server, json, os, re, shutil, ssl, subprocess, sys, tempfile, threading, time

here = os.path.dirname(os.path.abspath(__file__))
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--binary", required=True)
parser.add_argument("--write", action="store_true")
options = parser.parse_args()
page = os.path.join(here, "..", "..", "docs", "registry.md")
folder = tempfile.mkdtemp(prefix="tradewind-registry-")
tls, failures = os.path.join(folder, "tls"), []
secrets = {"RIGHT": "app:app-secret", "WRONG": "app:wrong-secret"}


def check(true, what):
    if not true:
        failures.append(what)
        print(f"WRONG: {what}")


class Registry:
    """Knows no subject; who asks without the right user and password is refused."""

    def __init__(self, certificate=None):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                if self.headers.get("Authorization") != "Basic " + base64.b64encode(secrets["RIGHT"].encode()).decode():
                    return self.answer(401, {"error_code": 401, "message": "Unauthorized"})
                if self.path.startswith("/subjects?") or self.path == "/subjects":
                    return self.answer(200, [])
                self.answer(404, {"error_code": 40401, "message": "Subject not found."})

            do_POST = do_PUT = do_GET

            def answer(self, status, body):
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):  # who does not believe the certificate hangs up
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def settings(given):
    return [word for name, value in given.items() for word in (f"--registry.{name}", value)]


def told(text):
    text = re.sub(r"/tmp/tradewind-registry-[^/]*/tls/", "/etc/tls/", text)
    text = re.sub(r"OpenSSL/[\d.]+: ", "", text)
    return re.sub(r"localhost:(\d+)", lambda found: "registry.example" + (":1" if found.group(1) == "1" else ""), text)


def serve(name, given):
    """(exit code, seconds, the sentence)"""
    began = time.monotonic()
    done = subprocess.run([options.binary, "serve", "--data", os.path.join(folder, name.replace(" ", "-")), "--listen", "127.0.0.1:0", *settings(given)],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **secrets}, timeout=60)
    check(not any(secret.split(":")[1] in done.stderr for secret in secrets.values()), f"{name}: a secret stands in the messages")
    found = [re.search(r'error="?(.*?)"?$', line) for line in done.stderr.splitlines() if "cannot go on" in line]
    sentence = found[0].group(1).replace('\\"', '"') if found else done.stderr.strip().splitlines()[-1].removeprefix("tradewind: ")
    return done.returncode, time.monotonic() - began, sentence


def doctor(name, given):
    """(exit code, the findings about the registry)"""
    done = subprocess.run([options.binary, "doctor", "--json", "--data", os.path.join(folder, "doctor-" + name.replace(" ", "-")), *settings(given)], stdout=subprocess.PIPE, text=True,
                          env={**os.environ, **secrets}, timeout=60)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, [line for line in lines if line["check"].startswith(("registry", "subject", "settings"))]


def main():
    subprocess.run([os.path.join(here, "..", "kafka", "tls.sh"), tls], check=True)
    right, other, clear = Registry(f"{tls}/broker.pem"), Registry(f"{tls}/other.pem"), Registry()
    url = f"https://localhost:{right.port}"
    good = {"url": url, "ssl.ca.location": f"{tls}/ca.crt", "basic.auth": "${env:RIGHT}"}
    code, found = doctor("all is well", good)
    check(code == 0 and [line["grade"] for line in found] == ["well", "well"], f"doctor where all is well: {code}, {found}")
    cases = [
        ("no authority", {name: value for name, value in good.items() if name != "ssl.ca.location"}, "registry.ssl.ca.location"),
        ("the authority", {**good, "ssl.ca.location": f"{tls}/stranger.crt"}, "registry.ssl.ca.location"),
        ("a file that is not there", {**good, "ssl.ca.location": f"{tls}/nothing.crt"}, "registry.ssl.ca.location"),
        ("a certificate for another host", {**good, "url": f"https://localhost:{other.port}"}, "registry.url"),
        ("the password", {**good, "basic.auth": "${env:WRONG}"}, "registry.basic.auth"),
        ("no user", {name: value for name, value in good.items() if name != "basic.auth"}, "registry.basic.auth"),
        ("a file that is no certificate of ours", {**good, "ssl.certificate.location": f"{tls}/ca.key", "ssl.key.location": f"{tls}/ca.key"},
         "registry.ssl.certificate.location"),
        ("TLS to a port without", {**good, "url": f"https://localhost:{clear.port}"}, "registry.url"),
        ("an authority for a port without TLS", {**good, "url": f"http://localhost:{clear.port}"}, "registry.ssl.ca.location"),
        ("nobody listens", {**good, "url": "https://localhost:1"}, "registry.url")]

    def started(case):
        what, given, names = case
        code, seconds, sentence = serve(what, given)
        print(f"{what}: {code} after {seconds:.1f} s", flush=True)
        check(code in (1, 2) and seconds < 15, f"{what}: exit code {code} after {seconds:.1f} s: {sentence}")
        check(names in sentence, f"{what}: '{names}' is not in: {sentence}")
        return what, told(sentence)

    def examined(case):
        what, given, names = case
        code, found = doctor(what, given)
        check(code in (1, 2) and any(line["grade"] == "wrong" and names in line["found"] for line in found), f"doctor, {what}: {code}, {found}")

    # They wait more than they compute; but doctor is patient for five seconds only, which many at once make short.
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        rows = list(pool.map(started, cases))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(examined, cases))
    compare_page(rows)


def compare_page(rows):
    begin, end = "<!-- made by tests/clients/registry_tls.py --write -->\n", "<!-- end -->\n"
    text = open(page).read()
    before, rest = text.split(begin)
    table = "".join(f"| {what} | {sentence.replace('|', chr(92) + '|')} |\n" for what, sentence in rows)
    made = before + begin + "| what is wrong | what it says |\n|---|---|\n" + table + end + rest.split(end)[1]
    if options.write:
        open(page, "w").write(made)
    check(options.write or made == text, "docs/registry.md is stale; run tests/clients/registry_tls.py --binary BINARY --write")


try:
    main()
finally:
    shutil.rmtree(folder, ignore_errors=True)
print(f"{len(failures)} wrong")
sys.exit(1 if failures else 0)
