import { stringify } from "yaml";

/** The forms of `-o` that every command knows that prints data. */
const dataFormats = ["json", "yaml"] as const;

/** `-o` of a command that prints data. `more`: forms of its own. */
export const outputOption = <const More extends readonly string[] = []>(json: string, ...more: More) =>
  ({ type: "string", short: "o", value: "FORMAT", values: [...dataFormats, ...more], description: `${[...dataFormats, ...more].join(" or ")}. ${json}. Default: for people.` }) as const;

/** A value as `-o` asks: JSON in one line, or a YAML document with its `---`. */
export const formatted = (format: string, value: unknown): string =>
  format === "yaml" ? `---\n${stringify(value, { lineWidth: 0, aliasDuplicateObjects: false })}` : `${JSON.stringify(value)}\n`;

/** The first of a list of rows is the head. `paint`: colours a cell, once its width is known. */
export function table(rows: readonly (readonly string[])[], paint: (cell: string, column: number, row: number) => string = (cell) => cell): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((cells) => (cells[column] ?? "").length)));
  const line = (cells: readonly string[], row: number): string =>
    cells.map((cell, column) => `${paint(cell, column, row)}${column === cells.length - 1 ? "" : " ".repeat((widths[column] ?? 0) - cell.length)}`).join("   ").trimEnd();
  return rows.map((cells, row) => `${line(cells, row)}\n`).join("");
}
