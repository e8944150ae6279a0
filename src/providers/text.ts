/** The text's first lines joined into one, with control characters and runs of white space turned into single spaces. */
export function oneLine(value: string): string {
  return value.toWellFormed().replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, " ").trim();
}

/** At most `limit` code points; what is cut off is shown by an ellipsis. */
export function cutCodePoints(value: string, limit: number): string {
  const points = Array.from(value);
  return points.length <= limit ? value : `${points.slice(0, limit - 1).join("")}…`;
}
