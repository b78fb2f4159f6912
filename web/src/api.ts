// The platform's routes, as this console asks them.

export class Refused extends Error {
  constructor(message: string, readonly status: number) {
    super(message);
  }
  // Where in the text the platform found it, from 1.
  get place(): { line: number; column: number } | null {
    const found = /line (\d+), column (\d+)/.exec(this.message);
    return found && { line: Number(found[1]), column: Number(found[2]) };
  }
}

// The key this page shows, kept as long as its tab; who asks for one is told when the platform wants it.
const kKept = "tradewind.key";
let wanted: () => void = () => {};
export function whenKeyIsWanted(tell: () => void): void {
  wanted = tell;
}
export function showKey(key: string): void {
  sessionStorage.setItem(kKept, key);
}

// fetch with the key, if there is one.
export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const key = sessionStorage.getItem(kKept);
  const headers = { ...(init.headers as Record<string, string>), ...(key ? { Authorization: `Bearer ${key}` } : {}) };
  const response = await fetch(path, { ...init, headers });
  if (response.status === 401) wanted();
  return response;
}

const raw = (JSON as unknown as { rawJSON?: (text: string) => object }).rawJSON;

// Numbers that a double cannot hold, or would write otherwise (12.50), keep their text where the browser knows how:
// JSON.stringify gives it back as it came.
export function exactly(text: string): any {
  if (!raw) return JSON.parse(text);
  return JSON.parse(text, function (this: unknown, _name: string, value: unknown, context?: { source: string }) {
    return typeof value !== "number" || !context || String(value) === context.source ? value : raw(context.source);
  } as (name: string, value: unknown) => unknown);
}

async function answered(response: Response): Promise<string> {
  const text = await response.text();
  if (response.ok) return text;
  let message = text || `${response.status} ${response.statusText}`;
  try {
    message = JSON.parse(text).message ?? message;
  } catch {
    // no JSON: the text itself
  }
  throw new Refused(message, response.status);
}

export async function get<T>(path: string): Promise<T> {
  return JSON.parse(await answered(await ask(path, { headers: { Accept: "application/json" } })));
}

export async function ksql(text: string): Promise<any[]> {
  return exactly(await answered(await ask("/ksql", { method: "POST", body: JSON.stringify({ ksql: text }) })));
}

export async function metricsText(): Promise<string> {
  return answered(await ask("/metrics"));
}

export interface Health {
  ready: boolean;
  alive: boolean;
  reasons: string[];
  lagging: string[];
  queries: { name: string; state: string; error: string | null }[];
}

export const health = () => get<Health>("/v1/health");

export interface Topic {
  name: string;
  partitions: number;
  records: number;
  begins: number[];
  ends: number[];
  cleanup: string;
  retention_ms: number;
}

export interface LogRecord {
  partition: number;
  offset: number;
  time: number;
  keyFormat: string;
  key: unknown;
  valueFormat: string;
  value: unknown;
}

export async function records(topic: string, before: string | null, limit: number): Promise<{ records: LogRecord[]; next: string | null }> {
  const place = before === null ? "" : `&before=${before}`;
  return exactly(await answered(await ask(`/v1/topics/${encodeURIComponent(topic)}/records?limit=${limit}${place}`)));
}
