// Live: many push queries over one connection (POST /live), kept alive: when the server goes away it says so, tries again,
// and begins every query anew, so that no row stands twice. A hidden page lets its connection go.

import { ask } from "./api";

export type Row = Record<string, any>;

export interface Query {
  sql: () => string; // asked anew at each connection: bounds of time move
  earliest?: boolean; // from the beginning of its topics
  begin: () => void; // rows from before this connection no longer count
  row: (row: Row) => void;
  held?: () => void; // what the table held has been given
  deleted?: (row: Row) => void;
  header?: (columns: string[], types: string[]) => void;
  failed?: (message: string) => void;
  ended?: () => void;
}

export type State = "connecting" | "live" | "away";

const kHiddenFor_ms = 30_000;

export class Live {
  state: State = "connecting";
  away_since = 0;
  private queries: Query[] = [];
  private abort: AbortController | null = null;
  private wait_ms = 500;
  private timer = 0;
  private watchers = new Set<() => void>();

  constructor() {
    document.addEventListener("visibilitychange", () => {
      clearTimeout(this.timer);
      if (document.hidden) this.timer = window.setTimeout(() => this.abort?.abort(), kHiddenFor_ms);
      else if (!this.abort && this.queries.length) this.connect();
    });
  }

  watch(changed: () => void): () => void {
    this.watchers.add(changed);
    return () => this.watchers.delete(changed);
  }

  // From now on these and no others.
  ask(queries: Query[]): void {
    this.queries = queries;
    this.again();
  }

  again(): void {
    clearTimeout(this.timer);
    this.abort?.abort();
    this.abort = null;
    if (this.queries.length) this.connect();
  }

  // Somebody else saw the server answer, or not.
  seen(answers: boolean): void {
    if (!answers) this.become("away");
    else if (!this.queries.length) this.become("live");
  }

  private become(state: State): void {
    if (state === this.state) return;
    if (state === "away") this.away_since = Date.now();
    this.state = state;
    for (const watcher of this.watchers) watcher();
  }

  private async connect(): Promise<void> {
    const abort = new AbortController();
    const queries = this.queries;
    this.abort = abort;
    try {
      const asked = queries.map((query) => ({
        sql: query.sql(),
        ...(query.earliest ? { properties: { "auto.offset.reset": "earliest" } } : {}),
      }));
      const response = await ask("/live", { method: "POST", body: JSON.stringify({ queries: asked }), signal: abort.signal });
      if (!response.ok || !response.body) throw new Error(String(response.status));
      await this.read(response.body, queries);
    } catch {
      // what happened shows in the state
    }
    if (this.abort !== abort) return; // other queries took its place
    this.abort = null;
    if (document.hidden) return;
    if (queries.length && this.over === queries.length) return;
    this.become("away");
    this.timer = window.setTimeout(() => this.connect(), this.wait_ms);
    this.wait_ms = Math.min(this.wait_ms * 1.6, 4000);
  }

  private over = 0; // queries of this connection that have ended by themselves

  private async read(body: ReadableStream<Uint8Array>, queries: Query[]): Promise<void> {
    this.over = 0;
    const reader = body.pipeThrough(new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>).getReader();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      this.wait_ms = 500;
      this.become("live");
      text += value;
      let end: number;
      let from = 0;
      while ((end = text.indexOf("\n\n", from)) >= 0) {
        this.take(text.slice(from, end), queries);
        from = end + 2;
      }
      text = text.slice(from);
    }
  }

  private take(event: string, queries: Query[]): void {
    let name = "";
    let data = "";
    for (const line of event.split("\n")) {
      if (line.startsWith("event: ")) name = line.slice(7);
      else if (line.startsWith("data: ")) data += line.slice(6);
    }
    const [kind, number] = name.split("/");
    const query = queries[Number(number)];
    if (!query || this.queries !== queries) return;
    if (kind === "row") return query.row(this.parse(data));
    if (kind === "deleted") return query.deleted?.(this.parse(data));
    if (kind === "header") {
      const { columnNames, columnTypes } = JSON.parse(data);
      query.begin();
      query.header?.(columnNames, columnTypes);
    } else if (kind === "held") {
      query.held?.();
    } else if (kind === "failure") {
      ++this.over;
      query.failed?.(JSON.parse(data).message);
    } else if (kind === "end") {
      ++this.over;
      query.ended?.();
    }
  }

  // Replaced where rows must be exact.
  parse: (data: string) => Row = JSON.parse;
}
