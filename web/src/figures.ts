// Figures: rows of a table kept up to date, by key; and of each what is missing from it.
import type { Query, Row } from "./live";

export class Figure implements Query {
  rows = new Map<string, Row>();
  newest = 0; // event time of the newest row that counted, ms
  missing: string | null = null;
  private next: Map<string, Row> | null = null; // what the table holds, as it comes
  private begun = 0;
  private told = false; // all that the table holds has come once

  constructor(
    readonly table: string, // whose query tells how complete it is
    private keys: string[],
    readonly sql: () => string,
    private changed: () => void,
    readonly earliest = false,
    private most = Infinity,
  ) {}

  // A table begins with what it holds, which takes the old rows' place when it is complete. A stream from its beginning
  // brings the same rows again, each under the key it had.
  begin = () => {
    if (this.missing || !this.earliest) this.next = new Map();
    this.missing = null;
    this.begun = Date.now();
  };
  held = () => {
    if (this.next) this.rows = this.next;
    this.next = null;
    this.told = true;
    this.changed();
  };

  // Whether no row means that there is none. A stream does not say that all of it has come.
  get answered(): boolean {
    const kLong_ms = 10_000;
    return this.told || this.rows.size > 0 || (this.earliest && this.begun > 0 && Date.now() - this.begun > kLong_ms);
  }
  row = (row: Row) => {
    const rows = this.next ?? this.rows;
    const key = this.key(row);
    rows.delete(key); // so that the newest stands last
    rows.set(key, row);
    if (row.ROWTIME > this.newest) this.newest = row.ROWTIME;
    if (rows.size > this.most) rows.delete(rows.keys().next().value!);
    this.changed();
  };
  deleted = (row: Row) => {
    (this.next ?? this.rows).delete(this.key(row));
    this.changed();
  };
  failed = (message: string) => {
    this.rows.clear();
    this.missing = message;
    this.changed();
  };

  private key(row: Row): string {
    return this.keys.map((key) => row[key]).join("\u0000");
  }
}
