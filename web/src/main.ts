// The shell: navigation, the line of figures about the platform itself, and one page at a time.
import "./style.css";
import { showKey, whenKeyIsWanted } from "./api";
import { h, show } from "./dom";
import { completeness, count, duration, rate } from "./format";
import { Live } from "./live";
import { Metrics } from "./metrics";
import { overview } from "./pages/overview";
import type { Page, Platform } from "./pages/page";
import { query } from "./pages/query";
import { queries } from "./pages/queries";
import { schemas } from "./pages/schemas";
import { system } from "./pages/system";
import { topics } from "./pages/topics";

const kPages: [string, string, Page][] = [
  ["overview", "Overview", overview],
  ["query", "Query", query],
  ["queries", "Queries", queries],
  ["topics", "Topics", topics],
  ["schemas", "Schemas", schemas],
  ["system", "System", system],
];

const live = new Live();
const platform: Platform = { live, metrics: new Metrics((answers) => live.seen(answers)) };

// ---- light and dark

const kThemes = ["auto", "light", "dark"] as const;
let theme = localStorage.getItem("tradewind.theme") ?? "auto";
const themeButton = h("button", { class: "theme", type: "button", onclick: () => setTheme(kThemes[(kThemes.indexOf(theme as "auto") + 1) % 3]) });
function setTheme(to: string): void {
  theme = to;
  localStorage.setItem("tradewind.theme", to);
  document.documentElement.dataset.theme = to;
  themeButton.textContent = { auto: "◐", light: "○", dark: "●" }[to] ?? "◐";
  themeButton.title = `Colours: ${to}`;
  themeButton.setAttribute("aria-label", `Colours: ${to}; press for ${kThemes[(kThemes.indexOf(to as "auto") + 1) % 3]}`);
}
setTheme(theme);

// ---- what stands on every page

const links = kPages.map(([name, title]) => h("a", { href: `#/${name}` }, title));
const state = h("p", { class: "state", role: "status" });
const pulse = h("dl", { class: "pulse" });
const notice = h("p", { class: "notice", role: "alert", hidden: true });
const keyField = h("input", { type: "password", id: "key", autocomplete: "off", required: true });
const keyForm = h("form", { class: "notice", role: "alert", hidden: true, onsubmit: (event: Event) => { event.preventDefault(); takeKey(); } },
  h("label", { for: "key" }, "This platform asks for a key. One that may read shows everything; it is kept as long as this tab. "), keyField, " ",
  h("button", { type: "submit" }, "Show it"));
const main = h("main", { id: "main", tabindex: "-1" });

document.body.append(
  h("a", { class: "skip", href: "#main", onclick: (event: Event) => { event.preventDefault(); main.focus(); } }, "Skip to the page"),
  h("header", { class: "top" },
    h("a", { class: "brand", href: "#/overview", "aria-label": "Tradewind, overview" }, h("img", { src: "/console/icon.svg", alt: "", width: 22, height: 22 }), "Tradewind"),
    h("nav", { "aria-label": "Pages" }, ...links), state, themeButton),
  h("section", { "aria-label": "The platform now" }, pulse, notice, keyForm), main);

function tell(): void {
  const { metrics } = platform;
  const away = live.state === "away";
  show(state, h("i", { class: `dot ${live.state}` }), { live: "live", connecting: "connecting", away: "away" }[live.state]);
  notice.hidden = !away;
  if (away) show(notice, `The server does not answer since ${new Date(live.away_since).toLocaleTimeString("en-GB")}. What you see is from before; it goes on by itself when the server is back.`);
  const lag = metrics.now("tw_query_lag_records");
  const late = metrics.rate("tw_query_late_rows_total", 60_000);
  const rows = metrics.rate("tw_query_rows_in_total", 60_000);
  const share = rows > 0 ? 1 - late / rows : 1;
  const per = metrics.rate('tw_ingest_events_total{outcome="accepted"}');
  const figure = (name: string, value: string, hint: string) => h("div", { title: hint }, h("dt", {}, name), h("dd", {}, value));
  show(pulse,
    figure("Events", isFinite(per) ? `${rate(per)}\u202f/s` : "–", "Taken by the platform: posted as events, or made by the demo; average of ten seconds"),
    figure("Result after", duration(metrics.quantile("tw_stream_result_delay_seconds", 0.5)), "Half of the commits of the last minute were faster: from the oldest record to its durable result"),
    figure("p99", duration(metrics.quantile("tw_stream_result_delay_seconds", 0.99)), "99 of 100 commits of the last minute were faster"),
    figure("Lag", count(lag), "Records that queries have not read yet"),
    figure("On time", completeness(share), "Rows of the last minute that were not too late for their window"));
}
live.watch(tell);
platform.metrics.watch(tell);
tell();

// ---- one page at a time

function takeKey(): void {
  showKey(keyField.value.trim());
  keyField.value = "";
  keyForm.hidden = true;
  open();
}
whenKeyIsWanted(() => {
  if (!keyForm.hidden) return;
  keyForm.hidden = false;
  keyField.focus();
});

let leave = () => {};
function open(): void {
  const [, name, rest] = /^#\/([a-z]+)[/?]?(.*)$/.exec(location.hash) ?? [null, "overview", ""];
  const [found, title, page] = kPages.find(([known]) => known === name) ?? kPages[0];
  leave();
  live.ask([]);
  main.replaceChildren();
  main.className = found!;
  document.title = `${title} · Tradewind`;
  links.forEach((link, i) => (kPages[i][0] === found ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current")));
  leave = page(main, platform, rest ?? "");
}
addEventListener("hashchange", open);
open();
