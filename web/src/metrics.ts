// Metrics: what /metrics said over the last ten minutes, and what follows from it.
import { metricsText } from "./api";

const kEvery_ms = 2000;
const kKept = 300;

interface Sample {
  at: number;
  values: Map<string, number>; // by name and labels, as they stand in the text
}

export interface Completeness {
  share: number; // of the rows of the last minute, those that count
  late: number;
  waiting: number;
}

export class Metrics {
  samples: Sample[] = [];
  private watchers = new Set<() => void>();

  constructor(private seen: (answers: boolean) => void) {
    void this.poll();
  }

  watch(changed: () => void): () => void {
    this.watchers.add(changed);
    return () => this.watchers.delete(changed);
  }

  private async poll(): Promise<void> {
    if (!document.hidden) {
      try {
        const values = parse(await metricsText());
        const restarted = this.total("tw_log_records_total", values) < this.now("tw_log_records_total");
        if (restarted) this.samples = [];
        this.samples.push({ at: Date.now(), values });
        if (this.samples.length > kKept) this.samples.shift();
        this.seen(true);
      } catch {
        this.seen(false);
      }
      for (const watcher of this.watchers) watcher();
    }
    setTimeout(() => this.poll(), kEvery_ms);
  }

  private get last(): Sample | undefined {
    return this.samples[this.samples.length - 1];
  }

  // The sample of about that long ago, the oldest if there is none so old.
  private before(ms: number, sample = this.last): Sample | undefined {
    return sample && (this.samples.find((old) => old.at >= sample.at - ms) ?? sample);
  }

  private total(name: string, values: Map<string, number>): number {
    let sum = 0;
    for (const [key, value] of values) if (key === name || key.startsWith(name + "{")) sum += value;
    return sum;
  }

  // The largest of its lines: of what does not add up.
  most(name: string, sample = this.last): number {
    let most = 0;
    for (const [key, value] of sample?.values ?? []) if (key === name || key.startsWith(name + "{")) most = Math.max(most, value);
    return most;
  }

  now(name: string): number {
    return this.last ? this.total(name, this.last.values) : 0;
  }

  // A second, over the last `over_ms`.
  rate(name: string, over_ms = 10_000, sample = this.last): number {
    const old = this.before(over_ms, sample);
    if (!sample || !old || old === sample) return NaN;
    return ((this.total(name, sample.values) - this.total(name, old.values)) / (sample.at - old.at)) * 1000;
  }

  series(of: (sample: Sample) => number): { at: number; value: number }[] {
    return this.samples.map((sample) => ({ at: sample.at, value: of(sample) }));
  }
  rates(name: string): { at: number; value: number }[] {
    return this.series((sample) => this.rate(name, 10_000, sample));
  }
  gauges(name: string): { at: number; value: number }[] {
    return this.series((sample) => this.total(name, sample.values));
  }

  // The quantile of a histogram over the last `over_ms`, in ms; interpolated inside its bucket.
  quantile(name: string, share: number, over_ms = 60_000, sample = this.last): number {
    const old = this.before(over_ms, sample);
    if (!sample || !old) return NaN;
    const bounds: [number, number][] = [];
    for (const [key, value] of sample.values) {
      const bucket = key.startsWith(`${name}_bucket{`) && /le="([^"]+)"/.exec(key);
      if (bucket) bounds.push([bucket[1] === "+Inf" ? Infinity : Number(bucket[1]), value - (old === sample ? 0 : (old.values.get(key) ?? 0))]);
    }
    bounds.sort((a, b) => a[0] - b[0]);
    const all = bounds[bounds.length - 1]?.[1] ?? 0;
    if (!all) return NaN;
    let low = 0;
    let below = 0;
    for (const [bound, sum] of bounds) {
      if (sum >= share * all) return (bound === Infinity ? low : low + ((bound - low) * (share * all - below)) / (sum - below)) * 1000;
      low = bound;
      below = sum;
    }
    return NaN;
  }

  // Of one query by its id.
  query(metric: string, id: string): number {
    return this.last?.values.get(`tw_query_${metric}{query="${id}"}`) ?? 0;
  }

  // What a figure of one query grew by a second, over ten seconds each, sample by sample.
  queryRates(metric: string, id: string): { at: number; value: number }[] {
    const key = `tw_query_${metric}{query="${id}"}`;
    const kSpan = 5;
    return this.samples.slice(1).map((sample, i) => {
      const old = this.samples[Math.max(0, i + 1 - kSpan)];
      return { at: sample.at, value: (((sample.values.get(key) ?? NaN) - (old.values.get(key) ?? NaN)) / (sample.at - old.at)) * 1000 };
    });
  }

  // How complete the table or stream of a query is.
  completeness(table: string): Completeness | null {
    const sample = this.last;
    const old = this.before(60_000);
    if (!sample || !old) return null;
    const id = new RegExp(`^tw_query_rows_in_total\\{query="(C[ST]AS_${table}_\\d+)"\\}$`);
    for (const key of sample.values.keys()) {
      const found = id.exec(key);
      if (!found) continue;
      const grew = (metric: string) => this.query(metric, found[1]) - (old === sample ? 0 : (old.values.get(`tw_query_${metric}{query="${found[1]}"}`) ?? 0));
      const waiting = this.query("lag_records", found[1]);
      const late = grew("late_rows_total");
      const rows = grew("rows_in_total") + waiting;
      return { share: rows > 0 ? Math.max(0, (rows - late - waiting) / rows) : 1, late, waiting };
    }
    return null;
  }
}

function parse(text: string): Map<string, number> {
  const values = new Map<string, number>();
  for (const line of text.split("\n")) {
    if (!line || line[0] === "#") continue;
    const space = line.lastIndexOf(" ");
    values.set(line.slice(0, space), Number(line.slice(space + 1)));
  }
  return values;
}
