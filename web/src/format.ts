// How numbers, money, times and durations are written: thin spaces before units, the viewer's zone.

const kThin = "\u202f";
const kNone = "–";

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const spaced = (text: string) => text.replaceAll(",", kThin);

export const count = (value: number | null | undefined) => (value === null || value === undefined || !isFinite(value) ? kNone : spaced(whole.format(value)));

export function rate(value: number): string {
  return spaced(value.toLocaleString("en", { maximumFractionDigits: value < 10 ? 1 : 0 }));
}

export const percent = (share: number | null, digits = 1) =>
  share === null || !isFinite(share) ? kNone : `${(share * 100).toFixed(digits)}${kThin}%`;

// Completeness never says 100 % while anything is missing.
export function completeness(share: number): string {
  if (share >= 1) return `100${kThin}%`;
  return `${(Math.floor(share * 1000) / 10).toFixed(1)}${kThin}%`;
}

export function money(value: number | null, currency: string, digits = 0): string {
  if (value === null) return kNone;
  const fraction = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  value = Math.round(value * 1e4) / 1e4; // a sum of decimals that is half a unit may stand just below it
  try {
    return spaced(value.toLocaleString("en", { style: "currency", currency, currencyDisplay: "narrowSymbol", ...fraction }));
  } catch {
    return `${spaced(value.toLocaleString("en", fraction))}${kThin}${currency}`; // what names no currency is shown as it is
  }
}

export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    ++unit;
  }
  return `${value.toFixed(unit > 0 && value < 100 ? 1 : 0)}${kThin}${units[unit]}`;
}

export function duration(ms: number | null): string {
  if (ms === null || !isFinite(ms)) return kNone;
  if (ms === 0) return `0${kThin}ms`;
  if (ms < 1) return `${ms.toFixed(1)}${kThin}ms`;
  if (ms < 1000) return `${Math.round(ms)}${kThin}ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)}${kThin}s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)}${kThin}min`;
  if (ms < 172_800_000) return `${Math.round(ms / 3_600_000)}${kThin}h`;
  return `${Math.round(ms / 86_400_000)}${kThin}days`;
}

const two = (n: number) => String(n).padStart(2, "0");

export function clock(ms: number, seconds = false): string {
  const at = new Date(ms);
  return `${two(at.getHours())}:${two(at.getMinutes())}${seconds ? `:${two(at.getSeconds())}` : ""}`;
}

export function moment(ms: number): string {
  const at = new Date(ms);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock(ms, true)}`;
}

// "today 14:00", "Thu 14:00", "Thu 3 Dec": as exact as a forecast so far away can be.
export function dayAndHour(ms: number, now: number): string {
  const at = new Date(ms);
  const rounded = new Date(ms);
  rounded.setMinutes(0, 0, 0);
  const kTen = 600_000;
  if (at.toDateString() === new Date(now).toDateString()) return `today ${clock(Math.ceil(ms / kTen) * kTen)}`;
  const day = at.toLocaleDateString("en", { weekday: "short" });
  if (ms - now < 6 * 86_400_000) return `${day} ${clock(rounded.getTime())}`;
  return `${day} ${at.getDate()} ${at.toLocaleDateString("en", { month: "short" })}`;
}

export const kZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
