// Charts: small SVGs drawn by hand, each with a text that says what it shows.
import { svg } from "./dom";
import { clock } from "./format";

export interface Layer {
  name: string;
  values: number[]; // one for each column
  shade: string; // a class of the stylesheet
}

const kLeft = 46;
const kBottom = 18;
const kTop = 8;

// A number at or above `value` that is round, and so is its half.
export function roundUp(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 6, 8, 10].map((step) => step * power).find((step) => step >= value * 0.999)!;
}

interface Columns {
  width: number;
  height: number;
  times: number[]; // of the columns, ms
  layers: Layer[]; // lowest first
  line?: number[]; // beside them
  label: string;
  format: (value: number) => string;
  partial: boolean; // the last column is still filling
}

// Stacked columns over time, with a line over them.
export function columns({ width, height, times, layers, line, label, format, partial }: Columns): SVGElement {
  const sums = times.map((_, i) => layers.reduce((sum, layer) => sum + layer.values[i], 0));
  const top = roundUp(Math.max(...sums, ...(line ?? [0]), 0));
  const bottom = Math.min(0, ...(line ?? [0]));
  const inner = { width: width - kLeft - 4, height: height - kTop - kBottom };
  const step = inner.width / times.length;
  const y = (value: number) => kTop + inner.height * (1 - (value - bottom) / (top - bottom));
  const chart = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label, class: "chart" });
  for (const value of [0, top / 2, top]) {
    chart.append(
      svg("line", { x1: kLeft, x2: width - 4, y1: y(value), y2: y(value), class: value === 0 ? "axis" : "grid" }),
      svg("text", { x: kLeft - 6, y: y(value) + 4, "text-anchor": "end" }, format(value)),
    );
  }
  const every = [5, 10, 15, 20, 30].find((minutes) => (minutes * step * 60_000) / (times[1] - times[0]) >= 58) ?? 60;
  const gap = step > 5 ? 1.5 : 0.5;
  const paths = layers.map(() => "");
  times.forEach((time, i) => {
    const x = kLeft + i * step;
    if (new Date(time).getMinutes() % every === 0 && x + step / 2 + 14 < width) chart.append(svg("text", { x: x + step / 2, y: height - 4, "text-anchor": "middle" }, clock(time)));
    let sum = 0;
    layers.forEach((layer, k) => {
      const value = layer.values[i];
      if (value > 0) paths[k] += `M${(x + gap / 2).toFixed(1)} ${y(sum).toFixed(1)}V${y(sum + value).toFixed(1)}h${(step - gap).toFixed(1)}V${y(sum).toFixed(1)}z`;
      sum += value;
    });
  });
  layers.forEach((layer, k) => chart.append(svg("path", { d: paths[k], class: layer.shade })));
  if (partial) chart.append(svg("rect", { x: kLeft + (times.length - 1) * step, y: kTop, width: step, height: inner.height, class: "filling" }));
  if (line) {
    const until = partial ? line.length - 1 : line.length;
    const began = Math.max(0, line.findIndex((value) => value !== 0)); // before, there was nothing to tell
    const d = line.slice(began, until).map((value, i) => `${i ? "L" : "M"}${(kLeft + (began + i + 0.5) * step).toFixed(1)} ${y(value).toFixed(1)}`).join("");
    chart.append(svg("path", { d, class: "halo" }), svg("path", { d, class: "net" }));
  }
  return chart;
}

// A line of the last minutes.
export function spark(points: { at: number; value: number }[], label: string, width = 240, height = 48): SVGElement {
  const known = points.filter((point) => isFinite(point.value));
  const chart = svg("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": label, class: "spark" });
  if (known.length < 2) return chart;
  const from = known[0].at;
  const span = Math.max(1, known[known.length - 1].at - from);
  const top = Math.max(...known.map((point) => point.value)) * 1.08 || 1;
  const at = (point: { at: number; value: number }) => `${(((point.at - from) / span) * width).toFixed(1)} ${(height - 1 - (point.value / top) * (height - 3)).toFixed(1)}`;
  const line = known.map((point, i) => (i ? "L" : "M") + at(point)).join("");
  chart.append(svg("path", { d: `${line}V${height}H0z`, class: "area" }), svg("path", { d: line, class: "line" }));
  return chart;
}

// A bar of `share` in 0 to 1; what it says stands beside it as text.
export function bar(share: number, shade = ""): SVGElement {
  return svg("svg", { viewBox: "0 0 100 6", preserveAspectRatio: "none", class: `bar ${shade}`, "aria-hidden": "true" },
    svg("rect", { width: 100, height: 6, class: "track" }),
    svg("rect", { width: Math.max(0, Math.min(1, share)) * 100, height: 6, class: "fill" }));
}
