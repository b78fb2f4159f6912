// The console in headless Chromium against a running platform that was fed known events.
//
//   node console.mjs --binary tradewind --modules build/console/node_modules --queries queries/shop [--seed N] [--keep DIR]
//
// What stands on the page is compared with pull queries, and those with a recount of the events. Exit 77 without a browser.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Shop, send } from "./feed.mjs";

const option = (name, otherwise) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : process.argv[at + 1];
};
const skip = (why) => {
  console.log(`skipped: ${why}`);
  process.exit(77);
};

const modules = resolve(option("modules", "build/console/node_modules"));
const browserPath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
if (!existsSync(join(modules, "playwright-core"))) skip("playwright-core is not there; ./test installs it where npm's registry can be reached");
if (!browserPath) skip("there is no Chromium; ./test installs it where Debian's packages can be reached");
const require = createRequire(modules + "/");
const { chromium } = require("playwright-core");
const axeSource = require("axe-core").source;

const seed = Number(option("seed", Date.now() % 100000));
console.log(`seed ${seed} (repeat with --seed ${seed})`);
const folder = mkdtempSync(join(tmpdir(), "tradewind-console-"));

// ---- the platform

const port = await new Promise((found) => {
  const probe = createServer().listen(0, "127.0.0.1", () => {
    const { port } = probe.address();
    probe.close(() => found(port));
  });
});
const url = `http://127.0.0.1:${port}`;
let server;

function start(queries) {
  server = spawn(option("binary"), ["serve", "--data", join(folder, "data"), "--listen", `127.0.0.1:${port}`, ...(queries ? ["--queries", queries] : [])], { stdio: ["ignore", "pipe", "ignore"] });
  return new Promise((ready, failed) => {
    server.stdout.on("data", (text) => String(text).startsWith("ready") && ready());
    server.on("exit", (code) => failed(new Error(`the platform ended with ${code}`)));
  });
}
function kill() {
  const gone = new Promise((done) => server.on("exit", done));
  server.removeAllListeners("exit");
  const ended = new Promise((done) => server.on("exit", done));
  server.kill("SIGKILL");
  return Promise.race([gone, ended]);
}

// Rows of a pull query as objects.
async function pull(sql) {
  const answer = await fetch(`${url}/live?sql=${encodeURIComponent(sql)}`);
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  return text.split("\n\n").filter((event) => event.startsWith("data: ")).map((event) => JSON.parse(event.slice(6)));
}
async function ksql(text) {
  const answer = await fetch(`${url}/ksql`, { method: "POST", body: JSON.stringify({ ksql: text }) });
  return answer.json();
}

// ---- what is expected

const kMinute = 60_000;
const hourAgo = () => Math.floor((Date.now() - 60 * kMinute) / kMinute) * kMinute + kMinute;
const cents = (text) => Math.round(Number(text) * 100);

// Booked, taken back and at risk of orders since `from`, in cents.
function recount(events, from) {
  const sums = { booked: 0, back: 0, risk: 0 };
  for (const [topic, event] of events) {
    if (topic !== "orders" || event.event_time < from) continue;
    for (const item of event.items ?? []) {
      if (event.event_type === "ORDER_PLACED") sums.booked += cents(item.line_total);
      if (event.event_type === "ORDER_PLACED" && event.risk?.band === "REVIEW") sums.risk += cents(item.line_total);
      if (event.event_type === "ORDER_REFUNDED") sums.back += cents(item.line_total);
    }
  }
  return sums;
}

const digits = (text) => Number(text.replace(/[^0-9.]/g, ""));

// Tries until `check` stops throwing.
async function until(what, check, limit_ms = 20_000) {
  const end = Date.now() + limit_ms;
  for (;;) {
    try {
      return await check();
    } catch (wrong) {
      if (Date.now() > end) throw new Error(`${what}: ${wrong.message}`);
    }
    await new Promise((done) => setTimeout(done, 200));
  }
}

let passed = 0;
async function step(name, body) {
  const begun = Date.now();
  await body();
  ++passed;
  console.log(`ok ${passed} - ${name} (${Date.now() - begun} ms)`);
}

// ---- the browser

const browser = await chromium.launch({ executablePath: browserPath, args: ["--no-sandbox"] });
const problems = [];
let away = false; // the server is meant to be gone: requests may fail

async function open(hash, { width = 1440, height = 900, scheme = "light" } = {}) {
  const page = await browser.newPage({ viewport: { width, height }, colorScheme: scheme });
  page.on("console", (message) => {
    if (message.type() === "error" && !(away && /Failed to load resource|ERR_/.test(message.text()))) problems.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => problems.push(`error on the page: ${error.message}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(url)) problems.push(`a request elsewhere: ${request.url()}`);
  });
  await page.goto(`${url}/${hash}`);
  return page;
}

const figure = async (page, name) => digits(await page.textContent(`[data-figure="${name}"]`));

const shop = new Shop(seed);
const events = [];
let fed = Date.now() - 40 * kMinute; // what happened before it has been sent
async function happen(until_, gap_ms) {
  const fresh = shop.between(fed, until_, gap_ms);
  fed = until_;
  events.push(...fresh);
  await send(url, fresh);
}

async function figuresAreRight(page) {
  await until("the revenue on the page", async () => {
    const from = hourAgo();
    const expected = recount(events, from);
    const rows = await pull(`SELECT BOOKED, TAKEN_BACK, AT_RISK FROM REVENUE_FLOW WHERE WINDOWSTART >= ${from};`);
    const sum = (name) => rows.reduce((all, row) => all + cents(row[name]), 0);
    assert.deepEqual({ booked: sum("BOOKED"), back: sum("TAKEN_BACK"), risk: sum("AT_RISK") }, expected);
    assert.equal(await figure(page, "booked"), Math.round(expected.booked / 100));
    assert.equal(await figure(page, "net"), Math.round((expected.booked - expected.back) / 100));
    assert.equal(await figure(page, "risk"), Math.round(expected.risk / 100));
    assert.ok(expected.booked > 0 && expected.back > 0);
  });
  await until("the funnel on the page", async () => {
    const rows = await pull(`SELECT F FROM CHECKOUT_FUNNEL WHERE WINDOWSTART >= ${hourAgo() - kMinute};`);
    for (let i = 0; i < 4; ++i) {
      const expected = rows.reduce((sum, row) => sum + row.F[i].ENTERED, 0);
      assert.ok(expected > 0);
      assert.equal(digits(await page.textContent(`[data-step="${i}"]`)), expected);
    }
  });
  await until("popular products on the page", async () => {
    const rows = await pull("SELECT TRENDING FROM POPULAR_ITEMS;");
    const best = rows.flatMap((row) => row.TRENDING).sort((a, b) => b.WEIGHT - a.WEIGHT).slice(0, 11).map((item) => item.ITEM);
    assert.deepEqual(await page.$$eval(".popular tbody tr", (all) => all.map((row) => row.dataset.product)), best);
  });
  await until("the stock on the page", async () => {
    const rows = await pull("SELECT PRODUCT_ID, AVAILABLE, COVER_DAYS_80 FROM STOCK_COVER;");
    const soonest = rows.filter((row) => row.COVER_DAYS_80 !== null).sort((a, b) => a.COVER_DAYS_80 - b.COVER_DAYS_80)[0];
    const first = page.locator(".stock tbody tr").first();
    assert.equal(await first.getAttribute("data-product"), soonest.PRODUCT_ID);
    assert.equal(digits(await first.locator("td").first().textContent()), soonest.AVAILABLE);
    assert.match(await first.textContent(), /(today|[A-Z][a-z]{2}) .*likely (today|[A-Z][a-z]{2}) |out of stock|three weeks or more/);
  });
  await until("the suspicious orders on the page", async () => {
    const shown = await page.$$eval(".alerts li b", (all) => all.map((name) => `${name.textContent}${name.nextSibling.textContent}`));
    const newest = events.filter(([topic, event]) => topic === "orders" && event.event_type === "ORDER_PLACED" && event.risk?.band === "REVIEW").sort((a, b) => b[1].event_time - a[1].event_time)[0];
    assert.ok(shown.some((text) => text.startsWith(`Order ${newest[1].order_id} `)), `order ${newest[1].order_id} in ${shown.slice(0, 4)}`);
    const orders = shown.filter((text) => text.startsWith("Order "));
    assert.equal(new Set(orders).size, orders.length, "an order stands twice");
  });
}

const kPages = ["#/overview", "#/query", "#/queries", "#/topics", "#/topics/orders", "#/schemas/orders-value", "#/system"];

async function axe(page, name) {
  await page.evaluate(axeSource);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  for (const one of found.violations) problems.push(`axe on ${name}: ${one.impact} ${one.id}: ${one.nodes[0].html.slice(0, 160)} ${one.nodes[0].failureSummary}`);
}

try {
  await start(null);
  await step("without the shop's tables the overview tells the statements that make them", async () => {
    const page = await open("#/overview");
    await until("the statements", async () => assert.match(await page.textContent(".revenue .empty"), /REVENUE_FLOW[\s\S]*CREATE TABLE revenue_flow/));
    for (const card of ["funnel", "popular", "stock", "suspicious"]) assert.match(await page.textContent(`.${card} .empty`), /CREATE (TABLE|STREAM)/);
    await page.close();
  });
  await kill();
  await start(option("queries", "queries/shop"));
  await happen(Date.now() - 30_000, 700);

  const page = await open("#/overview");
  await step("the figures of the overview equal pull queries, and those a recount", () => figuresAreRight(page));
  await step("what happens shows by itself", async () => {
    await happen(Date.now(), 300);
    await figuresAreRight(page);
  });
  await step("an order is on the page within a second", async () => {
    const took = [];
    for (let i = 0; i < 8; ++i) {
      const item = { product_id: "kettle", category: "kitchen", quantity: 1, line_total: "1000.0000" };
      const event = ["orders", { event_id: `3333333${i}-3333-4333-8333-333333333333`, event_time: Date.now(), event_type: "ORDER_PLACED", order_id: `fast-${i}`, customer_id: `c${i}`, currency: "EUR", items: [item], risk: { band: "REVIEW", reasons: ["by hand"] } }];
      const begun = Date.now();
      events.push(event);
      await send(url, [event]);
      await page.waitForFunction((name) => document.querySelector(".alerts").textContent.includes(name), `Order fast-${i} `, { polling: 20 });
      took.push(Date.now() - begun);
    }
    console.log(`   from sending to the page: ${took.join(", ")} ms`);
    assert.ok(took.sort((a, b) => a - b)[4] < 1000);
  });
  await step("each figure says how complete it is, and the header how fast", async () => {
    await until("the footers", async () => {
      for (const foot of await page.$$eval(".foot", (all) => all.map((one) => one.textContent))) assert.match(foot, /% of the last minute counted · .*newest .* ago/);
      assert.match(await page.textContent(".pulse"), /Events[\d.]+.*\/s.*Result after[\d.]+.*s/);
    });
  });
  await step("rows that come too late are counted as such, and can be looked at", async () => {
    const late = Array.from({ length: 3 }, (_, i) => ["orders", { event_id: `2222222${i}-2222-4222-8222-222222222222`, event_time: Date.now() - 25 * kMinute, event_type: "ORDER_PLACED", order_id: `late-${i}`, customer_id: `c${i}`, currency: "EUR",
      items: [{ product_id: "kettle", category: "kitchen", quantity: 1, line_total: "39.9000" }] }]);
    await send(url, late);
    await until("the footer", async () => assert.match(await page.textContent(".revenue .foot"), /\d\d\.\d.% of the last minute counted · 3 late/));
    assert.equal((await pull("SELECT ORDER_ID FROM ORDERS WHERE ORDER_ID LIKE 'late-%';")).length, 3);
    assert.match(await page.getAttribute(".revenue .foot a", "href"), /REVENUE_FLOW_LATE/);
    await figuresAreRight(page);
  });
  await step("the server is killed and comes back under the open page: it says so, goes on, and doubles nothing", async () => {
    away = true;
    await kill();
    await until("the notice", async () => assert.match(await page.textContent(".notice:not([hidden])", { timeout: 500 }), /does not answer since/));
    assert.match(await page.textContent(".state"), /away/);
    await start(option("queries", "queries/shop"));
    await until("live again", async () => {
      assert.equal(await page.textContent(".state"), "live");
      assert.ok(await page.isHidden(".notice"));
    });
    away = false;
    await happen(Date.now(), 100);
    await figuresAreRight(page);
  });
  await step("the system page tells health, the lag of a query that stands still in seconds, disk and memory", async () => {
    const system = await open("#/system");
    const tile = async (name) => (await system.locator(".tile", { has: system.locator("h2", { hasText: new RegExp(`^${name}$`) }) }).textContent()).replace(/\u202f/g, " ");
    await until("that all is well", async () => assert.match(await system.textContent(".health"), /^Ready/));
    const id = (await (await fetch(`${url}/v1/health`)).json()).queries.find((query) => /REVENUE_FLOW/.test(query.name)).name;
    const statement = (text) => fetch(`${url}/ksql`, { method: "POST", body: JSON.stringify({ ksql: text }) });
    assert.equal((await statement(`PAUSE ${id};`)).status, 200);
    const held = ["orders", { event_id: "44444444-4444-4444-8444-444444444444", event_time: Date.now(), event_type: "ORDER_PLACED", order_id: "held", customer_id: "c", currency: "EUR",
      items: [{ product_id: "kettle", category: "kitchen", quantity: 1, line_total: "10.0000" }] }];
    events.push(held);
    await send(url, [held]);
    await until("seconds of lag", async () => assert.match(await tile("Lag"), /^Lag[2-9]\.?\d* s/));
    assert.equal((await statement(`RESUME ${id};`)).status, 200);
    await until("no lag", async () => assert.match(await tile("Lag"), /^Lag0 ms0 records/));
    assert.match(await tile("Disk"), /MB used.* GB of .* free/);
    assert.match(await tile("Memory"), /^Memory[\d.]+ [MG]B/);
    await system.close();
  });
  await step("the SQL behind a figure is one click away and runs there", async () => {
    await page.click(".revenue .sql >> nth=1");
    await until("rows", async () => assert.ok((await page.locator(".rows tbody tr").count()) >= 5));
    assert.match(await page.inputValue("#sql"), /FROM REVENUE_NET/);
    await page.close();
  });

  await step("the query page runs a push query by keyboard and shows each new row", async () => {
    const page = await open("#/query?sql=" + encodeURIComponent("SELECT ORDER_ID, TOTAL\nFROM ORDERS WHERE EVENT_TYPE = 'ORDER_PLACED'\nEMIT CHANGES;"));
    await page.focus("#sql");
    await page.keyboard.press("Control+Enter");
    await until("the columns", async () => assert.match(await page.textContent(".result thead"), /ORDER_ID.*TOTAL/));
    await send(url, [["orders", { event_id: "11111111-1111-4111-8111-111111111111", event_time: Date.now(), event_type: "ORDER_PLACED", order_id: "by-hand", customer_id: "c1", currency: "USD", total: "12.5000", items: [] }]]);
    await until("the row", async () => assert.match(await page.textContent(".result tbody"), /by-hand12\.5000/));
    for (const button of ["Run", "Stop"]) {
      await page.hover(`.actions button:text-is("${button}")`);
      await axe(page, `a query that runs, the pointer on ${button}`);
    }
    await page.click('.actions button:text-is("Stop")');
    await until("the note", async () => assert.match(await page.textContent("main .note[role=status]"), /1 row; stopped/));
    await page.click('.actions button:text-is("Plan")');
    await until("the plan", async () => assert.match(await page.textContent(".plan"), /source orders[\s\S]*filter/));
    await page.fill("#sql", "SELECT ORDER_ID,\n       NOWHERE\nFROM ORDERS EMIT CHANGES;");
    away = true; // the refusal of EXPLAIN is a 400, which the browser's console tells
    for (const button of ["Run", "Plan"]) {
      await page.click(`.actions button:text-is("${button}")`);
      await until(`the error of ${button}`, async () => {
        assert.match(await page.textContent("#sql-error"), /line 2, column 8: .*NOWHERE/);
        assert.equal(await page.textContent(".gutter .wrong"), "2");
        assert.equal(await page.evaluate(() => { const at = document.querySelector("#sql"); return at.value.slice(at.selectionStart, at.selectionEnd); }), "NOWHERE");
      });
    }
    away = false;
    const asked = await page.$$eval("select option", (all) => all.map((one) => one.value));
    assert.ok(asked.some((text) => text.includes("NOWHERE")) && asked.some((text) => text.includes("ORDER_PLACED")), "the history");
    await page.close();
  });

  await step("10,000 records of a topic are browsed, each once and newest first, with few of them in the page", async () => {
    const name = "customer-events";
    const [topic] = (await (await fetch(`${url}/v1/topics`)).json()).filter((one) => one.name === name);
    assert.ok(topic.records >= 10_000, `only ${topic.records} records were fed`);
    const page = await open(`#/topics/${name}`);
    await page.waitForSelector(".record");
    const browsed = await page.evaluate(async () => {
      const list = document.querySelector(".virtual");
      const seen = new Map();
      let most = 0;
      let slowest = 0;
      let last = performance.now();
      for (let still = 0; still < 150;) {
        for (const row of list.querySelectorAll(".record")) seen.set(Number(row.getAttribute("aria-posinset")), [row.querySelector(".at").textContent, Number(row.dataset.time)]);
        most = Math.max(most, list.querySelectorAll(".record").length);
        const before = list.scrollTop;
        list.scrollTop += list.clientHeight;
        await new Promise((done) => requestAnimationFrame(done));
        slowest = Math.max(slowest, performance.now() - last);
        last = performance.now();
        still = list.scrollTop === before ? still + 1 : 0;
        if (still) await new Promise((done) => setTimeout(done, 10));
        last = performance.now();
      }
      return { seen: [...seen], most, slowest };
    });
    const total = topic.records;
    assert.equal(browsed.seen.length, total);
    assert.equal(new Set(browsed.seen.map(([, [place]]) => place)).size, total, "a record stands twice");
    const times = browsed.seen.sort((a, b) => a[0] - b[0]).map(([, [, time]]) => time);
    let backwards = 0;
    for (let i = 1; i < times.length; ++i) if (times[i] > times[i - 1]) ++backwards;
    assert.equal(backwards, 0, "records are not newest first");
    assert.ok(browsed.most < 100, `${browsed.most} rows were in the page at once`);
    console.log(`   ${total} records, at most ${browsed.most} in the page, longest step of scrolling ${Math.round(browsed.slowest)} ms`);
    assert.ok(browsed.slowest < 1000);
    await page.locator(".record button").last().click();
    assert.match(await page.textContent(".detail pre >> nth=1"), /"EVENT_TYPE"/);
    await page.close();
  });

  await step("a query is paused and resumed", async () => {
    const page = await open("#/queries");
    const state = async () => (await ksql("SHOW QUERIES;"))[0].queries.find((query) => query.sinks[0] === "LOW_STOCK").state;
    await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange"))); // a page without live rows asks for none
    await page.click('[aria-label="Pause LOW_STOCK"]');
    await page.waitForSelector('[aria-label="Resume LOW_STOCK"]');
    assert.equal(await state(), "PAUSED");
    const told = await page.locator("tr", { has: page.locator('[aria-label="Resume LOW_STOCK"]') }).innerText();
    assert.match(told, /LOW_STOCK\s+stream from INVENTORY\s+paused/);
    assert.match(await page.textContent(".sums"), /Paused1Stopped0/);
    await page.click('[aria-label="Resume LOW_STOCK"]');
    await page.waitForSelector('[aria-label="Pause LOW_STOCK"]');
    assert.equal(await state(), "RUNNING");
    await page.close();
  });

  await step("schemas show what changed from one version to the next", async () => {
    const register = (fields) => fetch(`${url}/subjects/cups-value/versions`, { method: "POST", headers: { "Content-Type": "application/vnd.schemaregistry.v1+json" },
      body: JSON.stringify({ schema: JSON.stringify({ type: "record", name: "Cup", fields }) }) });
    const size = { name: "size", type: "int", default: 0 };
    assert.equal((await register([size])).status, 200);
    assert.equal((await register([size, { name: "colour", type: "string", default: "" }])).status, 200);
    const page = await open("#/schemas/cups-value");
    await until("the difference", async () => assert.match(await page.textContent(".diff .added >> nth=-1"), /^\+/));
    assert.match(await page.textContent(".diff"), /\+ .*"colour"/);
    assert.equal(await page.locator(".diff .removed").count(), 0);
    assert.equal(await page.locator(".versions a").count(), 2);
    await page.close();
  });

  await step("axe finds nothing on any page, light or dark, and none is wider than 320 px", async () => {
    for (const [width, scheme] of [[1440, "light"], [1440, "dark"], [320, "light"], [320, "dark"]]) {
      const page = await open("#/overview", { width, scheme });
      for (const hash of kPages) {
        await page.goto(`${url}/${hash}`);
        await page.waitForTimeout(900);
        await axe(page, `${hash} (${scheme}, ${width} px)`);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        if (wide > width) problems.push(`${hash} is ${wide} px wide at ${width}`);
      }
      await page.close();
    }
  });

  await step("the switch of colours is kept, and the pages can be reached by keyboard", async () => {
    const page = await open("#/overview");
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await background();
    await page.click(".theme");
    await page.click(".theme");
    assert.notEqual(await background(), light);
    await page.reload();
    assert.notEqual(await background(), light);
    await page.focus(".brand");
    for (let i = 0; i < 2; ++i) await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#sql");
    await page.close();
  });

  await step("the script is small and everything came from the platform", async () => {
    const size = (await (await fetch(`${url}/console/console.js`)).arrayBuffer()).byteLength;
    assert.ok(size < 150_000, `${size} bytes`);
    assert.deepEqual(problems, []);
  });

  await step("a platform with keys asks for one, refuses a wrong one, and shows itself with the right one", async () => {
    const listening = await new Promise((found) => {
      const probe = createServer().listen(0, "127.0.0.1", () => {
        const { port } = probe.address();
        probe.close(() => found(port));
      });
    });
    const guarded = spawn(option("binary"), ["serve", "--data", join(folder, "guarded"), "--listen", `127.0.0.1:${listening}`, "--server.keys", "${env:THE_KEYS}"],
      { stdio: ["ignore", "pipe", "ignore"], env: { ...process.env, THE_KEYS: "viewer read viewer-key-0123456789" } });
    const page = await browser.newPage();
    try {
      await new Promise((ready) => guarded.stdout.on("data", (text) => String(text).startsWith("ready") && ready()));
      await page.goto(`http://127.0.0.1:${listening}/#/topics`);
      for (const [key, asksAgain] of [["not-the-key-0123456789", true], ["viewer-key-0123456789", false]]) {
        await page.locator("#key").waitFor();
        await page.fill("#key", key);
        await page.keyboard.press("Enter");
        if (asksAgain) await page.locator("#key").waitFor({ state: "visible" });
      }
      await page.getByText("customer-events").first().waitFor();
      assert.equal(await page.locator("#key").isVisible(), false);
      assert.equal(await page.evaluate(() => localStorage.getItem("tradewind.key")), null);
    } finally {
      await page.close();
      guarded.kill("SIGKILL");
    }
  });
  console.log(`${passed} passed, 0 failed`);
} catch (failure) {
  console.error(failure);
  if (option("keep")) for (const [i, page] of browser.contexts().flatMap((context) => context.pages()).entries()) await page.screenshot({ path: join(option("keep"), `failed-${i}.png`) });
  console.log(`${passed} passed, 1 failed`);
  process.exitCode = 1;
} finally {
  await browser.close();
  server.removeAllListeners("exit");
  server.kill("SIGKILL");
  await new Promise((done) => (server.exitCode !== null || server.signalCode !== null ? done() : server.on("exit", done)));
  rmSync(folder, { recursive: true, force: true });
}
