/** The text's first lines joined into one, with control characters and runs of white space turned into single spaces. */
export function oneLine(value: string): string {
  return value.toWellFormed().replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, " ").trim();
}

/** Characters that turn the direction of what follows, and those that no text needs, line breaks apart. */
const unwanted = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

/** Without control characters; lines may break. */
export const cleaned = (text: string): string => text.toWellFormed().replace(/\r\n?|[\u2028\u2029]/g, "\n").replace(unwanted, (character) => (character === "\n" || character === "\t" ? character : " "));

/** `3m12s` for `192s`; fractions of a second are left out. */
export function spanText(duration: string): string {
  const total = Math.round(Number.parseFloat(duration));
  const parts = [[Math.floor(total / 3600), "h"], [Math.floor(total / 60) % 60, "m"], [total % 60, "s"]] as const;
  const shown = parts.filter(([count]) => count > 0).map((part) => part.join("")).join("");
  return shown === "" ? "0s" : shown;
}
