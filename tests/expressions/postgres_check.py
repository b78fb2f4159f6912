"""Random typed expressions, evaluated by Tradewind and by PostgreSQL over the same rows: for the part of the two
dialects that means the same. Comparisons with a null are false here, so PostgreSQL's are wrapped in COALESCE."""
import argparse, decimal, json, os, pwd, random, shutil, subprocess, sys, tempfile, urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "clients"))
from running import platform, skip  # noqa: E402

COLUMNS = [("I1", "BIGINT"), ("I2", "BIGINT"), ("N1", "INT"), ("D1", "DOUBLE"), ("D2", "DOUBLE"), ("M1", "DECIMAL(10, 2)"),
           ("M2", "DECIMAL(8, 3)"), ("S1", "STRING"), ("S2", "STRING"), ("B1", "BOOLEAN")]
PG_TYPES = {"STRING": "TEXT", "DOUBLE": "DOUBLE PRECISION"}
WORDS = ["", "a", "Abc", " pad ", "red shoe", "xyzzy", "Ünïcødé", "%_", "0012", "tail  ", "comma,comma"]


class Postgres:
    """A server of its own on a socket in a folder that goes away; PostgreSQL refuses to run as root."""

    def __init__(self):
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin")) if Path("/usr/lib/postgresql").exists() else []
        if not found:
            skip("no PostgreSQL server is installed (Debian: postgresql)")
        self.bin = found[-1]
        self.folder = tempfile.mkdtemp(prefix="tw-postgres-")
        self.user = None
        if os.getuid() == 0:
            try:
                self.user = pwd.getpwnam("postgres")
            except KeyError:
                skip("PostgreSQL does not run as root, and there is no user postgres")
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)

    def command(self, *words):
        run_as = {"user": self.user.pw_uid, "group": self.user.pw_gid} if self.user else {}
        return subprocess.run(words, check=True, capture_output=True, cwd=self.folder, **run_as)

    def __enter__(self):
        data = self.folder + "/data"
        self.command(self.bin / "initdb", "-D", data, "-U", "postgres", "--locale=C.UTF-8", "-A", "trust", "--no-sync")
        self.command(self.bin / "pg_ctl", "-D", data, "-w", "-l", self.folder + "/log", "-o",
                     f"-c listen_addresses='' -c unix_socket_directories='{self.folder}' -c fsync=off", "start")
        return self

    def __exit__(self, *_):
        self.command(self.bin / "pg_ctl", "-D", self.folder + "/data", "-m", "immediate", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def ask(self, text):
        done = subprocess.run([self.bin / "psql", "-h", self.folder, "-U", "postgres", "-At", "-v", "ON_ERROR_STOP=1"], input=text,
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError("PostgreSQL refused: " + done.stderr.strip()[:600])
        return done.stdout


class Expressions:
    """Pairs of texts of one meaning: (Tradewind's, PostgreSQL's). Numbers stay small, so that nothing overflows."""

    def __init__(self, chance):
        self.chance = chance

    def of(self, kind, depth):
        return self.chance.choice(getattr(self, kind + "_leaves" if depth == 0 else kind))(self, depth - 1)

    def both(self, text, *parts):
        return text.format(*(p[0] for p in parts)), text.format(*(p[1] for p in parts))

    def case(self, kind, depth):
        return self.both("(CASE WHEN {0} THEN {1} ELSE {2} END)", self.of("bool", depth), self.of(kind, depth), self.of(kind, depth))

    def ifnull(self, kind, depth):
        return self.both("COALESCE({0}, {1})", self.of(kind, depth), self.of(kind, depth))

    def nullif(self, kind, depth):
        return self.both("NULLIF({0}, {1})", self.of(kind, depth), self.of(kind, depth))

    def least(self, kind, depth):
        name = self.chance.choice(["LEAST", "GREATEST"])
        return self.both(name + "({0}, {1})", self.of(kind, depth), self.of(kind, depth))

    def compared(self, depth):
        kind = self.chance.choice(["int", "dec", "real", "text"])
        sign = self.chance.choice(["=", "<>", "<", "<=", ">", ">="])
        a, b = self.of(kind, depth), self.of(kind, depth)
        return f"({a[0]} {sign} {b[0]})", f"COALESCE({a[1]} {sign} {b[1]}, FALSE)"

    def within(self, depth):
        a, b, c = (self.of("int", depth) for _ in range(3))
        return f"({a[0]} BETWEEN {b[0]} AND {c[0]})", f"COALESCE({a[1]} BETWEEN {b[1]} AND {c[1]}, FALSE)"

    def liked(self, depth):
        pattern = self.chance.choice(["%a%", "_b%", "%", "", "red%", "%e", "__", "%,%"])
        return self.both("(COALESCE({0}, '') LIKE '" + pattern + "')", self.of("text", depth))


def same(text):
    return lambda e, depth: (text, text)


def calls(text, *kinds):
    return lambda e, depth: e.both(text, *(e.of(kind, max(depth, 0)) for kind in kinds))


def pair(tradewind, postgres, *kinds):
    def make(e, depth):
        parts = [e.of(kind, max(depth, 0)) for kind in kinds]
        return tradewind.format(*(p[0] for p in parts)), postgres.format(*(p[1] for p in parts))
    return make


def literal(values):
    def make(e, depth):
        text = e.chance.choice(values)
        return text, text
    return make


BIG = "CAST({0} AS BIGINT)"
Expressions.int_leaves = [same("I1"), same("I2"), pair("CAST(N1 AS BIGINT)", "CAST(N1 AS BIGINT)"),
                          lambda e, d: e.both(BIG, (str(e.chance.randint(-20, 20)),) * 2)]
Expressions.int = Expressions.int_leaves + [
    calls("({0} + {1})", "int", "int"), calls("({0} - {1})", "int", "int"),
    lambda e, d: e.both("({0} * {1})", e.of("int", 0), e.of("int", 0)),
    calls("({0} / NULLIF({1}, 0))", "int", "int"), calls("({0} % NULLIF({1}, 0))", "int", "int"),
    calls("ABS({0})", "int"), calls("(-({0}))", "int"), pair("CAST(SIGN({0}) AS BIGINT)", "CAST(SIGN({0}) AS BIGINT)", "int"),
    pair("CAST(LEN({0}) AS BIGINT)", "CAST(LENGTH({0}) AS BIGINT)", "text"),
    pair("CAST(INSTR({0}, 'e') AS BIGINT)", "CAST(STRPOS({0}, 'e') AS BIGINT)", "text"),
    pair("CAST(FLOOR({0}) AS BIGINT)", "CAST(FLOOR({0}) AS BIGINT)", "real"),
    pair("CAST(CEIL({0}) AS BIGINT)", "CAST(CEIL({0}) AS BIGINT)", "real"),
    lambda e, d: e.case("int", d), lambda e, d: e.ifnull("int", d), lambda e, d: e.nullif("int", d), lambda e, d: e.least("int", d)]
Expressions.dec_leaves = [same("M1"), same("M2"), literal(["1.50", "0.05", "-3.25", "100.00"])]
Expressions.dec = Expressions.dec_leaves + [
    lambda e, d: e.both("({0} + {1})", e.of("dec", 0), e.of("dec", 0)),
    lambda e, d: e.both("({0} - {1})", e.of("dec", 0), e.of("dec", 0)),
    lambda e, d: e.both("({0} * {1})", e.of("dec", 0), e.of("dec", 0)),
    pair("ABS({0})", "ABS({0})", "dec_leaf"), pair("(-({0}))", "(-({0}))", "dec_leaf")]
Expressions.dec_leaf = Expressions.dec_leaf_leaves = Expressions.dec_leaves
Expressions.real_leaves = [same("D1"), same("D2"), literal(["1.5E0", "-2.25E0", "0E0", "1E2"])]
Expressions.real = Expressions.real_leaves + [
    calls("({0} + {1})", "real", "real"), calls("({0} - {1})", "real", "real"),
    lambda e, d: e.both("({0} * {1})", e.of("real", 0), e.of("real", 0)), calls("({0} / NULLIF({1}, 0E0))", "real", "real"),
    calls("ABS({0})", "real"), pair("CAST({0} AS DOUBLE)", "CAST({0} AS DOUBLE PRECISION)", "int"),
    pair("CAST({0} AS DOUBLE)", "CAST({0} AS DOUBLE PRECISION)", "dec"), calls("SQRT(ABS({0}))", "real"),
    # A quotient of decimals that does not end is null here, as in ksqlDB.
    pair("(CAST({0} AS DOUBLE) / {1})", "(CAST({0} AS DOUBLE PRECISION) / NULLIF({1}, 0))", "dec_leaf", "dec_leaf"),
    lambda e, d: e.case("real", d), lambda e, d: e.ifnull("real", d), lambda e, d: e.least("real", d)]
Expressions.text_leaves = [same("S1"), same("S2"), literal(["''", "'abc'", "'It''s'", "'e'"])]
Expressions.text = Expressions.text_leaves + [
    calls("({0} || {1})", "text", "text"), pair("UCASE({0})", "UPPER({0})", "ascii"),
    pair("LCASE({0})", "LOWER({0})", "ascii"), pair("TRIM({0})", "BTRIM({0})", "text"),
    pair("REPLACE({0}, 'e', 'EE')", "REPLACE({0}, 'e', 'EE')", "text"),
    lambda e, d: e.both("SUBSTRING({0}, %d, %d)" % (e.chance.randint(1, 5), e.chance.randint(0, 5)), e.of("text", max(d, 0))),
    pair("LPAD({0}, 7, '*')", "LPAD({0}, 7, '*')", "text"), pair("RPAD({0}, 7, '*')", "RPAD({0}, 7, '*')", "text"),
    pair("CONCAT({0}, {1})", "CONCAT({0}, {1})", "text", "text"), pair("CAST({0} AS STRING)", "CAST({0} AS TEXT)", "int"),
    lambda e, d: e.case("text", d), lambda e, d: e.ifnull("text", d), lambda e, d: e.nullif("text", d)]
Expressions.ascii = Expressions.ascii_leaves = [literal(["'Abc'", "'red Shoe'", "''", "'Z9'"]), pair("CAST(I1 AS STRING)", "CAST(I1 AS TEXT)")]
Expressions.bool_leaves = [same("B1"), same("TRUE"), same("FALSE"), same("(I1 IS NULL)"), same("(S1 IS NOT NULL)")]
Expressions.bool = Expressions.bool_leaves + [
    Expressions.compared, Expressions.within, Expressions.liked, calls("({0} AND {1})", "bool", "bool"),
    calls("({0} OR {1})", "bool", "bool"), calls("(NOT {0})", "bool"), calls("({0} IS NULL)", "int"), calls("({0} IS NOT NULL)", "text"),
    calls("({0} IS DISTINCT FROM {1})", "int", "int"), calls("({0} IS NOT DISTINCT FROM {1})", "text", "text"),
    pair("(COALESCE({0}, 0) IN (1, 2, 3, -5))", "(COALESCE({0}, 0) IN (1, 2, 3, -5))", "int")]
KINDS = ["int", "dec", "real", "text", "bool"]


def rows_of(chance, count):
    def value(name):
        if name != "B1" and chance.random() < 0.15:
            return None
        return {"I": lambda: chance.randint(-1000, 1000), "N": lambda: chance.randint(-50, 50),
                "D": lambda: chance.randint(-400, 400) / 4, "B": lambda: chance.random() < 0.5, "S": lambda: chance.choice(WORDS),
                "M": lambda: decimal.Decimal(chance.randint(-99999, 99999)).scaleb(-2 if name == "M1" else -3)}[name[0]]()
    return [[value(name) for name, _ in COLUMNS] for _ in range(count)]


def text_of(value):
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return repr(value) + "E0"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


def differ(kind, ours, theirs):
    if ours is None or theirs is None:
        return ours is not theirs
    if kind == "real":
        a, b = float(ours), float(theirs)
        return abs(a - b) > 1e-9 * max(abs(a), abs(b), 1)
    if kind == "dec":
        return abs(decimal.Decimal(ours) - decimal.Decimal(theirs)) > decimal.Decimal("0.0001")
    return ours != theirs or type(ours) is not type(theirs)


class Tradewind:
    def __init__(self, url):
        self.url = url

    def post(self, path, body):
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(),
                                         {"Content-Type": "application/json", "Accept": "application/vnd.ksqlapi.delimited.v1"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as refused:
            raise RuntimeError("Tradewind refused: " + refused.read().decode()[:600]) from None

    def statements(self, text):
        self.post("/ksql", {"ksql": text, "streamsProperties": {}})

    def rows(self, text):
        lines = [line for line in self.post("/query-stream", {"sql": text, "properties": {}}).splitlines() if line]
        return [json.loads(line, parse_float=decimal.Decimal) for line in lines[1:]]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--expressions", type=int, default=10000 if "TW_LONG" in os.environ else 1500)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    rows = rows_of(chance, 40)
    names = ", ".join(name for name, _ in COLUMNS)
    wrong = 0
    with Postgres() as postgres, platform(arguments.binary) as url:
        tradewind = Tradewind(url)
        declared = ", ".join(f"{name} {kind}" for name, kind in COLUMNS)
        tradewind.statements(f"CREATE STREAM vals (ID INT KEY, {declared}) WITH (kafka_topic='vals', partitions=1, value_format='AVRO');")
        theirs = ", ".join(f"{name} {PG_TYPES.get(kind, kind)}" for name, kind in COLUMNS)
        inserts = [f"INSERT INTO vals (ID, {names}) VALUES ({n}, {', '.join(map(text_of, row))});" for n, row in enumerate(rows)]
        postgres.ask(f"CREATE TABLE vals (ID INT, {theirs}); " + " ".join(inserts))
        tradewind.statements(" ".join(inserts))
        expressions = Expressions(chance)
        for first in range(0, arguments.expressions, 50):
            batch = []
            for _ in range(min(50, arguments.expressions - first)):
                kind = chance.choice(KINDS)
                batch.append((kind, *expressions.of(kind, chance.randint(1, 4))))
            ours = ", ".join(f"{one[1]} AS C{n}" for n, one in enumerate(batch))
            got = tradewind.rows(f"SELECT ID, {ours} FROM vals;")
            wanted = postgres.ask("SELECT json_build_array(ID, " + ", ".join(one[2] for one in batch) + ") FROM vals ORDER BY ID;")
            wanted = [json.loads(line, parse_float=decimal.Decimal) for line in wanted.splitlines()]
            got.sort(key=lambda row: row[0])
            if len(got) != len(rows) or len(wanted) != len(rows):
                sys.exit(f"{len(got)} rows from Tradewind, {len(wanted)} from PostgreSQL, {len(rows)} wanted")
            for n, (kind, mine, other) in enumerate(batch):
                bad = [(a, b) for a, b in zip(got, wanted) if differ(kind, a[n + 1], b[n + 1])]
                if bad:
                    wrong += 1
                    a, b = bad[0]
                    values = ", ".join(f"{name}={text_of(v)}" for (name, _), v in zip(COLUMNS, rows[a[0]]))
                    print(f"{kind}: {mine}\n  as PostgreSQL's {other}\n  Tradewind {a[n + 1]!r}, PostgreSQL {b[n + 1]!r}, for {values}")
    print(f"{arguments.expressions} expressions over {len(rows)} rows, seed {arguments.seed}: {wrong} differ")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
