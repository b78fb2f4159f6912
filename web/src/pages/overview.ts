// Overview: the shop's figures, each live, each with what is missing from it and the SQL behind it.
import { bar, columns, type Layer } from "../charts";
import { calmly, h, show } from "../dom";
import { Figure } from "../figures";
import { completeness, clock, count, dayAndHour, duration, kZone, money, percent } from "../format";
import { queryLink, type Page, type Platform } from "./page";
import revenueSql from "../../../queries/shop/revenue_flow.sql?raw";
import revenueNetSql from "../../../queries/shop/revenue_by_category_plus.sql?raw";
import funnelSql from "../../../queries/shop/funnel_plus.sql?raw";
import popularSql from "../../../queries/shop/popular_products_plus.sql?raw";
import stockSql from "../../../queries/shop/low_inventory_plus.sql?raw";
import cardsSql from "../../../queries/shop/fraud_signals_plus.sql?raw";
import suspiciousSql from "../../../queries/shop/suspicious_orders.sql?raw";

const kMinute = 60_000;
const kFive = 5 * kMinute;
const kHour = 60 * kMinute;
const kSteps = ["Viewed a product", "Put it in the cart", "Began the checkout", "Ordered"];
const kMostCategories = 8;
const kMostCoverDays = 21;  // STOCK_COVER promises no more
const kShades = ["s0", "s1", "s2", "s3", "s4"];

const hourAgo = () => Math.floor((Date.now() - kHour) / kMinute) * kMinute;

interface Card {
  node: HTMLElement;
  body: HTMLElement;
  foot: HTMLElement;
  figures: Figure[];
  draw: () => void;
}

function card(id: string, title: string, hint: string, statement: string, figures: Figure[], names = ["figure"]): Card {
  const body = h("div", { class: "body" });
  const foot = h("p", { class: "foot" });
  const links: (Node | string)[] = figures.map((figure, i) =>
    h("a", { href: queryLink(figure.sql()), class: "sql", title: `The query behind ${figure.table}`, onclick: (event: Event) => ((event.currentTarget as HTMLAnchorElement).href = queryLink(figure.sql())) },
      names[i]));
  links.push(h("a", { href: queryLink(statement, false), class: "sql", title: "The statements that keep it up to date" }, "definition"));
  const node = h("section", { class: `card ${id}`, "aria-labelledby": `${id}-title` },
    h("header", {}, h("h2", { id: `${id}-title` }, title), h("span", { class: "hint" }, hint), h("nav", { "aria-label": `SQL of ${title}` }, h("span", { class: "hint" }, "SQL"), ...links)), body, foot);
  return { node, body, foot, figures, draw: () => {} };
}

// What stands where a figure would, when its table is not there.
function absent(figure: Figure, statement: string): HTMLElement {
  return h("div", { class: "empty" },
    h("p", {}, h("b", {}, figure.table), " is not there yet. This makes it:"),
    h("pre", { tabindex: "0", "aria-label": `The statement that makes ${figure.table}` }, statement.trim()),
    h("p", {}, h("a", { href: queryLink(statement, false), class: "button" }, "Open it in the query page"), " or start with ", h("code", {}, "--queries queries/shop")));
}

const waiting = (text: string) => h("p", { class: "empty" }, text);
// Before a figure has answered, that nothing is there is not known.
const nothing = (text: string, ...figures: Figure[]) => waiting(figures.every((figure) => figure.answered) ? text : "Reading …");

function footer(card: Card, platform: Platform): void {
  const parts: (Node | string)[] = [];
  const known = card.figures.map((figure) => platform.metrics.completeness(figure.table)).filter((one) => one !== null);
  if (known.length) {
    const share = Math.min(...known.map((one) => one.share));
    const late = known.reduce((sum, one) => sum + one.late, 0);
    const lateTable = card.figures.find((figure) => platform.metrics.completeness(figure.table)?.late)?.table;
    const behind = Math.max(...known.map((one) => one.waiting));
    parts.push(h("span", { class: share < 0.99 ? "warn" : "" }, `${completeness(share)} of the last minute counted`));
    if (late) parts.push(h("a", { href: queryLink(`SELECT * FROM ${lateTable}_LATE LIMIT 100;`), title: "The rows that came after their window had closed" }, `${count(late)} late`));
    if (behind) parts.push(`${count(behind)} waiting`);
  }
  const newest = Math.max(...card.figures.map((figure) => figure.newest));
  if (newest > 0) parts.push(`newest ${duration(Math.max(0, Date.now() - newest))} ago`);
  show(card.foot, ...parts.flatMap((part, i) => (i ? [" · ", part] : [part])));
}

// ---- revenue

interface Minute {
  booked: number;
  back: number;
  risk: number;
}

function revenue(changed: () => void): Card {
  const flow = new Figure("REVENUE_FLOW", ["CATEGORY", "CURRENCY", "WINDOWSTART"],
    () => `SELECT ROWTIME, WINDOWSTART, CATEGORY, CURRENCY, BOOKED, TAKEN_BACK, AT_RISK\nFROM REVENUE_FLOW\nWHERE WINDOWSTART >= ${hourAgo()}\nEMIT CHANGES;`, changed);
  const net = new Figure("REVENUE_NET", ["CATEGORY"], () => "SELECT ROWTIME, CATEGORY, LINE_COUNT, BOOKED, NET\nFROM REVENUE_NET\nEMIT CHANGES;", changed);
  const made = card("revenue", "Revenue", "the last hour, by minute", `${revenueSql}\n${revenueNetSql}`, [flow, net], ["by minute", "all time"]);
  made.draw = () => {
    if (flow.missing) return show(made.body, absent(flow, revenueSql));
    const from = hourAgo() + kMinute;
    const rows = [...flow.rows.values()].filter((row) => row.WINDOWSTART >= from && row.WINDOWSTART < from + kHour);
    if (!rows.length) return show(made.body, nothing("No order within the last hour.", flow));
    const byCurrency = new Map<string, number>();
    for (const row of rows) byCurrency.set(row.CURRENCY, (byCurrency.get(row.CURRENCY) ?? 0) + row.BOOKED);
    const currencies = [...byCurrency].sort((a, b) => b[1] - a[1]).map(([name]) => name);
    const currency = currencies[0];
    const times = Array.from({ length: 60 }, (_, i) => from + i * kMinute);
    const names = new Map<string, Minute>();
    const whole = { booked: 0, back: 0, risk: 0 };
    const values = new Map<string, number[]>();
    const line = times.map(() => 0);
    for (const row of rows) {
      if (row.CURRENCY !== currency) continue;
      const name = row.CATEGORY ?? "none";
      const sum = names.get(name) ?? { booked: 0, back: 0, risk: 0 };
      const at = (row.WINDOWSTART - from) / kMinute;
      const of = values.get(name) ?? times.map(() => 0);
      for (const total of [sum, whole]) {
        total.booked += row.BOOKED;
        total.back += row.TAKEN_BACK;
        total.risk += row.AT_RISK;
      }
      of[at] = row.BOOKED;
      line[at] += row.BOOKED - row.TAKEN_BACK;
      names.set(name, sum);
      values.set(name, of);
    }
    const ordered = [...names].sort((a, b) => b[1].booked - a[1].booked || (a[0] < b[0] ? -1 : 1));
    const layers: Layer[] = [];
    ordered.forEach(([name], i) => {
      const shade = Math.min(i, 4);
      const of = values.get(name)!;
      if (layers[shade]) layers[shade].values = layers[shade].values.map((value, k) => value + of[k]);
      else layers.push({ name, values: of, shade: kShades[shade] });
    });
    const rest = ordered.length > kMostCategories + 1 ? ordered.slice(kMostCategories) : [];
    const listed = ordered.slice(0, ordered.length - rest.length);
    if (rest.length) listed.push([`${rest.length} others`, { booked: 0, back: 0, risk: 0 }]);
    for (const [, sum] of rest) {
      const others = listed[kMostCategories][1];
      others.booked += sum.booked;
      others.back += sum.back;
      others.risk += sum.risk;
    }
    const m = (value: number) => money(value, currency);
    const all = new Map([...net.rows.values()].map((row) => [row.CATEGORY ?? "none", row]));
    const ever = (these: string[]) => these.some((name) => all.has(name)) ? m(these.reduce((sum, name) => sum + (all.get(name)?.NET ?? 0), 0)) : "–";
    const width = Math.max(280, made.body.clientWidth);
    const label = `Revenue by minute over the last hour: ${m(whole.booked)} booked, ${m(whole.booked - whole.back)} net of refunds and cancellations. ` +
      ordered.slice(0, 5).map(([name, sum]) => `${name} ${m(sum.booked)}`).join(", ");
    show(made.body,
      h("dl", { class: "totals" },
        h("div", {}, h("dt", {}, "Booked"), h("dd", { "data-figure": "booked" }, m(whole.booked))),
        h("div", {}, h("dt", {}, h("i", { class: "key line" }), "Net of refunds"), h("dd", { "data-figure": "net" }, m(whole.booked - whole.back))),
        h("div", {}, h("dt", {}, "At risk"), h("dd", { "data-figure": "risk", class: whole.risk > 0 ? "warn" : "" }, m(whole.risk)), h("dd", { class: "note" }, `${percent(whole.risk / whole.booked)} of booked`)),
        h("div", {}, h("dt", {}, "Taken back"), h("dd", { "data-figure": "back" }, m(whole.back)), h("dd", { class: "note" }, `${percent(whole.back / whole.booked)} of booked`))),
      columns({ width, height: 190, times, layers, line, label, partial: true,
        format: (value) => (value >= 1000 ? `${money(value / 1000, currency)}k` : money(value, currency)) }),
      h("table", { class: "legend" },
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Category"), h("th", { scope: "col" }, "Booked"), h("th", { scope: "col" }, "Net"), h("th", { scope: "col" }, "At risk"), h("th", { scope: "col", class: "wide" }, "Net, all time"))),
        h("tbody", {}, ...listed.map(([name, sum], i) =>
          h("tr", { "data-category": name }, h("th", { scope: "row" }, h("i", { class: `key ${kShades[Math.min(i, 4)]}` }), ...breakable(name)), h("td", {}, m(sum.booked)), h("td", {}, m(sum.booked - sum.back)),
            h("td", { class: sum.risk > 0 ? "" : "none" }, sum.risk > 0 ? m(sum.risk) : "–"), h("td", { class: "wide" }, i < kMostCategories || !rest.length ? ever([name]) : ever(rest.map(([one]) => one))))))),
      currencies.length > 1 ? h("p", { class: "note" }, `Also ${currencies.slice(1).map((name) => money(byCurrency.get(name)!, name)).join(", ")} booked in other currencies.`) : null);
  };
  return made;
}

// ---- funnel

function funnel(changed: () => void): Card {
  const figure = new Figure("CHECKOUT_FUNNEL", ["DEVICE_TYPE", "WINDOWSTART"],
    () => `SELECT ROWTIME, WINDOWSTART, DEVICE_TYPE, F\nFROM CHECKOUT_FUNNEL\nWHERE WINDOWSTART >= ${hourAgo()}\nEMIT CHANGES;`, changed);
  const made = card("funnel", "Checkout funnel", "begun within the hour", funnelSql, [figure]);
  made.draw = () => {
    if (figure.missing) return show(made.body, absent(figure, funnelSql));
    const rows = [...figure.rows.values()].filter((row) => row.WINDOWSTART >= hourAgo() && row.F);
    if (!rows.length) return show(made.body, nothing("No visit within the last hour.", figure));
    const entered = kSteps.map((_, i) => rows.reduce((sum, row) => sum + (row.F[i]?.ENTERED ?? 0), 0));
    const devices = [...new Set(rows.map((row) => row.DEVICE_TYPE as string))].sort();
    // Medians of windows do not add up; the middle one, each weighed by its people, is near.
    const middle = (i: number, name: string) => {
      const found = rows.filter((row) => row.F[i]?.[name] !== null && row.F[i]?.ENTERED > 0).map((row) => [row.F[i][name], row.F[i].ENTERED]).sort((a, b) => a[0] - b[0]);
      let left = found.reduce((sum, [, weight]) => sum + weight, 0) / 2;
      for (const [value, weight] of found) if ((left -= weight) <= 0) return value as number;
      return null;
    };
    const through = (device: string) => {
      const of = rows.filter((row) => row.DEVICE_TYPE === device);
      const first = of.reduce((sum, row) => sum + row.F[0].ENTERED, 0);
      return first ? of.reduce((sum, row) => sum + (row.F[3]?.ENTERED ?? 0), 0) / first : 0;
    };
    const first = Math.ceil(hourAgo() / kFive) * kFive;
    const times = Array.from({ length: 12 }, (_, i) => first + i * kFive);
    const rates = times.map((time) => {
      const of = rows.filter((row) => row.WINDOWSTART === time);
      const looks = of.reduce((sum, row) => sum + row.F[0].ENTERED, 0);
      return looks ? of.reduce((sum, row) => sum + (row.F[3]?.ENTERED ?? 0), 0) / looks : 0;
    });
    show(made.body,
      h("ol", { class: "steps" }, ...kSteps.map((step, i) =>
        h("li", {},
          i ? h("p", { class: "between" }, h("b", {}, percent(entered[i - 1] ? entered[i] / entered[i - 1] : null)), " went on", middle(i, "P50_MS") !== null ? `, after ${duration(middle(i, "P50_MS"))} (one in ten later than ${duration(middle(i, "P90_MS"))})` : "") : null,
          h("p", { class: "step" }, h("span", {}, step), h("b", { "data-step": i }, count(entered[i]))),
          bar(entered[0] ? entered[i] / entered[0] : 0)))),
      h("p", { class: "note rates" }, h("b", {}, percent(entered[0] ? entered[3] / entered[0] : null)), " of looks at a product end in an order: ",
        devices.map((device) => `${device.toLowerCase()} ${percent(through(device))}`).join(", "), ". By when they began:"),
      columns({ width: Math.max(240, made.body.clientWidth), height: 112, times, layers: [{ name: "rate", values: rates, shade: "s1" }], partial: true, format: (value) => percent(value, value > 0 && value < 0.095 ? 1 : 0),
        label: `Share that ended in an order by five minutes, from ${percent(rates[0])} an hour ago to ${percent(rates[rates.length - 2])} lately` }));
  };
  return made;
}

// ---- popular products

function popular(changed: () => void): Card {
  const items = new Figure("POPULAR_ITEMS", ["CATEGORY"], () => "SELECT ROWTIME, CATEGORY, TRENDING\nFROM POPULAR_ITEMS\nEMIT CHANGES;", changed);
  const views = new Figure("PRODUCT_VIEWS", ["PRODUCT_ID", "WINDOWSTART"],
    () => `SELECT ROWTIME, WINDOWSTART, PRODUCT_ID, VIEWS\nFROM PRODUCT_VIEWS\nWHERE WINDOWSTART >= ${hourAgo()} AND WINDOWSTART < ${hourAgo() + 4 * kFive}\nEMIT CHANGES;`, changed);
  const made = card("popular", "Popular products", "without bots", popularSql, [items, views], ["interest", "views"]);
  made.draw = () => {
    if (items.missing) return show(made.body, absent(items, popularSql));
    const ranked = [...items.rows.values()].flatMap((row) => (row.TRENDING ?? []) as { ITEM: string; WEIGHT: number }[]).filter((item) => item.WEIGHT > 0).sort((a, b) => b.WEIGHT - a.WEIGHT);
    if (!ranked.length) return show(made.body, nothing("Nobody has looked at a product yet.", items));
    // The window that covers the last hour best is the oldest one that began within it.
    const first = Math.min(...[...views.rows.values()].map((row) => row.WINDOWSTART as number).filter((start) => start >= hourAgo()));
    const raw = [...views.rows.values()].filter((row) => row.WINDOWSTART === first).sort((a, b) => b.VIEWS - a.VIEWS);
    const place = new Map(raw.map((row, i) => [row.PRODUCT_ID as string, { views: row.VIEWS as number, rank: i + 1 }]));
    show(made.body, h("table", { class: "ranks" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col", class: "n" }, "#"), h("th", { scope: "col" }, "Product"), h("th", { scope: "col", class: "barred", title: "A view counts 1, a cart 3 more, an order 6 more, once a visitor in half an hour; worth half after two hours" }, "Interest"), h("th", { scope: "col" }, "Raw views, 1 h"), h("th", { scope: "col" }, "Raw #"))),
      h("tbody", {}, ...ranked.slice(0, 11).map((item, i) => {
        const seen = place.get(item.ITEM);
        const apart = seen ? seen.rank - (i + 1) : 0;
        return h("tr", { "data-product": item.ITEM }, h("td", { class: "n" }, i + 1), h("th", { scope: "row" }, item.ITEM),
          h("td", { class: "barred" }, h("span", {}, count(item.WEIGHT)), bar(item.WEIGHT / ranked[0].WEIGHT)),
          h("td", {}, seen ? count(seen.views) : "–"), h("td", { class: Math.abs(apart) > 1 ? "" : "none" }, seen ? seen.rank : "–"));
      }))));
  };
  return made;
}

// ---- stock

function stock(changed: () => void): Card {
  const cover = new Figure("STOCK_COVER", ["PRODUCT_ID", "LOCATION_ID"], () => "SELECT ROWTIME, PRODUCT_ID, LOCATION_ID, AVAILABLE, UNITS_A_DAY, COVER_DAYS, COVER_DAYS_80\nFROM STOCK_COVER\nEMIT CHANGES;", changed);
  const made = card("stock", "Stock", "soonest out first", stockSql, [cover]);
  made.draw = () => {
    if (cover.missing) return show(made.body, absent(cover, stockSql));
    const now = Date.now();
    const rows = [...cover.rows.values()].filter((row) => row.AVAILABLE !== null)
      // What is out and hardly ever asked for can wait as long as what lasts.
      .map((row) => ({ ...row, days: row.AVAILABLE > 0 ? (row.COVER_DAYS_80 ?? Infinity) : row.UNITS_A_DAY < 0.05 ? kMostCoverDays : 0 }) as Record<string, any>)
      .sort((a, b) => a.days - b.days || (b.UNITS_A_DAY ?? 0) - (a.UNITS_A_DAY ?? 0));  // of what is out, first what sells best
    if (!rows.length) return show(made.body, nothing("No stock movement yet.", cover));
    const places = new Set(rows.map((row) => row.LOCATION_ID)).size;
    show(made.body, h("table", { class: "ranks" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Product"), h("th", { scope: "col" }, "Left"), h("th", { scope: "col" }, "Sold a day"), h("th", { scope: "col", class: "when", title: "Without a delivery it lasts longer than that in four of five cases" }, "80 % sure until"))),
      h("tbody", {}, ...rows.slice(0, 9).map((row) => {
        const after = (days: number) => dayAndHour(now + days * 86_400_000, now);
        const out = row.AVAILABLE <= 0;
        return h("tr", { "data-product": row.PRODUCT_ID }, h("th", { scope: "row" }, row.PRODUCT_ID, places > 1 ? h("small", {}, ` ${row.LOCATION_ID}`) : null),
          h("td", {}, count(row.AVAILABLE)), h("td", {}, row.UNITS_A_DAY >= 10 ? count(row.UNITS_A_DAY) : Number(row.UNITS_A_DAY).toFixed(1)),
          h("td", { class: `when ${out ? "bad" : row.days < 1 ? "warn" : ""}` }, out ? "out of stock" : row.days === Infinity ? "nothing sold yet" : row.days >= kMostCoverDays ? "three weeks or more" : after(row.days),
            !out && row.days < kMostCoverDays ? h("small", {}, `likely ${after(row.COVER_DAYS)}`) : null));
      }))));
  };
  return made;
}

// ---- suspicious

function suspicious(changed: () => void): Card {
  const day = () => Date.now() - 24 * kHour;
  const cards = new Figure("CARD_ALERTS", ["CARD", "ROWTIME"], () => `SELECT ROWTIME, CARD, ATTEMPTS, ACCOUNTS\nFROM CARD_ALERTS\nWHERE ROWTIME >= ${Math.floor(day())}\nEMIT CHANGES;`, changed, true, 200);
  const orders = new Figure("SUSPICIOUS_ORDERS", ["ORDER_ID"], () => `SELECT ROWTIME, ORDER_ID, CUSTOMER_KEY, TOTAL, CURRENCY, BAND, REASONS, PROBABILITY\nFROM SUSPICIOUS_ORDERS\nWHERE ROWTIME >= ${Math.floor(day())}\nEMIT CHANGES;`, changed, true, 200);
  const made = card("suspicious", "Suspicious", "last day", `${suspiciousSql}\n${cardsSql}`, [orders, cards], ["orders", "cards"]);
  made.draw = () => {
    if (cards.missing && orders.missing) return show(made.body, absent(orders, suspiciousSql), absent(cards, cardsSql));
    const found = [
      ...[...orders.rows.values()].map((row) => ({ at: row.ROWTIME as number, what: `Order ${row.ORDER_ID}`, who: `customer ${row.CUSTOMER_KEY}`, worth: row.TOTAL === null ? "" : money(row.TOTAL, row.CURRENCY, 2), why: [row.PROBABILITY === null || row.PROBABILITY === undefined ? null : `${percent(row.PROBABILITY, 0)} likely fraud`, ((row.REASONS ?? []) as string[]).join(", ") || `risk ${String(row.BAND).toLowerCase()}`].filter((part) => part).join(": ") })),
      ...[...cards.rows.values()].map((row) => ({ at: row.ROWTIME as number, what: "Card", who: String(row.CARD), worth: "", why: `${row.ATTEMPTS} payments tried within 10 minutes, by ${row.ACCOUNTS} ${row.ACCOUNTS === 1 ? "account" : "accounts"}` })),
    ].sort((a, b) => b.at - a.at);
    if (!found.length) return show(made.body, nothing("Nothing suspicious within a day.", orders, cards));
    show(made.body, h("ul", { class: "alerts", tabindex: "0", "aria-label": "Suspicious orders and cards, newest first" }, ...found.slice(0, 40).map((one) =>
      h("li", {}, h("time", { datetime: new Date(one.at).toISOString() }, clock(one.at, true)), h("div", {}, h("p", {}, h("b", {}, one.what), ` ${one.who}`, one.worth ? h("span", { class: "worth" }, one.worth) : null), h("p", { class: "why" }, one.why))))));
  };
  return made;
}

// A path may go on in the next line behind each of its slashes.
function breakable(path: string): (string | HTMLElement)[] {
  return path.split("/").flatMap((part, i) => (i === 0 ? [part] : ["/", h("wbr"), part]));
}

export const overview: Page = (main, platform) => {
  const cards: Card[] = [];
  const draw = () => {
    for (const made of cards) {
      try {
        made.draw();
      } catch (error) { // the others go on
        show(made.body, waiting(`This figure cannot be drawn: ${error instanceof Error ? error.message : error}.`));
      }
      footer(made, platform);
    }
  };
  const changed = calmly(draw);
  cards.push(revenue(changed), funnel(changed), popular(changed), stock(changed), suspicious(changed));
  show(main);
  main.append(h("h1", { class: "hidden" }, "Overview"), h("div", { class: "grid" }, ...cards.map((made) => made.node)), h("p", { class: "note" }, `Times in ${kZone}.`));
  draw();
  const figures = cards.flatMap((made) => made.figures);
  platform.live.ask(figures);
  const unwatch = platform.metrics.watch(changed);
  // A table that was not there may be by now.
  const again = setInterval(() => platform.live.state === "live" && figures.some((figure) => figure.missing) && platform.live.again(), 8000);
  // The hour goes on: its bounds are asked anew before the windows at its end leave it.
  const onward = setInterval(() => platform.live.state === "live" && platform.live.again(), kFive);
  addEventListener("resize", changed);
  return () => {
    unwatch();
    clearInterval(again);
    clearInterval(onward);
    removeEventListener("resize", changed);
  };
};
