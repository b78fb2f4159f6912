// Schemas: subjects, their versions, and what changed from one to another.
import { get } from "../api";
import { h, show } from "../dom";
import type { Page } from "./page";

interface Version {
  subject: string;
  version: number;
  id: number;
  schema: string;
  schemaType?: string;
}

const pretty = (schema: string) => {
  try {
    return JSON.stringify(JSON.parse(schema), null, 2);
  } catch {
    return schema;
  }
};

type Line = [" " | "-" | "+", string];

// The lines of both, those that are only in one marked; the longest common part stays.
export function difference(before: string[], after: string[]): Line[] {
  let start = 0;
  while (start < before.length && before[start] === after[start]) ++start;
  let a = before.length;
  let b = after.length;
  while (a > start && b > start && before[a - 1] === after[b - 1]) --a, --b;
  const old = before.slice(start, a);
  const fresh = after.slice(start, b);
  const common = Array.from({ length: old.length + 1 }, () => new Uint32Array(fresh.length + 1));
  for (let i = old.length - 1; i >= 0; --i)
    for (let k = fresh.length - 1; k >= 0; --k) common[i][k] = old[i] === fresh[k] ? common[i + 1][k + 1] + 1 : Math.max(common[i + 1][k], common[i][k + 1]);
  const lines: Line[] = before.slice(0, start).map((line) => [" ", line]);
  let i = 0;
  let k = 0;
  while (i < old.length || k < fresh.length) {
    if (i < old.length && k < fresh.length && old[i] === fresh[k]) lines.push([" ", old[i++]]), ++k;
    else if (k >= fresh.length || (i < old.length && common[i + 1][k] >= common[i][k + 1])) lines.push(["-", old[i++]]);
    else lines.push(["+", fresh[k++]]);
  }
  return [...lines, ...before.slice(a).map((line): Line => [" ", line])];
}

export const schemas: Page = (main, _platform, rest) => {
  const [chosen, wanted] = rest.split("?v=").map(decodeURIComponent);
  const list = h("ul", { class: "subjects" });
  const body = h("div", { class: "schema" }, h("p", { class: "empty" }, "Choose a subject."));
  main.append(h("h1", {}, "Schemas"), h("div", { class: "browse schemas" }, h("nav", { "aria-label": "Subjects" }, list), body));
  const open = async () => {
    const path = `/subjects/${encodeURIComponent(chosen)}/versions`;
    const versions = await Promise.all((await get<number[]>(path)).map((version) => get<Version>(`${path}/${version}`)));
    const level = (await get<{ compatibilityLevel: string }>(`/config/${encodeURIComponent(chosen)}?defaultToGlobal=true`)).compatibilityLevel;
    const at = Math.max(0, wanted ? versions.findIndex((one) => String(one.version) === wanted) : versions.length - 1);
    const now = versions[at];
    const old = versions[at - 1];
    const lines: Line[] = old ? difference(pretty(old.schema).split("\n"), pretty(now.schema).split("\n")) : pretty(now.schema).split("\n").map((line) => [" ", line]);
    const changes = lines.filter(([mark]) => mark !== " ").length;
    show(body, h("h2", {}, chosen),
      h("p", { class: "versions" }, ...[...versions].reverse().map((one) => h("a", { href: `#/schemas/${encodeURIComponent(chosen)}?v=${one.version}`, "aria-current": one === now ? "true" : undefined }, `version ${one.version}`))),
      h("p", { class: "note" }, `id ${now.id} · ${now.schemaType ?? "AVRO"} · ${level.toLowerCase().replaceAll("_", " ")} compatible${old ? ` · ${changes} ${changes === 1 ? "line" : "lines"} changed since version ${old.version}` : ""}`),
      h("pre", { class: "diff", tabindex: "0", "aria-label": `The schema of ${chosen}, version ${now.version}` },
        ...lines.map(([mark, line]) => h("span", { class: mark === "+" ? "added" : mark === "-" ? "removed" : "" }, `${old ? mark + " " : ""}${line}\n`))));
  };
  const load = async () => {
    try {
      const subjects = await get<string[]>("/subjects");
      show(list, ...subjects.map((subject) => h("li", {}, h("a", { href: `#/schemas/${encodeURIComponent(subject)}`, "aria-current": subject === chosen ? "true" : undefined }, subject))));
      if (chosen) await open();
    } catch (refused) {
      show(body, h("p", { class: "error" }, (refused as Error).message));
    }
  };
  void load();
  return () => {};
};
