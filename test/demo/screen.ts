/** What the demo prints. All of it goes to standard output, in the order in which it happens. */

const begun = performance.now();

export function line(text = ""): void {
  process.stdout.write(`${text}\n`);
}

/** Seconds since the demo began, as `12.3 s`. */
export const sinceBegin = (): string => `${((performance.now() - begun) / 1000).toFixed(1)} s`;

let sections = 0;

export function heading(text: string): void {
  sections += 1;
  line(`\n== ${sections}. ${text}  [${sinceBegin()}]`);
}

/** Every line of a text, moved to the right. */
export function indented(text: string, by = 2): void {
  for (const part of text.trimEnd().split("\n")) line(`${" ".repeat(by)}${part}`);
}

/** Columns as wide as they need to be; the first to the left, the others to the right. */
export function table(rows: readonly (readonly (string | number)[])[]): void {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => String(row[column] ?? "").length)));
  for (const row of rows) {
    const cells = row.map((cell, column) => (column === 0 ? String(cell).padEnd(widths[0] ?? 0) : String(cell).padStart(widths[column] ?? 0)));
    line(`  ${cells.join("  ")}`);
  }
}
