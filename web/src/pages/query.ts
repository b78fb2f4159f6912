// Query: any statement; rows as they come, the plan, and an error at its place.
import { exactly, ksql, Refused } from "../api";
import { calmly, h, show } from "../dom";
import { count, moment } from "../format";
import type { Row } from "../live";
import type { Page } from "./page";

const kHistory = "tradewind.history";
const kMostRows = 500;
const kFirst = "SELECT * FROM REVENUE_NET EMIT CHANGES;";

const kTimes = /^(ROWTIME|WINDOWSTART|WINDOWEND)$/;

const remembered = (): string[] => {
  try {
    return JSON.parse(localStorage.getItem(kHistory) ?? "[]");
  } catch {
    return [];
  }
};

function remember(text: string): void {
  const list = [text, ...remembered().filter((old) => old !== text)].slice(0, 30);
  localStorage.setItem(kHistory, JSON.stringify(list));
}

const cell = (value: unknown): string => (value === null || value === undefined ? "null" : typeof value === "object" ? JSON.stringify(value) : String(value));

// Of an answer of /ksql what is worth a table: its one list of objects.
function listOf(entity: Record<string, any>): Row[] | null {
  const lists = Object.values(entity).filter((value) => Array.isArray(value) && value.length && typeof value[0] === "object");
  return lists.length === 1 ? (lists[0] as Row[]) : null;
}

function tableOf(columns: string[], rows: Row[], caption: string, types: string[] = []): HTMLElement {
  const number = columns.map((_, i) => /INT|DOUBLE|DECIMAL/.test(types[i] ?? ""));
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h("table", { class: "rows" }, h("thead", {}, h("tr", {}, ...columns.map((name, i) => h("th", { scope: "col", class: number[i] ? "number" : "", title: types[i] }, name)))),
      h("tbody", {}, ...rows.map((row) => h("tr", { class: row["\u0000gone"] ? "gone" : "" }, ...columns.map((name, i) => h("td", { class: row[name] === null ? "null" : number[i] ? "number" : "", title: kTimes.test(name) && Number(row[name]) ? moment(Number(row[name])) : undefined }, cell(row[name]))))))));
}

export const query: Page = (main, { live }, rest) => {
  const given = new URLSearchParams(rest);
  const editor = h("textarea", { id: "sql", spellcheck: "false", autocapitalize: "off", autocomplete: "off", wrap: "off", rows: 10, "aria-describedby": "sql-error sql-keys" });
  const gutter = h("div", { class: "gutter", "aria-hidden": "true" });
  const error = h("p", { class: "error", id: "sql-error", role: "alert" });
  const result = h("div", { class: "result" });
  const note = h("p", { class: "note", role: "status" });
  const earliest = h("input", { type: "checkbox", id: "earliest" });
  const run = h("button", { type: "button", class: "primary", onclick: () => start() }, "Run");
  const stop = h("button", { type: "button", disabled: true, onclick: () => finish("stopped") }, "Stop");
  const plan = h("button", { type: "button", onclick: () => explain() }, "Plan");
  const history = h("select", { "aria-label": "Statements asked before", onchange: () => { if (history.value) edit(history.value); history.value = ""; } });
  let wrong = 0; // the line of the error
  let columns: string[] = [];
  let types: string[] = [];
  let rows: Row[] = [];
  let seen = 0;

  const number = () => {
    const lines = editor.value.split("\n").length;
    editor.rows = Math.max(8, Math.min(26, lines + 1));
    show(gutter, ...Array.from({ length: lines }, (_, i) => h("span", { class: i + 1 === wrong ? "wrong" : "" }, i + 1)));
    gutter.scrollTop = editor.scrollTop;
  };
  const edit = (text: string) => {
    editor.value = text;
    clear();
  };
  const clear = () => {
    wrong = 0;
    error.textContent = "";
    editor.removeAttribute("aria-invalid");
    number();
  };
  const list = () => show(history, h("option", { value: "" }, "History"), ...remembered().map((text) => h("option", { value: text }, text.replace(/\s+/g, " ").slice(0, 80))));

  const fail = (message: string, shift = 0) => {
    const place = new Refused(message, 400).place;
    if (place) place.line -= shift;
    error.textContent = place ? message.replace(/line \d+/, `line ${place.line}`) : message;
    editor.setAttribute("aria-invalid", "true");
    note.textContent = "";
    if (!place) return;
    wrong = place.line;
    number();
    const lines = editor.value.split("\n");
    const at = lines.slice(0, place.line - 1).reduce((sum, line) => sum + line.length + 1, 0) + place.column - 1;
    const word = /^\S\w*/.exec(editor.value.slice(at))?.[0].length ?? 0;
    editor.focus();
    editor.setSelectionRange(at, at + word);
  };

  const finish = (why: string) => {
    live.ask([]);
    live.parse = JSON.parse;
    stop.disabled = true;
    run.disabled = false;
    note.textContent = `${count(seen)} ${seen === 1 ? "row" : "rows"}${seen > kMostRows ? `, the newest ${kMostRows} shown` : ""}; ${why}`;
  };

  const draw = calmly(() => {
    if (!columns.length) return;
    show(result, tableOf(columns, rows, "Rows", types));
    if (!stop.disabled) note.textContent = `${count(seen)} ${seen === 1 ? "row" : "rows"}${seen > kMostRows ? `, the newest ${kMostRows} shown` : ""}; live, newest first`;
  }, 200);

  const start = async () => {
    const text = editor.value.trim();
    if (!text) return;
    clear();
    remember(text);
    list();
    columns = [];
    rows = [];
    seen = 0;
    show(result);
    const bare = text.replace(/^(\s*--[^\n]*\n)*\s*/g, "");
    if (!/^SELECT\b/i.test(bare)) return statements(text);
    const push = /\bEMIT\s+(CHANGES|FINAL)\b/i.test(bare);
    note.textContent = "asking …";
    stop.disabled = false;
    live.parse = exactly;
    const take = (row: Row) => {
      ++seen;
      if (push) rows.unshift(row);
      else rows.push(row);
      if (rows.length > kMostRows) push ? rows.pop() : rows.shift();
      draw();
    };
    const sql = editor.value.trimEnd();
    live.ask([{
      sql: () => sql,
      earliest: earliest.checked,
      begin: () => { rows = []; seen = 0; },
      header: (names, kinds) => { columns = names; types = kinds; draw(); },
      row: take,
      deleted: (row) => take({ ...row, "\u0000gone": true }),
      failed: (message) => { finish("refused"); fail(message); },
      ended: () => { draw(); finish("complete"); },
    }]);
  };

  const statements = async (text: string) => {
    try {
      const entities = await ksql(editor.value);
      show(result, ...entities.map((entity) => {
        const list = listOf(entity);
        if (entity.commandStatus) return h("p", { class: "done" }, `${entity.commandStatus.status.toLowerCase()}: ${entity.commandStatus.message}`);
        if (list) return tableOf([...new Set(list.flatMap((row) => Object.keys(row)))], list, String(entity["@type"]));
        return h("pre", { tabindex: "0" }, JSON.stringify(entity, null, 2));
      }));
      note.textContent = entities.length ? "" : `done: ${text.slice(0, 60)}`;
    } catch (refused) {
      fail((refused as Error).message);
    }
  };

  const explain = async () => {
    clear();
    try {
      const [answer] = await ksql(`EXPLAIN\n${editor.value}`);
      const about = answer.queryDescription;
      show(result, h("h2", {}, "Plan"), h("pre", { class: "plan", tabindex: "0", "aria-label": "Plan" }, about.executionPlan || about.topology));
      note.textContent = "";
    } catch (refused) {
      fail((refused as Error).message, 1);
    }
  };

  editor.addEventListener("input", clear);
  editor.addEventListener("scroll", () => (gutter.scrollTop = editor.scrollTop));
  editor.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      void start();
    } else if (event.key === "Escape" && !stop.disabled) {
      finish("stopped");
    }
  });
  main.append(h("h1", {}, "Query"),
    h("div", { class: "editor" }, gutter, h("label", { for: "sql", class: "hidden" }, "SQL"), editor), error,
    h("div", { class: "actions" }, run, stop, plan, h("label", {}, earliest, " from the beginning of the topic"), history, h("span", { class: "note keys", id: "sql-keys" }, "Ctrl+Enter runs, Esc stops")),
    note, result);
  edit(given.get("sql") ?? remembered()[0] ?? kFirst);
  list();
  if (given.has("run")) void start();
  return () => {
    live.parse = JSON.parse;
  };
};
