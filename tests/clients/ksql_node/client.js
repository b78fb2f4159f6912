// npm's ksqldb-client, unchanged, over HTTP/2. client.js PORT
const assert = require("node:assert");
const Client = require("ksqldb-client");

async function main(port) {
  const client = new Client({ host: "http://127.0.0.1", port });
  await client.connect();
  const data = ({ data, error, status }) => {
    assert.equal(status, 200, JSON.stringify(error));
    return data;
  };
  data(await client.executeStatement(
    "CREATE STREAM orders (id STRING KEY, total DECIMAL(9, 2)) WITH (kafka_topic='orders_js', partitions=1, value_format='JSON');"));
  const made = data(await client.executeStatement(
    "CREATE TABLE by_id AS SELECT id, SUM(total) AS total FROM orders GROUP BY id EMIT CHANGES;"));
  const seen = [];
  let began;
  const started = new Promise((resolve) => { began = resolve; });  // the client tells the metadata first
  const first = new Promise((resolve) => {
    client.streamQuery("SELECT id, total FROM orders EMIT CHANGES;", (event) => {
      began();
      seen.push(...(event.rows || []));
      if (seen.length === 3) resolve(event.metadata.queryId);
    }, { properties: { "auto.offset.reset": "earliest" } });
  });
  await started;
  for (const [id, total] of [["a", 1.5], ["b", 2], ["a", 3.25]]) {
    const acks = data(await client.insertInto("orders", { id, total }));
    assert.equal(acks.rows[0].status, "ok");
  }
  const pushed = await first;
  assert.deepEqual(seen.map((row) => [row.ID, row.TOTAL]), [["a", 1.5], ["b", 2], ["a", 3.25]]);
  data(await client.terminatePushQuery(pushed));
  const pulled = data(await client.query("SELECT * FROM by_id WHERE id = 'a';"));
  assert.deepEqual(pulled.rows, [{ ID: "a", TOTAL: 4.75 }]);
  const query = made.rows[0].commandStatus.queryId;
  data(await client.executeStatement(`TERMINATE ${query};`));
  const refused = await client.executeStatement("DROP STREAM nobody;");
  assert.equal(refused.status, 400);
  await client.disconnect();
  console.log("ksqldb-client: create, push, insert, pull, close, terminate");
}

main(Number(process.argv[2])).then(() => process.exit(0), (error) => {
  console.error(error);
  process.exit(1);
});
