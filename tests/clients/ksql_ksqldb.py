#!/usr/bin/env python3
"""PyPI's ksqldb, unchanged: statements over HTTP/1.1, queries and inserts over HTTP/2. ksql_ksqldb.py BINARY"""
import asyncio, sys

import running

running.need("httpx", "h2", "requests", "ksqldb")
from ksqldb import KSQLdbClient  # noqa: E402


async def pushed(client, sql, count, feed):
    rows = client.query_async(sql, stream_properties={"auto.offset.reset": "earliest"}, timeout=20)
    got = [await rows.__anext__()]
    feed()
    while len(got) < count + 1:
        got.append(await rows.__anext__())
    await rows.aclose()
    return got


with running.platform(sys.argv[1]) as url:
    client = KSQLdbClient(url)
    made = client.ksql("CREATE STREAM sales (country STRING KEY, units BIGINT, price DECIMAL(9, 2), tags ARRAY<STRING>)"
                       " WITH (kafka_topic='sales', partitions=2, value_format='JSON');")
    assert made[0]["commandStatus"]["status"] == "SUCCESS", made
    made = client.ksql("CREATE TABLE totals AS SELECT country, SUM(units) AS units, SUM(price) AS price FROM sales"
                       " GROUP BY country EMIT CHANGES;")
    query = made[0]["commandStatus"]["queryId"]
    acks = client.inserts_stream("sales", [{"country": "DE", "units": 1, "price": 2.50, "tags": ["a", "b"]},
                                           {"country": "DE", "units": 41, "price": "0.25", "tags": None},
                                           {"country": "FR", "units": "many"}])
    assert [ack["status"] for ack in acks] == ["ok", "ok", "error"], acks
    assert [ack["seq"] for ack in acks] == [0, 1, 2], acks
    assert client.ksql("INSERT INTO sales (country, units, price) VALUES ('AT', 7, 1.00);") == []
    rows = client.query_sync("SELECT * FROM totals WHERE country = 'DE';")
    assert rows[0]["columnNames"] == ["COUNTRY", "UNITS", "PRICE"], rows
    assert rows[1:] == [["DE", 42, 2.75]], rows

    feed = lambda: client.ksql("INSERT INTO sales (country, units, price) VALUES ('IT', 9, 1.00);")
    got = asyncio.run(pushed(client, "SELECT country, units FROM sales EMIT CHANGES;", 4, feed))
    assert sorted(got[1:]) == [["AT", 7], ["DE", 1], ["DE", 41], ["IT", 9]], got
    assert not client.close_query("nobody"), "a query that does not exist was closed"
    properties = {p["name"]: p["value"] for p in client.get_properties()}
    assert properties["ksql.service.id"] == "tradewind", properties
    ended = client.ksql(f"TERMINATE {query};")
    assert ended[0]["commandStatus"]["status"] == "SUCCESS", ended
    assert client.ksql("SHOW QUERIES;")[0]["queries"] == []
print("ksqldb: create, insert, pull, push, terminate")
