// Topics: which there are, how fast they grow, and their records, newest first.
import { get, records, type LogRecord, type Topic } from "../api";
import { h, show } from "../dom";
import { count, duration, moment, rate } from "../format";
import { VirtualList } from "../virtual";
import type { Page } from "./page";

const kPage = 250;
const kRowHeight = 30;

const empty = (value: unknown) => value === null || value === "" || (Array.isArray(value) && !value.length) || JSON.stringify(value) === "{}";

const structured = (value: unknown): value is object => value !== null && typeof value === "object" && !("rawJSON" in value);

// Of a value only what says something.
function said(value: unknown): unknown {
  if (!structured(value)) return value;
  if (Array.isArray(value)) return value.map(said);
  return Object.fromEntries(Object.entries(value).filter(([, of]) => !empty(of)).map(([name, of]) => [name, said(of)]));
}

// A row in one line: what tells it from others first; ids that nobody reads and the time, which stands beside it, last.
function line(value: unknown): string {
  if (!structured(value) || Array.isArray(value)) return text(value);
  const dull = (of: unknown) => Number(typeof of === "string" && /^([0-9a-f]{8}-[0-9a-f]{4}-|\d{4}-\d\d-\d\dT)/.test(of));
  return Object.entries(value).sort((a, b) => dull(a[1]) - dull(b[1])).map(([name, of]) => `${name.toLowerCase()} ${text(of)}`).join("  ");
}

const pretty = (value: unknown) => (typeof value === "object" ? JSON.stringify(value, null, 2) : String(value));
const text = (value: unknown) => (value === null ? "null" : typeof value === "object" ? JSON.stringify(value) : String(value));

export const topics: Page = (main, _platform, rest) => {
  const name = decodeURIComponent(rest);
  return name ? one(main, name) : all(main);
};

function all(main: HTMLElement): () => void {
  const body = h("tbody");
  const own = h("input", { type: "checkbox", id: "own", onchange: () => draw() });
  let list: Topic[] = [];
  const before = new Map<string, { at: number; end: number; rate: number }>();
  main.append(h("h1", {}, "Topics"), h("p", { class: "actions" }, h("label", {}, own, " also the platform’s own")),
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Topics" },
      h("table", { class: "rows" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Topic"), ...["Partitions", "Records", "Grows by", "Kept"].map((title) => h("th", { scope: "col", class: "number" }, title)))), body)));
  const draw = () => {
    const shown = list.filter((topic) => own.checked || !/^(tw\.|_)/.test(topic.name));
    show(body, ...shown.map((topic) => {
      const known = before.get(topic.name);
      return h("tr", {}, h("th", { scope: "row" }, h("a", { href: `#/topics/${encodeURIComponent(topic.name)}` }, topic.name)), h("td", { class: "number" }, topic.partitions), h("td", { class: "number" }, count(topic.records)),
        h("td", { class: "number" }, known && isFinite(known.rate) ? `${rate(known.rate)}\u202f/s` : "–"),
        h("td", { class: "number" }, topic.cleanup.startsWith("compact") ? "by key" : topic.retention_ms < 0 ? "for ever" : duration(topic.retention_ms)));
    }));
  };
  const poll = async () => {
    try {
      list = await get<Topic[]>("/v1/topics");
      const at = Date.now();
      for (const topic of list) {
        const end = topic.ends.reduce((sum, offset) => sum + offset, 0);
        const old = before.get(topic.name);
        if (old && at - old.at < 4000) continue;
        before.set(topic.name, { at, end, rate: old ? Math.max(0, ((end - old.end) / (at - old.at)) * 1000) : NaN });
      }
      list.sort((a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1));
      draw();
    } catch {
      // the shell says that the server is away
    }
  };
  void poll();
  const timer = setInterval(poll, 2000);
  return () => clearInterval(timer);
}

function one(main: HTMLElement, name: string): () => void {
  let list: LogRecord[] = [];
  let next: string | null = null;
  let loading = false;
  let over = false;
  let newest = 0; // all there is at the top, by the sum of the partitions' ends
  const status = h("p", { class: "note", role: "status" });
  const fresh = h("button", { type: "button", hidden: true, onclick: () => load(true) });
  const detail = h("aside", { class: "detail", "aria-label": "The chosen record", tabindex: "0" }, h("p", { class: "empty" }, "Choose a record to see all of it."));
  const rows = new VirtualList(`Records of ${name}, newest first`, kRowHeight, () => list.length, (index) => {
    const record = list[index];
    return h("div", { class: "record", "data-time": record.time }, h("button", { type: "button", onclick: () => choose(record) },
      h("time", {}, h("span", { class: "day" }, `${moment(record.time).slice(0, 10)} `), moment(record.time).slice(11)), h("span", { class: "at" }, `${record.partition}:${record.offset}`), h("span", { class: "k" }, text(record.key)), h("span", { class: "v" }, record.valueFormat ? line(said(record.value)) : "deleted")));
  }, () => void load(false));
  const choose = (record: LogRecord) => {
    const kept = said(record.value);
    const left = structured(record.value) ? Object.entries(record.value).filter(([, of]) => empty(of)).map(([name]) => name) : [];
    show(detail,
      h("h2", {}, `Partition ${record.partition}, offset ${count(record.offset)}`), h("p", { class: "note" }, `${moment(record.time)} · key ${record.keyFormat || "none"} · value ${record.valueFormat || "none"}`),
      h("h3", {}, "Key"), h("pre", {}, pretty(record.key)), h("h3", {}, "Value"), h("pre", {}, pretty(kept)),
      left.length ? h("p", { class: "note" }, `Empty: ${left.map((name) => name.toLowerCase()).join(", ")}`) : null);
  };
  const load = async (again: boolean) => {
    if (loading || (!again && over)) return;
    loading = true;
    try {
      const page = await records(name, again ? null : next, kPage);
      if (again) {
        list = [];
        newest = 0;
        fresh.hidden = true;
        void watch();
      }
      list.push(...page.records);
      next = page.next;
      over = next === null;
      status.textContent = over ? `all ${count(list.length)} records` : `${count(list.length)} records loaded; more come as you scroll`;
      again ? rows.renew() : rows.draw();
    } catch (refused) {
      status.textContent = (refused as Error).message;
      over = true;
    } finally {
      loading = false;
    }
  };
  const watch = async () => {
    try {
      const found = (await get<Topic[]>("/v1/topics")).find((topic) => topic.name === name);
      const end = found?.ends.reduce((sum, offset) => sum + offset, 0) ?? 0;
      if (!newest) newest = end;
      fresh.hidden = end <= newest;
      fresh.textContent = `Show ${count(end - newest)} new`;
    } catch {
      // the shell says that the server is away
    }
  };
  main.append(h("h1", {}, h("a", { href: "#/topics" }, "Topics"), " / ", name), h("div", { class: "actions" }, status, fresh), h("div", { class: "browse" }, rows.node, detail));
  over = false;
  void load(true);
  const timer = setInterval(watch, 2000);
  return () => clearInterval(timer);
}
