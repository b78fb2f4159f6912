// A small shop's events over POST /v1/events/{topic}: seeded, so that whoever knows the seed can recount them.
//
//   node feed.mjs URL [--rate EVENTS_A_SECOND] [--seconds N] [--history MINUTES] [--seed N]
//
// --history sends that many minutes of the past first, as fast as they are taken.
const kCatalogue = [
  ["coats", "Rain jacket", 129.9], ["coats", "Down coat", 219], ["coats", "Windbreaker", 89.5], ["shoes", "Trail runner", 119],
  ["shoes", "Leather boot", 159.95], ["shoes", "Canvas sneaker", 64.9], ["kitchen", "Cast iron pan", 54], ["kitchen", "Chef's knife", 84.5],
  ["kitchen", "Kettle", 39.9], ["kitchen", "Moka pot", 32], ["books", "Field guide", 24.9], ["books", "Atlas", 48], ["books", "Cookbook", 29.5],
  ["garden", "Pruning shears", 27.9], ["garden", "Watering can", 19.5], ["garden", "Seed box", 12.4],
];
const kFunnel = ["PRODUCT_VIEWED", "PRODUCT_ADDED", "CHECKOUT_STARTED", "ORDER_COMPLETED"];
const kGoesOn = [0.34, 0.52, 0.71];

export class Shop {
  constructor(seed = 1) {
    this.state = BigInt(seed) * 0x9e3779b97f4a7c15n;
    this.products = kCatalogue.map(([category, name, price], i) => ({
      product_id: name.toLowerCase().replace(/[^a-z]+/g, "-"), category, price, available: 40 + i * 9, reorder_point: 12,
    }));
    this.orders = [];
    this.visitors = 0;
    this.waiting = []; // what shoppers do later, by time
  }

  chance() {
    this.state = (this.state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
    return Number(this.state >> 11n) / 2 ** 53;
  }
  below(n) { return Math.floor(this.chance() * n); }
  id() {
    const hex = () => this.below(65536).toString(16).padStart(4, "0");
    return `${hex()}${hex()}-${hex()}-4${hex().slice(1)}-8${hex().slice(1)}-${hex()}${hex()}${hex()}`;
  }

  // What happens when a shopper comes at `time`: [topic, event] in the order of event time.
  visit(time) {
    const events = [];
    const bot = this.chance() < 0.06;
    const visitor_id = `v${this.visitors++}`;
    const device = { type: this.chance() < 0.62 ? "MOBILE" : "DESKTOP" };
    const looks = bot ? 12 : 1 + this.below(4);
    let product;
    let at = time;
    const tell = (event_type, items) => events.push(["customer-events", {
      event_id: this.id(), event_time: Math.round(at), event_type, visitor_id, device, items, ...(bot ? { bot_score: 0.9 } : {}),
    }]);
    const item = (p, quantity) => ({ product_id: p.product_id, category: p.category, quantity, unit_price: p.price.toFixed(4), line_total: (p.price * quantity).toFixed(4) });
    for (let i = 0; i < looks; ++i) {
      product = this.products[Math.floor(this.chance() ** 1.7 * this.products.length)];
      tell(kFunnel[0], [item(product, 1)]);
      at += 2000 + this.chance() * 9000;
    }
    if (bot) return events;
    for (let step = 1; step < 4 && this.chance() < kGoesOn[step - 1]; ++step) {
      at += 3000 + this.chance() * 20000 * step;
      const lines = [item(product, 1 + this.below(2))];
      tell(kFunnel[step], lines);
      if (step === 3) this.order(events, at, lines, visitor_id);
    }
    return events;
  }

  order(events, time, items, visitor_id) {
    const total = items.reduce((sum, item) => sum + Number(item.line_total), 0).toFixed(4);
    const risky = this.chance() < 0.05;
    const order = { order_id: `o${this.orders.length}`, customer_id: `c${this.below(400)}`, visitor_id, currency: "EUR", total, items };
    this.orders.push(order);
    const send = (event_type, at, more = {}) =>
      events.push(["orders", { event_id: this.id(), event_time: Math.round(at), event_type, ...order, ...more }]);
    const card = `card-${this.below(300).toString(16).padStart(4, "0")}`;
    const risk = risky ? { band: "REVIEW", score: 712, reasons: ["new device", "address used by 4 accounts"] } : { band: "ALLOW" };
    send("ORDER_PLACED", time, { risk });
    send("PAYMENT_ATTEMPTED", time + 400, { payment: { payment_id: this.id(), card_fingerprint: card } });
    for (const item of items) this.move(events, time + 900, item.product_id, -item.quantity);
    if (this.chance() < 0.09) send("ORDER_REFUNDED", time + 60_000 + this.chance() * 600_000);
  }

  move(events, time, product_id, delta) {
    const product = this.products.find((p) => p.product_id === product_id);
    const put = (event_type, delta) => {
      product.available = Math.max(0, product.available + delta);
      events.push(["inventory", { event_id: this.id(), event_time: Math.round(time), event_type, product_id, location_id: "north",
        available: product.available, delta, reorder_point: product.reorder_point }]);
    };
    put("SALE", delta);
    if (product.available < 4 && this.chance() < 0.5) put("RECEIPT", 60 + this.below(60));
  }

  // A stolen number is tried: payments of one card, seconds apart.
  testCard(time) {
    const card = `card-f${this.below(4096).toString(16).padStart(3, "0")}`;
    return Array.from({ length: 5 + this.below(4) }, (_, i) => ["orders", {
      event_id: this.id(), event_time: Math.round(time + i * 7000), event_type: "PAYMENT_ATTEMPTED", order_id: `t${this.id().slice(0, 8)}`,
      customer_id: `c${900 + this.below(60)}`, currency: "EUR", total: (1 + this.chance() * 4).toFixed(4),
      payment: { payment_id: this.id(), card_fingerprint: card },
    }]);
  }

  // All events with times up to `until`, in their order; visitors come every `gap_ms` on average from `from` on.
  between(from, until, gap_ms) {
    for (let time = from; time < until; time += gap_ms * (0.2 + 1.6 * this.chance())) {
      this.waiting.push(...this.visit(time));
      if (this.chance() < gap_ms / 240_000) this.waiting.push(...this.testCard(time));
    }
    this.waiting.sort((a, b) => a[1].event_time - b[1].event_time);
    const end = this.waiting.findIndex(([, event]) => event.event_time >= until);
    return this.waiting.splice(0, end < 0 ? this.waiting.length : end);
  }
}

export async function send(url, events) {
  for (const topic of ["customer-events", "orders", "inventory"]) {
    const of = events.filter(([name]) => name === topic).map(([, event]) => event);
    for (let i = 0; i < of.length; i += 1000) {
      const answer = await fetch(`${url}/v1/events/${topic}`, { method: "POST", body: JSON.stringify(of.slice(i, i + 1000)) });
      const body = await answer.json();
      if (answer.status !== 202 || body.rejected.length) throw new Error(`${topic}: ${JSON.stringify(body).slice(0, 400)}`);
    }
  }
}

async function main([url, ...rest]) {
  const option = (name, otherwise) => {
    const at = rest.indexOf(`--${name}`);
    return at < 0 ? otherwise : Number(rest[at + 1]);
  };
  const rate = option("rate", 60), seconds = option("seconds", 60), history = option("history", 0);
  const shop = new Shop(option("seed", 1));
  const gap = 1000 / (rate / 4.5); // a visitor makes some four and a half events
  let from = Date.now() - history * 60_000;
  const stop = Date.now() + seconds * 1000;
  while (Date.now() < stop) {
    const until = Math.min(from + 20_000, Date.now());
    await send(url, shop.between(from, until, gap));
    if (until > Date.now() - 300) await new Promise((done) => setTimeout(done, 250));
    from = until;
  }
}

if (import.meta.url === `file://${process.argv[1]}`) await main(process.argv.slice(2));
