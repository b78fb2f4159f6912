// Queries: what runs, how far behind it is, what it could not use; and holding one up.
import { ksql } from "../api";
import { spark } from "../charts";
import { h, show } from "../dom";
import { bytes, count, rate } from "../format";
import { queryLink, type Page } from "./page";

interface Running {
  id: string;
  queryString: string;
  queryType: string;
  sinks: string[];
  state: string;
}

// What a query makes, and the names it reads.
function about(text: string): { kind: string; reads: string[] } {
  const bare = text.replace(/--[^\n]*|'(?:[^']|'')*'/g, " ");
  const kind = /^\s*CREATE\s+(?:OR\s+REPLACE\s+)?(?:SOURCE\s+)?(STREAM|TABLE)/i.exec(bare)?.[1].toLowerCase() ?? "insert";
  const reads = [...bare.matchAll(/\b(?:FROM|JOIN)\s+[`"]?(\w+)/gi)].map((found) => found[1].toUpperCase());
  return { kind, reads: [...new Set(reads)] };
}

const kHeads = ["Reads", "Gives", "Lag", "Late rows", "Bad rows", "State"];
const speed = (value: number) => (isFinite(value) ? `${rate(value)}\u202f/s` : "–");

export const queries: Page = (main, { metrics }) => {
  const body = h("tbody");
  const note = h("p", { class: "error", role: "alert" });
  const sums = h("dl", { class: "sums" });
  let list: Running[] = [];
  const head = (title: string, more = "") => h("th", { scope: "col", class: more }, title);
  main.append(h("h1", {}, "Queries"), note, sums,
    h("table", { class: "rows running" }, h("thead", {}, h("tr", {}, head("Query"), head("State", "wide"), head("Rows read, last minutes", "wide trend"), ...kHeads.map((title) => head(title, "number wide")),
      h("th", { scope: "col" }, h("span", { class: "hidden" }, "What to do")))), body));
  body.addEventListener("click", async (event) => {
    const button = (event.target as Element).closest("button");
    if (!button) return;
    button.disabled = true;
    try {
      note.textContent = "";
      await ksql(`${button.dataset.verb} ${button.dataset.id};`);
    } catch (refused) {
      note.textContent = (refused as Error).message;
    }
    await load();
  });
  const row = (query: Running) => {
    const labels = `{query="${query.id}"}`;
    const per = (metric: string) => speed(metrics.rate(`tw_query_${metric}${labels}`));
    const now = (metric: string) => metrics.query(metric, query.id);
    const name = query.sinks.join(", ") || query.id;
    const { kind, reads } = about(query.queryString);
    const bad = now("bad_rows_total");
    const late = now("late_rows_total");
    const lag = now("lag_records");
    const paused = query.state === "PAUSED";
    const dot = () => h("i", { class: `dot ${paused ? "connecting" : query.state === "RUNNING" ? "live" : "away"}` });
    const number = (value: number, text: Node | string, more = "") => h("td", { class: `number wide ${value ? more : "none"}` }, value ? text : "0");
    const asked = late ? h("a", { href: queryLink(`SELECT * FROM ${query.sinks[0]}_LATE LIMIT 100;`) }, count(late)) : "0";
    const amiss = [lag ? `${count(lag)} behind` : "", late ? `${count(late)} late` : "", bad ? `${count(bad)} bad` : ""].filter(Boolean);
    return h("tr", { "data-key": query.id },
      h("th", { scope: "row" }, h("span", { class: "narrow" }, dot()), h("a", { href: queryLink(query.queryString + ";", false), title: query.id }, name),
        h("small", {}, `${kind}${reads.length ? ` from ${reads.join(", ")}` : ""}`),
        h("small", { class: "narrow" }, `${paused ? "paused" : `${per("rows_in_total")} read, ${per("rows_out_total")} given`}, ${bytes(now("state_bytes"))}`),
        amiss.length > 0 && h("small", { class: `narrow ${bad ? "bad" : ""}` }, amiss.join(", "))),
      h("td", { class: "wide" }, dot(), query.state.toLowerCase()),
      h("td", { class: "wide trend" }, spark(metrics.queryRates("rows_in_total", query.id), `${name} reads ${per("rows_in_total")}`, 200, 22)),
      h("td", { class: "number wide" }, per("rows_in_total")), h("td", { class: "number wide" }, per("rows_out_total")),
      number(lag, count(lag), "warn"), number(late, asked), number(bad, h("a", { href: "#/topics/tw.processing_log" }, count(bad)), "bad"),
      number(now("state_bytes"), bytes(now("state_bytes"))),
      h("td", { class: "do" }, h("button", { type: "button", "data-id": query.id, "data-verb": paused ? "RESUME" : "PAUSE", "aria-label": `${paused ? "Resume" : "Pause"} ${query.sinks[0] ?? query.id}` }, paused ? "Resume" : "Pause")));
  };
  const draw = () => {
    const having = (state: string) => list.filter((query) => query.state === state).length;
    const sum = (metric: string) => list.reduce((all, query) => all + metrics.query(metric, query.id), 0);
    const stands = list.length - having("RUNNING") - having("PAUSED");
    const figure = (title: string, value: string, more = "") => h("div", {}, h("dt", {}, title), h("dd", { class: more }, value));
    show(sums, figure("Running", count(having("RUNNING"))), figure("Paused", count(having("PAUSED")), having("PAUSED") ? "warn" : ""), figure("Stopped", count(stands), stands ? "bad" : ""),
      figure("Rows read", speed(metrics.rate("tw_query_rows_in_total"))), figure("Late rows", count(sum("late_rows_total"))), figure("Bad rows", count(sum("bad_rows_total")), sum("bad_rows_total") ? "bad" : ""), figure("State", bytes(sum("state_bytes"))));
    show(body, ...list.map(row));
  };
  const load = async () => {
    try {
      const [answer] = await ksql("SHOW QUERIES;");
      list = (answer.queries as Running[]).filter((query) => query.queryType === "PERSISTENT").sort((a, b) => ((a.sinks[0] ?? a.id) < (b.sinks[0] ?? b.id) ? -1 : 1));
      draw();
    } catch {
      // the shell says that the server is away
    }
  };
  void load();
  const timer = setInterval(load, 3000);
  const unwatch = metrics.watch(draw);
  return () => {
    clearInterval(timer);
    unwatch();
  };
};
