// Queries: what runs, how far behind it is, what it could not use; and holding one up.
import { ksql } from "../api";
import { h, show } from "../dom";
import { bytes, count, rate } from "../format";
import { queryLink, type Page } from "./page";

interface Running {
  id: string;
  queryString: string;
  sinks: string[];
  state: string;
}

export const queries: Page = (main, { metrics }) => {
  const body = h("tbody");
  const note = h("p", { class: "error", role: "alert" });
  let list: Running[] = [];
  main.append(h("h1", {}, "Queries"), note, h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Queries" },
    h("table", { class: "rows" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Writes"), h("th", { scope: "col" }, "State"), ...["Reads", "Writes", "Lag", "Late rows", "Bad rows", "State size"].map((title) => h("th", { scope: "col", class: "number" }, title)), h("th", { scope: "col" }, h("span", { class: "hidden" }, "What to do")))), body)));
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
  const draw = () => show(body, ...list.map((query) => {
    const labels = `{query="${query.id}"}`;
    const per = (metric: string) => metrics.rate(`tw_query_${metric}${labels}`);
    const now = (metric: string) => metrics.query(metric, query.id);
    const speed = (value: number) => (isFinite(value) ? `${rate(value)}\u202f/s` : "–");
    const bad = now("bad_rows_total");
    const late = now("late_rows_total");
    const paused = query.state === "PAUSED";
    return h("tr", {}, h("th", { scope: "row" }, h("a", { href: queryLink(query.queryString + ";", false), title: query.id }, query.sinks.join(", ") || query.id)),
      h("td", {}, h("i", { class: `dot ${paused ? "connecting" : query.state === "RUNNING" ? "live" : "away"}` }), query.state.toLowerCase()),
      h("td", { class: "number" }, speed(per("rows_in_total"))), h("td", { class: "number" }, speed(per("rows_out_total"))),
      h("td", { class: "number" }, count(now("lag_records"))),
      h("td", { class: "number" }, late ? h("a", { href: queryLink(`SELECT * FROM ${query.sinks[0]}_LATE LIMIT 100;`) }, count(late)) : "0"),
      h("td", { class: `number ${bad ? "bad" : ""}` }, bad ? h("a", { href: "#/topics/tw.processing_log" }, count(bad)) : "0"), h("td", { class: "number" }, bytes(now("state_bytes"))),
      h("td", {}, h("button", { type: "button", "data-id": query.id, "data-verb": paused ? "RESUME" : "PAUSE", "aria-label": `${paused ? "Resume" : "Pause"} ${query.sinks[0] ?? query.id}` }, paused ? "Resume" : "Pause")));
  }));
  const load = async () => {
    try {
      const [answer] = await ksql("SHOW QUERIES;");
      list = (answer.queries as (Running & { queryType: string })[]).filter((query) => query.queryType === "PERSISTENT").sort((a, b) => ((a.sinks[0] ?? a.id) < (b.sinks[0] ?? b.id) ? -1 : 1));
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
