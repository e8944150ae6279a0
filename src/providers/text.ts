/** The text's first lines joined into one, with control characters and runs of white space turned into single spaces. */
export function oneLine(value: string): string {
  return value.toWellFormed().replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, " ").trim();
}
