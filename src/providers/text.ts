/** The text's first lines joined into one, with control characters and runs of white space turned into single spaces. */
export function oneLine(value: string): string {
  return value.toWellFormed().replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, " ").trim();
}

/** At most `limit` code points; what is cut off is shown by an ellipsis. */
export function cutCodePoints(value: string, limit: number): string {
  const points = Array.from(value);
  return points.length <= limit ? value : `${points.slice(0, limit - 1).join("")}…`;
}

/** At most `limit` bytes of UTF-8, cut between characters; what is cut off is shown by an ellipsis. */
export function cutBytes(value: string, limit: number): string {
  if (Buffer.byteLength(value) <= limit) return value;
  const bytes = Buffer.from(value);
  let end = limit - 3;
  // A UTF-8 continuation byte is 10xxxxxx: step back to the start of the character.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return `${bytes.subarray(0, end).toString()}…`;
}
