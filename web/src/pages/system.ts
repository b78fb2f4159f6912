// System: the platform's own figures over the last minutes.
import { type Health, health } from "../api";
import { spark } from "../charts";
import { calmly, h, show } from "../dom";
import { bytes, count, duration, percent, rate } from "../format";
import type { Page } from "./page";

const kTaken = 'tw_ingest_events_total{outcome="accepted"}';

// What is wrong, and what only lags.
function findings(told: Health | null): HTMLElement[] {
  if (!told) return [];
  const stopped = told.queries.filter((query) => query.state === "ERROR");
  const line = (kind: string, text: string) => h("li", { class: kind }, text);
  return [
    told.ready ? line("", "Ready: requests are answered, events are taken.") : line("bad", "Not ready."),
    ...told.reasons.map((reason) => line("bad", reason)),
    ...stopped.map((query) => line("bad", `${query.name} stopped: ${query.error}`)),
    ...told.lagging.map((reason) => line("warn", reason)),
  ];
}

export const system: Page = (main, { metrics }) => {
  const grid = h("div", { class: "tiles" });
  const well = h("ul", { class: "health", "aria-label": "Health", "aria-live": "polite" });
  let told: Health | null = null;
  main.append(h("h1", {}, "System"), well, grid, h("p", { class: "note" }, "Everything here is in ", h("a", { href: "/metrics" }, "/metrics"), "; the charts begin when this page was opened and reach back ten minutes."));
  const tile = (name: string, value: string, hint: string, points: { at: number; value: number }[]) =>
    h("section", { class: "card tile" }, h("h2", {}, name), h("p", { class: "big" }, value), h("p", { class: "note" }, hint), spark(points, `${name}: now ${value}`));
  const per = (value: number) => (isFinite(value) ? `${rate(value)}\u202f/s` : "–");
  const quantiles = (name: string, share: number) => metrics.series((sample) => metrics.quantile(name, share, 30_000, sample));
  const each = (total: string, number: string) => `${duration((metrics.rate(total, 60_000) / metrics.rate(number, 60_000)) * 1000)} on average`;
  const draw = () => {
    show(well, ...findings(told));
    show(grid, ...tiles());
  };
  const tiles = () => [
    tile("Events taken", per(metrics.rate(kTaken)), `${count(metrics.now(kTaken))} since the start; ${count(metrics.now('tw_ingest_events_total{outcome="rejected"}'))} were refused`, metrics.rates(kTaken)),
    tile("Rows worked on", per(metrics.rate("tw_stream_rows_total")), `${count(metrics.now("tw_stream_bad_records_total"))} records could not be read`, metrics.rates("tw_stream_rows_total")),
    tile("Event to result, p99", duration(metrics.quantile("tw_stream_end_to_end_seconds", 0.99)), `half within ${duration(metrics.quantile("tw_stream_end_to_end_seconds", 0.5))}`, quantiles("tw_stream_end_to_end_seconds", 0.99)),
    tile("Commits", per(metrics.rate("tw_stream_commits_total")), each("tw_stream_commit_seconds_total", "tw_stream_commits_total"), metrics.rates("tw_stream_commits_total")),
    tile("Syncs of the journal", per(metrics.rate("tw_log_syncs_total")), `${each("tw_log_sync_seconds_total", "tw_log_syncs_total")}; ${metrics.now("tw_log_durability_fsync") ? "acknowledged means on the disk" : "acknowledged means handed to the system"}`, metrics.rates("tw_log_syncs_total")),
    tile("Written to the disk", `${bytes(metrics.rate("tw_log_written_bytes_total") || 0)}/s`, `${bytes(metrics.now("tw_log_written_bytes_total"))} since the start, ${count(metrics.now("tw_log_segments"))} segments`, metrics.rates("tw_log_written_bytes_total")),
    tile("Disk", `${bytes(metrics.now("tw_log_bytes"))} used`, `${bytes(metrics.now("tw_disk_free_bytes"))} of ${bytes(metrics.now("tw_disk_bytes"))} free; ${bytes(metrics.now("tw_log_live_bytes"))} of the journal counts`, metrics.gauges("tw_log_bytes")),
    tile("Memory", bytes(metrics.now("process_resident_memory_bytes")), `of the process; ${count(metrics.now("process_open_fds"))} open files and connections`, metrics.gauges("process_resident_memory_bytes")),
    tile("Processor", `${percent(metrics.rate("process_cpu_seconds_total") || 0, 0)} of a core`, `${duration(metrics.now("process_cpu_seconds_total") * 1000)} since the start`, metrics.rates("process_cpu_seconds_total")),
    tile("State in memory", bytes(metrics.now("tw_stream_state_bytes")), `restored in ${duration(metrics.now("tw_stream_restore_seconds") * 1000)} at the start`, metrics.gauges("tw_stream_state_bytes")),
    tile("Lag", duration(metrics.most("tw_query_lag_seconds") * 1000), `${count(metrics.now("tw_query_lag_records"))} records, the oldest that long; ${count(metrics.now("tw_query_late_rows_total"))} rows were late, ${count(metrics.now("tw_query_bad_rows_total"))} bad`, metrics.series((sample) => metrics.most("tw_query_lag_seconds", sample))),
    tile("Requests", per(metrics.rate("tw_http_requests_total")), `${count(metrics.now("tw_http_connections"))} open ${metrics.now("tw_http_connections") === 1 ? "connection" : "connections"}`, metrics.rates("tw_http_requests_total")),
  ];
  const changed = calmly(() => {
    health().then((page) => (told = page), () => (told = null)).then(draw);
  }, 1000);
  draw();
  changed();
  return metrics.watch(changed);
};
