#!/usr/bin/env python3
"""Security on a broker that is configured so: each way to show who we are works, and each wrong setting ends the start with its sentence.

  security.py --binary build/release/tradewind [--write] [--newer]

Starts a broker with all its listeners and a token endpoint of its own. The sentences are compared with the table of docs/kafka_security.md, which
--write makes. --newer also runs the program with the librdkafka that Confluent's Python package brings. TW_KAFKA_VERSION=3.9.2 tries the other line,
without the table: SCRAM of Debian's librdkafka works there.
"""
import argparse, concurrent.futures, glob, json, os, re, shutil, signal, socket, subprocess, sys, tempfile, threading, time, urllib.error, urllib.request

try:
    import confluent_kafka
    from confluent_kafka.admin import AclBinding, AclBindingFilter, AclOperation, AclPermissionType, AdminClient, ResourcePatternType, ResourceType
except ImportError:
    print("skipped: confluent-kafka is not installed (./test installs it)")
    sys.exit(77)
here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
from token_endpoint import TokenEndpoint

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--binary", required=True)
parser.add_argument("--write", action="store_true")
parser.add_argument("--newer", action="store_true")
options = parser.parse_args()
page = os.path.join(here, "..", "..", "docs", "kafka_security.md")
version = os.environ.get("TW_KAFKA_VERSION", "4.3.1")
newer = options.newer or "TW_LONG" in os.environ

folder = tempfile.mkdtemp(prefix="tradewind-security-")
tls, failures = os.path.join(folder, "tls"), []
secrets = {"RIGHT": "app-secret", "WRONG": "wrong-secret", "CLIENT": "client-secret", "KEY": "key-secret", "NOBODY": "nobody-secret"}


def check(true, what):
    if not true:
        failures.append(what)
        print(f"WRONG: {what}")


def start_broker():
    subprocess.run([os.path.join(here, "tls.sh"), tls], check=True)
    names = ["CLOUD", "SCRAM", "MTLS", "REAUTH", "OTHER"]
    probes = [socket.socket() for _ in names]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = {name: probe.getsockname()[1] for name, probe in zip(names, probes)}
    for probe in probes:
        probe.close()
    text = open(os.path.join(here, "secure.properties.in")).read()
    for name, value in [*ports.items(), ("TLS", tls)]:
        text = text.replace(f"@{name}@", str(value))
    with open(os.path.join(folder, "more"), "w") as out:
        out.write(text)
    up = subprocess.run([os.path.join(here, "kafka.sh"), "up", os.path.join(folder, "broker"), "1"], stdout=subprocess.PIPE, text=True,
                        env={**os.environ, "TW_KAFKA_MORE": os.path.join(folder, "more"), "TW_KAFKA_SCRAM": f"app={secrets['RIGHT']}"})
    if up.returncode != 0:
        print("skipped: no broker could be started")
        sys.exit(up.returncode)
    ports["PLAIN"] = int(up.stdout.strip().rpartition(":")[2])
    return ports


def settings(**given):
    return [word for name, value in given.items() for word in (f"--log.kafka.{name.replace('__', '.')}", value)]


TLS = {"security__protocol": "SASL_SSL", "ssl__ca__location": f"{tls}/ca.crt"}
USER = {**TLS, "sasl__username": "app", "sasl__password": "${env:RIGHT}"}
CERTIFICATE = {"security__protocol": "SSL", "ssl__ca__location": f"{tls}/ca.crt", "ssl__certificate__location": f"{tls}/client.crt",
               "ssl__key__location": f"{tls}/client.key"}


def token_settings(url):
    return {**TLS, "sasl__mechanism": "OAUTHBEARER", "sasl__oauthbearer__token__endpoint__url": url, "sasl__oauthbearer__client__id": "app-client",
            "sasl__oauthbearer__client__secret": "${env:CLIENT}", "https__ca__location": f"{tls}/ca.crt"}


class Platform:
    """serve with these settings; its messages are kept."""

    def __init__(self, listener, given, more=(), environment=None, port=None):
        self.at = listener if ":" in str(listener) else f"localhost:{port or ports[listener]}"
        self.messages, self.began = [], time.monotonic()
        self.process = subprocess.Popen([options.binary, "serve", "--log", f"kafka:{self.at}", "--listen", "127.0.0.1:0", *settings(**given), *more],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **secrets, **(environment or {})})
        self.reader = threading.Thread(target=lambda: self.messages.extend(self.process.stderr), daemon=True)
        self.reader.start()

    def wait_ready(self):
        """The address; None: it ended."""
        line = self.process.stdout.readline()
        return line.split()[1] if line.startswith("ready") else None

    def ended(self):
        """(exit code, seconds, the sentence)"""
        try:
            code = self.process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.reader.join()
        seconds = time.monotonic() - self.began
        told = [m for m in self.messages if "cannot go on" in m] or self.messages[-1:]
        found = re.search(r'error="?(.*?)"?\n?$', told[0]) if told else None
        return code, seconds, (found.group(1).replace('\\"', '"') if found else (told[0].strip() if told else ""))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=30)
        finally:
            self.reader.join()

    def leaks(self):
        return [name for name, secret in secrets.items() if any(secret in message for message in self.messages)]


def told(text):
    """The sentence with names as they are elsewhere."""
    text = re.sub(r"/tmp/tradewind-security-[^/]*/tls/", "/etc/tls/", text)
    for name, port in ports.items():
        text = text.replace(f"localhost:{port}", f"{name.lower()}.example:9093").replace(f"127.0.0.1:{port}", f"{name.lower()}.example:9093")
    text = re.sub(r"https://localhost:\d+/", "https://login.example/", text)
    text = re.sub(r"error:[0-9A-F]{8}:", "error:", text)
    text = re.sub(r"at 20\S+Z already, and here it is 20\S+Z", "at 2026-01-01T00:00:00.000Z already, and here it is 2026-01-01T00:05:00.000Z", text)
    return re.sub(r"librdkafka \d+\.\d+\.\d+( though|$)", r"librdkafka 2.0.2\1", text)


def without(given, *names):
    return {name: value for name, value in given.items() if name not in names}


def wrong_starts():
    """(what is wrong, listener, settings, what the sentence must name)"""
    url = endpoint.url
    tokens = token_settings(url)
    return [
        ("the secret", "CLOUD", {**USER, "sasl__password": "${env:WRONG}"}, "log.kafka.sasl.password"),
        ("the user", "CLOUD", {**USER, "sasl__username": "stranger"}, "log.kafka.sasl.username"),
        ("no user", "CLOUD", TLS, "log.kafka.sasl.username is not given"),
        ("the secret in plain text", "CLOUD", {**USER, "sasl__password": "app-secret-in-clear"}, "${env:NAME} or ${file:PATH}"),
        ("the authority", "CLOUD", {**USER, "ssl__ca__location": f"{tls}/stranger.crt"}, "log.kafka.ssl.ca.location"),
        ("no authority", "CLOUD", without(USER, "ssl__ca__location"), "log.kafka.ssl.ca.location"),
        ("a file that is not there", "CLOUD", {**USER, "ssl__ca__location": f"{tls}/nothing.crt"}, "log.kafka.ssl.ca.location"),
        ("a file that is no certificate", "CLOUD", {**USER, "ssl__ca__location": f"{tls}/ca.key"}, "log.kafka.ssl.ca.location"),
        ("in clear to a port with TLS", "CLOUD", {}, "log.kafka.security.protocol (it is PLAINTEXT) to SSL or SASL_SSL"),
        ("TLS to a port without", "PLAIN", {"security__protocol": "SSL", "ssl__ca__location": f"{tls}/ca.crt"}, "to PLAINTEXT or SASL_PLAINTEXT"),
        ("no user to a port that asks for one", "CLOUD", {"security__protocol": "SSL", "ssl__ca__location": f"{tls}/ca.crt"}, "to SASL_SSL"),
        ("a user to a port that asks for none", "PLAIN", {"security__protocol": "SASL_PLAINTEXT", "sasl__username": "app", "sasl__password": "${env:RIGHT}"},
         "to PLAINTEXT"),
        ("a user without a protocol that tells it", "CLOUD", {"sasl__username": "app", "sasl__password": "${env:RIGHT}"}, "set it to SASL_SSL"),
        ("the mechanism", "CLOUD", {**USER, "sasl__mechanism": "SCRAM-SHA-256"}, "log.kafka.sasl.mechanism"),
        ("SCRAM of an old librdkafka on Kafka 4", "SCRAM", {**USER, "sasl__mechanism": "SCRAM-SHA-512"}, "librdkafka 2.6.1 or later"),
        ("a certificate for another host", "OTHER", USER, "log.kafka.ssl.endpoint.identification.algorithm"),
        ("no certificate of ours", "MTLS", without(CERTIFICATE, "ssl__certificate__location", "ssl__key__location"), "log.kafka.ssl.certificate.location"),
        ("a certificate of ours that nobody believes", "MTLS",
         {**CERTIFICATE, "ssl__certificate__location": f"{tls}/stranger.crt", "ssl__key__location": f"{tls}/stranger.key"}, "log.kafka.ssl.certificate.location"),
        ("the key of another certificate", "MTLS", {**CERTIFICATE, "ssl__key__location": f"{tls}/ca.key"}, "log.kafka.ssl.key.location"),
        ("the key's password", "MTLS", {**CERTIFICATE, "ssl__key__location": f"{tls}/locked.key", "ssl__key__password": "${env:WRONG}"},
         "log.kafka.ssl.key.password"),
        ("the client's secret", "CLOUD", {**tokens, "sasl__oauthbearer__client__secret": "${env:WRONG}"}, "client.secret"),
        ("the scope", "CLOUD", {**tokens, "sasl__oauthbearer__scope": "other"}, "log.kafka.sasl.oauthbearer.scope"),
        ("a token endpoint that is away", "CLOUD", {**tokens, "sasl__oauthbearer__token__endpoint__url": "https://localhost:1/token", "start_patience": "2s"},
         "token.endpoint.url"),
        ("a token endpoint that is not believed", "CLOUD", without(tokens, "https__ca__location"), "log.kafka.https.ca.location"),
        ("the token in clear", "CLOUD", {**tokens, "sasl__oauthbearer__token__endpoint__url": "http://login.example/token"}, "https://"),
        ("a token that has expired", "CLOUD", {**tokens, "sasl__oauthbearer__token__endpoint__url": late.url}, "clock"),
        ("a token that the brokers do not take", "CLOUD", {**tokens, "sasl__oauthbearer__token__endpoint__url": early.url}, "refuses the token"),
        ("a host that is not known", "nowhere.invalid:9093", {"start_patience": "2s"}, "log.at"),
        ("nobody listens", "localhost:1", {"start_patience": "2s"}, "log.at"),
    ]


def try_wrong_starts():
    rows = []

    def one(case):
        what, listener, given, names = case
        platform = Platform(listener, given)
        code, seconds, sentence = platform.ended()
        check(code in (1, 2), f"{what}: exit code {code}, not 1 or 2: {sentence}")
        check(seconds < 15, f"{what}: it took {seconds:.1f} s")
        check(names in sentence, f"{what}: '{names}' is not in: {sentence}")
        check(not platform.leaks(), f"{what}: a secret stands in the messages")
        return what, told(sentence)

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        slow = pool.submit(one, ("nobody listens, with the usual patience", "localhost:1", {}, "log.at"))
        rows = list(pool.map(one, wrong_starts()))
        slow.result()
    return rows


admin = None


def grant(kind, name, operations, prefixed=True):
    pattern = ResourcePatternType.PREFIXED if prefixed else ResourcePatternType.LITERAL
    bindings = [AclBinding(kind, name, pattern, "User:app", "*", operation, AclPermissionType.ALLOW) for operation in operations]
    for future in admin.create_acls(bindings).values():
        future.result()
    time.sleep(0.3)  # until the broker has heard of it


def revoke_all():
    any_one = AclBindingFilter(ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY)
    for future in admin.delete_acls([any_one]).values():
        future.result()


TOPIC_RIGHTS = [AclOperation.CREATE, AclOperation.DESCRIBE, AclOperation.READ, AclOperation.WRITE, AclOperation.DELETE, AclOperation.DESCRIBE_CONFIGS,
                AclOperation.ALTER_CONFIGS]


def grant_all():
    grant(ResourceType.TRANSACTIONAL_ID, "tradewind", [AclOperation.WRITE, AclOperation.DESCRIBE])
    grant(ResourceType.TOPIC, "*", TOPIC_RIGHTS, prefixed=False)
    grant(ResourceType.GROUP, "tradewind", [AclOperation.READ])


def try_missing_rights():
    """Rights are granted one after the other; before each, the start must tell which is missing."""
    steps = [("Create on topics", "Create on the topic", lambda: grant(ResourceType.TOPIC, "*", [AclOperation.CREATE], False)),
             ("Describe on topics", "Describe on the topic", lambda: grant(ResourceType.TOPIC, "*", [AclOperation.WRITE, AclOperation.DESCRIBE], False)),
             ("the transactional ids", "Write on the transactional ids", lambda: grant(ResourceType.TRANSACTIONAL_ID, "tradewind", [AclOperation.WRITE])),
             ("Read on topics", "Read on the topic", lambda: grant(ResourceType.TOPIC, "*", [AclOperation.READ], False))]
    rows = []
    for what, names, mend in steps:
        code, seconds, sentence = Platform("CLOUD", USER).ended()
        check(code in (1, 2) and seconds < 15, f"without {what}: exit code {code} after {seconds:.1f} s: {sentence}")
        check(names in sentence and "User:app" in sentence, f"without {what}: {sentence}")
        rows.append((f"{what} not granted", told(sentence)))
        mend()
    return rows


def prepared_by_init():
    """Who may not create topics starts where `init` has made them, those of queries too; called before there are any."""
    queries = ["--queries", os.path.join(here, "..", "..", "queries", "shop")]
    grant_all()
    done = subprocess.run([options.binary, "init", "--log", f"kafka:localhost:{ports['CLOUD']}", *settings(**USER), *queries], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, env={**os.environ, **secrets}, timeout=120)
    check(done.returncode == 0, f"init ended with {done.returncode}: {done.stdout[-500:]}")
    revoke_all()
    grant_all_but(AclOperation.CREATE)
    works("a start without the right Create, prepared by init", "CLOUD", USER, more=queries)
    code, found, _ = doctor("CLOUD", USER)
    check(code == 0, f"doctor without the right Create, prepared by init: {[line for line in found.values() if line['grade'] == 'wrong']}")
    revoke_all()
    for future in admin.delete_topics([topic for topic in admin.list_topics(timeout=20).topics if not topic.startswith("__")]).values():
        future.result()


def grant_all_but(topic_right=None, transactional_id=(AclOperation.WRITE, AclOperation.DESCRIBE), group=True):
    if transactional_id:
        grant(ResourceType.TRANSACTIONAL_ID, "tradewind", list(transactional_id))
    grant(ResourceType.TOPIC, "*", [right for right in TOPIC_RIGHTS if right != topic_right], prefixed=False)
    if group:
        grant(ResourceType.GROUP, "tradewind", [AclOperation.READ])


BEATS = """CREATE STREAM beats (k STRING KEY, n BIGINT) WITH (kafka_topic='beats', partitions=1, value_format='JSON');
           CREATE TABLE beaten AS SELECT k, COUNT(*) AS n FROM beats GROUP BY k EMIT CHANGES;"""


def try_each_right():
    """With all rights but one, and topics that are there: what it ends with, at the start or when the first event comes; None: it is not needed then."""
    queries = os.path.join(folder, "queries")
    os.makedirs(queries)
    with open(os.path.join(queries, "beats.sql"), "w") as out:
        out.write(BEATS)
    more = ["--queries", queries]
    revoke_all()
    grant_all()
    works("a query", "CLOUD", USER, more=more)
    rows = []
    for what, given, names in [
            ("Write on topics", {"topic_right": AclOperation.WRITE}, "lacks the right Write on the topic"),
            ("Read on topics", {"topic_right": AclOperation.READ}, "lacks the right Read on the topic"),
            ("Write on transactional ids", {"transactional_id": ()}, "lacks the right Write on the transactional ids"),
            ("Read on the group", {"group": False}, "lacks the right Read on the group"),
            ("Describe on transactional ids", {"transactional_id": (AclOperation.WRITE,)}, None),
            ("Create on topics", {"topic_right": AclOperation.CREATE}, None),
            ("Delete on topics", {"topic_right": AclOperation.DELETE}, None),
            ("DescribeConfigs on topics", {"topic_right": AclOperation.DESCRIBE_CONFIGS}, None),
            ("AlterConfigs on topics", {"topic_right": AclOperation.ALTER_CONFIGS}, None)]:
        revoke_all()
        grant_all_but(**given)
        platform = Platform("CLOUD", USER, more=more)
        url = platform.wait_ready()
        if url is not None:
            insert(url, len(rows))
            until = time.monotonic() + 15
            while platform.process.poll() is None and time.monotonic() < until and (names or not counted(url)):
                time.sleep(0.1)
        if names is None:
            check(url is not None and counted(url), f"without {what} the event is not counted")
            check(platform.process.poll() is None, f"without {what} it ends: {platform.messages[-1:]}")
            if platform.process.poll() is None:
                check(platform.stop() == 0, f"without {what} it does not end well: {platform.messages[-2:]}")
            continue
        began = time.monotonic()
        code, _, sentence = platform.ended()
        check(code in (1, 2) and time.monotonic() - began < 15, f"without {what}: exit code {code}: {sentence}")
        check(names in sentence and "User:app" in sentence, f"without {what}: {sentence}")
        code, found, _ = doctor("CLOUD", USER, ["--write"])
        check(code == 1 and any(line["grade"] == "wrong" and names in line["found"] for line in found.values()), f"doctor without {what}: {code}, {found}")
        rows.append((f"{what} not granted, topics made before", told(sentence)))
    print(f"{len(rows)} rights that are needed where topics are there")
    return rows


def counted(url):
    """Whether the query runs and has committed all that was inserted."""
    try:
        with urllib.request.urlopen(f"{url}/v1/health", timeout=20) as answer:
            queries = json.load(answer)["queries"]
    except OSError:
        return False
    return len(queries) == 1 and queries[0]["state"] == "RUNNING" and queries[0]["lag_records"] == 0 and queries[0]["rows_in"] > 0


def metric(url, name):
    with urllib.request.urlopen(f"{url}/metrics", timeout=20) as answer:
        return sum(float(line.split()[-1]) for line in answer.read().decode().split("\n") if line.startswith(name))


def try_trim():
    """Without Delete the state is not trimmed: that is told, with the command that mends it, and done when it is granted."""
    revoke_all()
    grant_all_but(AclOperation.DELETE)
    platform = Platform("CLOUD", USER, more=["--queries", os.path.join(folder, "queries"), "--state.snapshot_frame_bytes", "64KB"])
    url = platform.wait_ready()
    if url is None:
        return check(False, f"without Delete it does not start: {platform.ended()[2]}")
    producer = confluent_kafka.Producer({"bootstrap.servers": f"127.0.0.1:{ports['PLAIN']}"})

    def until_metric(wanted):
        until, number = time.monotonic() + 90, 0
        while time.monotonic() < until and platform.process.poll() is None:
            for key in range(100):
                producer.produce("beats", json.dumps({"N": number}), key=f"a key of many {key}")
                number += 1
            producer.flush(20)
            if wanted(metric(url, "tw_stream_untrimmed_partitions")):
                return True
            time.sleep(0.02)
        return False

    check(until_metric(lambda partitions: partitions > 0), f"nothing is left untrimmed: {platform.messages[-2:]}")
    with urllib.request.urlopen(f"{url}/v1/health", timeout=20) as answer:
        health = json.load(answer)
    told_of = json.dumps(health["lagging"])
    for part in ("lacks the right Delete on the topic tw.tradewind.state", "kafka-acls.sh --bootstrap-server", "--operation Delete --topic 'tw.tradewind.state'"):
        check(part in told_of, f"health without Delete does not say {part}: {told_of}")
    check(health["ready"], f"without Delete it is not ready: {health['reasons']}")
    grant(ResourceType.TOPIC, "*", [AclOperation.DELETE], prefixed=False)
    check(until_metric(lambda partitions: partitions == 0), "with Delete granted it is not trimmed")
    begin = confluent_kafka.Consumer({"bootstrap.servers": f"127.0.0.1:{ports['PLAIN']}", "group.id": "trim"})
    lows = [begin.get_watermark_offsets(confluent_kafka.TopicPartition("tw.tradewind.state", partition), timeout=20)[0] for partition in range(4)]
    begin.close()
    check(any(low > 0 for low in lows), f"the state begins at {lows} though Delete was granted")
    check(platform.stop() == 0, f"behind the trimming it does not end well: {platform.messages[-2:]}")
    print(f"without Delete: told, and trimmed when it was granted; the state begins at {lows}")


def insert(url, number):
    body = json.dumps({"ksql": f"INSERT INTO beats (k, n) VALUES ('a', {number});"}).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{url}/ksql", body, {"Content-Type": "application/json"}), timeout=30) as answer:
            answer.read()
    except OSError as refused:
        print(f"an event was refused: {refused.read().decode()[:300] if hasattr(refused, 'read') else refused}")


def works(what, listener, given, environment=None, more=()):
    platform = Platform(listener, given, more, environment=environment)
    url = platform.wait_ready()
    if url is None:
        check(False, f"{what} does not start: {platform.ended()[2]}")
        return
    with urllib.request.urlopen(f"{url}/readyz", timeout=20) as answer:
        check(answer.status == 200, f"{what}: not ready")
    check(platform.stop() == 0, f"{what}: it did not end well: {platform.messages[-2:]}")
    check(not platform.leaks(), f"{what}: a secret stands in the messages")
    print(f"{what}: works")


def table(rows):
    return "".join(f"| {what} | {text.replace('|', chr(92) + '|')} |\n" for what, text in rows)


def compare_page(rows):
    begin, end = "<!-- made by tests/kafka/security.py --write -->\n", "<!-- end -->\n"
    text = open(page).read()
    before, rest = text.split(begin)
    made = before + begin + "| what is wrong | what it says |\n|---|---|\n" + table(rows) + end + rest.split(end)[1]
    if options.write:
        open(page, "w").write(made)
    else:
        check(made == text, "docs/kafka_security.md is stale; run tests/kafka/security.py --binary BINARY --write")
        if made != text:
            import difflib
            sys.stdout.writelines(difflib.unified_diff(text.splitlines(True), made.splitlines(True), "the page", "what is said", n=0))


def newer_library():
    """A folder in which LD_LIBRARY_PATH finds the librdkafka of Confluent's package."""
    found = glob.glob(os.path.join(os.path.dirname(confluent_kafka.__file__), "..", "confluent_kafka.libs", "librdkafka-*"))
    if not found:
        return None
    os.makedirs(os.path.join(folder, "newer"))
    os.symlink(os.path.abspath(found[0]), os.path.join(folder, "newer", "librdkafka.so.1"))
    return {"LD_LIBRARY_PATH": os.path.join(folder, "newer")}


def survive(what, listener, given, seconds):
    """It goes on taking and answering while sessions and tokens end under it."""
    platform = Platform(listener, given)
    url = platform.wait_ready()
    if url is None:
        return check(False, f"{what} does not start: {platform.ended()[2]}")
    until, number = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        number += 1
        body = json.dumps({"ksql": f"INSERT INTO beats (k, n) VALUES ('a', {number});" if number > 1 else
                           "CREATE STREAM IF NOT EXISTS beats (k STRING KEY, n BIGINT) WITH (kafka_topic='beats', partitions=1, value_format='JSON');"})
        request = urllib.request.Request(f"{url}/ksql", body.encode(), {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                answer.read()
        except urllib.error.HTTPError as refused:
            check(False, f"{what}: refused after {number}: {refused.read().decode()[:300]}")
            break
        time.sleep(0.5)
    check(platform.stop() == 0, f"{what}: it did not end well: {platform.messages[-2:]}")
    print(f"{what}: {number} statements in {seconds} s")


def doctor(listener, given, more=()):
    """(exit code, {check: finding}, grants)"""
    done = subprocess.run([options.binary, "doctor", "--json", "--log", f"kafka:localhost:{ports[listener]}", *settings(**given), *more],
                          stdout=subprocess.PIPE, text=True, env={**os.environ, **secrets}, timeout=120)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    check(not any(secret in done.stdout for secret in secrets.values()), "doctor tells a secret")
    return done.returncode, {line["check"]: line for line in lines if "check" in line}, [line["grant"] for line in lines if "grant" in line]


def try_doctor():
    """With all rights, and where each of its looks must find something."""
    code, found, grants = doctor("CLOUD", USER, ["--write"])
    wrong = [line for line in found.values() if line["grade"] == "wrong"]
    check(code == 0 and not wrong, f"doctor with all rights: exit code {code}, {wrong}")
    check({"TLS", "version", "login", "cluster", "writing", "clock", "topic tw.producers", "group tradewind"} <= set(found), f"doctor looks at {list(found)}")
    check(len(grants) > 4 and all("User:app" in grant for grant in grants if grant.startswith("kafka-acls.sh")), f"doctor's grants: {grants}")
    cases = [
        ("CLOUD", {**USER, "sasl__password": "${env:WRONG}"}, "login", "log.kafka.sasl.password"), ("OTHER", USER, "TLS", "elsewhere.example"),
        ("CLOUD", {}, "protocol", "log.kafka.security.protocol"), ("CLOUD", {**USER, "ssl__ca__location": f"{tls}/stranger.crt"}, "TLS", "ssl.ca.location"),
        ("PLAIN", {"security__protocol": "SSL", "ssl__ca__location": f"{tls}/ca.crt"}, "TLS", "does not speak TLS"),
        ("SCRAM", {**USER, "sasl__mechanism": "SCRAM-SHA-512"}, "version", "librdkafka"),
        ("MTLS", without(CERTIFICATE, "ssl__certificate__location", "ssl__key__location"), "protocol", "log.kafka.ssl.certificate.location"),
        ("CLOUD", {**USER, "sasl__username": "nobody", "sasl__password": "${env:NOBODY}"}, "topic tw.commands", "User:nobody lacks the right Describe")]

    def one(case):
        listener, given, where, names = case
        code, found, _ = doctor(listener, given)
        line = found.get(where, {})
        check(code == 1 and line.get("grade") == "wrong" and names in line["found"] + line.get("remedy", ""), f"doctor at {listener}: {code}, {where}: {found}")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(one, cases))
    print("doctor finds what is wrong")


def main():
    global ports, endpoint, late, early, admin
    ports = start_broker()
    endpoint, late, early = (TokenEndpoint(f"{tls}/broker.pem") for _ in range(3))
    late.begins, early.begins = -1000, 1000
    admin = AdminClient({"bootstrap.servers": f"127.0.0.1:{ports['PLAIN']}", "log_level": 2})
    began = time.monotonic()
    four = version.startswith("4")
    rows = []
    prepared_by_init()
    if four:
        rows = try_wrong_starts()
        print(f"{len(rows)} wrong settings in {time.monotonic() - began:.1f} s")
        rows += try_missing_rights()
        rows += try_each_right()
        try_trim()
        revoke_all()
    grant_all()
    works("PLAIN", "CLOUD", USER)
    code, _, sentence = Platform("PLAIN", {"instance": "other"}).ended()
    check(code == 1 and "set log.kafka.instance to tradewind, or" in sentence, f"under another name: exit code {code}: {sentence}")
    works("a certificate", "MTLS", {**CERTIFICATE, "ssl__key__location": f"{tls}/locked.key", "ssl__key__password": "${env:KEY}"})
    endpoint.life, before = 5, endpoint.given
    survive("OAUTHBEARER with tokens of 5 s", "CLOUD", {**token_settings(endpoint.url), "sasl__oauthbearer__scope": "kafka",
                                                        "sasl__oauthbearer__extensions": "logicalCluster=lkc-1,identityPoolId=pool-1"}, 8)
    check(endpoint.given - before >= 2, f"tokens were fetched {endpoint.given - before} times in 8 s of 5 s each")
    survive("sessions that end after 4 s", "REAUTH", USER, 9)
    if not four:
        works("SCRAM-SHA-256", "SCRAM", {**USER, "sasl__mechanism": "SCRAM-SHA-256"})
        works("SCRAM-SHA-512", "SCRAM", {**USER, "sasl__mechanism": "SCRAM-SHA-512"})
    if four and newer:
        environment = newer_library()
        if environment:
            works(f"SCRAM-SHA-512 with librdkafka {confluent_kafka.libversion()[0]}", "SCRAM", {**USER, "sasl__mechanism": "SCRAM-SHA-512"}, environment)
    if four:
        try_doctor()
        compare_page(rows)
    print(f"{'failed: ' + str(len(failures)) if failures else 'all well'} on Kafka {version} in {time.monotonic() - began:.1f} s")


try:
    main()
finally:
    subprocess.run([os.path.join(here, "kafka.sh"), "down", os.path.join(folder, "broker")])
    shutil.rmtree(folder, ignore_errors=True)
sys.exit(1 if failures else 0)
