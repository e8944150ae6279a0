/** Fitting text to the bounds of fields. A cut never splits a character, and an ellipsis shows it. */

const mark = "…";

/** At most `max` UTF-16 code units, so at most as many characters however they are counted. */
export function shorten(text: string, max: number): string {
  if (text.length <= max) return text;
  const cut = text.slice(0, max - mark.length);
  const last = cut.charCodeAt(cut.length - 1);
  return `${last >= 0xd800 && last <= 0xdbff ? cut.slice(0, -1) : cut}${mark}`;
}

/** At most `max` bytes of UTF-8. */
export function cutToBytes(text: string, max: number): string {
  const bytes = Buffer.from(text, "utf8");
  if (bytes.length <= max) return text;
  let end = max - Buffer.byteLength(mark);
  // A UTF-8 continuation byte is 10xxxxxx: step back to the start of the character.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString("utf8", 0, end) + mark;
}
