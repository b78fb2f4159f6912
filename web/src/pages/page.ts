// Page: what the shell shows; it leaves when another comes.
import type { Live } from "../live";
import type { Metrics } from "../metrics";

export interface Platform {
  live: Live;
  metrics: Metrics;
}

// Fills `main` and answers what ends it.
export type Page = (main: HTMLElement, platform: Platform, rest: string) => () => void;

export const queryLink = (sql: string, run = true) => `#/query?${run ? "run&" : ""}sql=${encodeURIComponent(sql)}`;
