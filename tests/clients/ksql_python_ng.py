#!/usr/bin/env python3
"""PyPI's ksql-python-ng, unchanged: /info, /ksql and /query over HTTP/1.1, /query-stream and /inserts-stream over
HTTP/2. ksql_python_ng.py BINARY"""
import json, sys

import running

running.need("httpx", "h2", "ksql")
from ksql import KSQLAPI  # noqa: E402
from ksql.errors import KSQLError  # noqa: E402


def rows_of(pieces):
    return [element["row"]["columns"] for element in json.loads("".join(pieces)) if "row" in element]


with running.platform(sys.argv[1]) as url:
    client = KSQLAPI(url)
    assert client.get_ksql_version() == "0.29.0", client.get_ksql_version()
    client.ksql("CREATE STREAM visits (page STRING KEY, ms BIGINT) WITH (kafka_topic='visits', partitions=1,"
                " value_format='AVRO');")
    made = client.ksql("CREATE TABLE slow AS SELECT page, MAX(ms) AS ms FROM visits GROUP BY page EMIT CHANGES;")
    query = made[0]["commandStatus"]["queryId"]
    for page, ms in (("a", 5), ("b", 6), ("a", 7)):
        client.ksql(f"INSERT INTO visits (page, ms) VALUES ('{page}', {ms});")
    client.inserts_stream("visits", [{"page": "c", "ms": 8}])
    assert rows_of(client.query("SELECT * FROM slow WHERE page = 'a';")) == [["a", 7]]
    earliest = {"auto.offset.reset": "earliest"}
    pushed = rows_of(client.query("SELECT page, ms FROM visits EMIT CHANGES LIMIT 4;", stream_properties=earliest))
    assert pushed == [["a", 5], ["b", 6], ["a", 7], ["c", 8]], pushed
    lines = "".join(client.query("SELECT page, ms FROM visits EMIT CHANGES LIMIT 4;", stream_properties=earliest,
                                 use_http2=True)).strip().split("\n")
    assert [json.loads(line) for line in lines[1:]] == pushed, lines
    try:
        client.ksql("CREATE STREAM visits (page STRING KEY) WITH (kafka_topic='visits', value_format='AVRO');")
        raise AssertionError("a stream was made twice")
    except KSQLError as refused:
        assert "exists already" in str(refused), refused
    client.ksql(f"TERMINATE {query};")
    assert client.ksql("SHOW QUERIES;")[0]["queries"] == []
print("ksql-python-ng: version, create, insert, pull, push, terminate")
