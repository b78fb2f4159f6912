// Figures: rows of a table kept up to date, by key; and of each what is missing from it.
import type { Query, Row } from "./live";

export class Figure implements Query {
  rows = new Map<string, Row>();
  newest = 0; // event time of the newest row that counted, ms
  missing: string | null = null;

  constructor(
    readonly table: string, // whose query tells how complete it is
    private keys: string[],
    readonly sql: () => string,
    private changed: () => void,
    readonly earliest = false,
    private most = Infinity,
  ) {}

  begin = () => {
    this.rows.clear();
    this.missing = null;
  };
  row = (row: Row) => {
    const key = this.key(row);
    this.rows.delete(key); // so that the newest stands last
    this.rows.set(key, row);
    if (row.ROWTIME > this.newest) this.newest = row.ROWTIME;
    if (this.rows.size > this.most) this.rows.delete(this.rows.keys().next().value!);
    this.changed();
  };
  deleted = (row: Row) => {
    this.rows.delete(this.key(row));
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
