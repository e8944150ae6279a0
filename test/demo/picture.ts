/** The picture in README: parts of what the demo printed, as a terminal shows them. */

const [width, lineHeight, charWidth, margin] = [132, 19, 8.1, 18];

/** One part: it begins at the line that matches, and has so many lines. */
interface Part {
  readonly from: RegExp;
  readonly lines: number;
}

const parts: readonly Part[] = [
  { from: /\$ kubectl apply -f examples\/bad-filter\.yaml$/, lines: 4 },
  { from: /-> GitHub +POST \/api\/v3\/repos\/example-org\/shop-api\/statuses\/78b3ba1200… {2}201$/, lines: 2 },
  { from: /^ +shop-api-on-pull-request-bq8zn\.ci: Failed$/, lines: 8 },
  { from: /^ {2}13 recordings played: /, lines: 1 },
  { from: /^ {2}Every end of every selected run arrived, once and last\./, lines: 1 },
];

/** Of several requests about one commit the last, of everything else the first. */
function excerpt(printed: readonly string[], { from, lines }: Part): string[] {
  const isRequest = from.source.startsWith("->");
  const begin = isRequest ? printed.findLastIndex((line) => from.test(line)) : printed.findIndex((line) => from.test(line));
  if (begin < 0) throw new Error(`the demo did not print ${String(from)}`);
  const taken = printed.slice(begin, begin + lines);
  // What Slack was told stands below the request.
  return from.source.includes("bq8zn") ? ["  -> Slack       POST /api/chat.postMessage  200", ...taken] : taken;
}

const shortened = (line: string): string => {
  const text = line.replace(/ Done in .*$/, "").replace(/^ {17}/, "       ");
  return text.length > width ? `${text.slice(0, width - 1)}…` : text;
};

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

function colourOf(line: string): string {
  if (/^ +\$ /.test(line)) return "#ffffff";
  if (/ is invalid: | +statuss ==|^ +\^$/.test(line)) return "#ff8f8f";
  if (/^ +-> /.test(line)) return "#7fd4ff";
  return /arrived, once and last/.test(line) ? "#8ee59b" : "#cfd6e0";
}

/**
 * The SVG for what the demo printed. It holds nothing that differs from one demo to the next: no times, and no counts of messages, since states coalesce on a busy machine. Throws when a part of it was not printed.
 */
export function picture(printed: readonly string[]): string {
  const lines = ["  $ npm run demo", ...parts.flatMap((part) => ["", ...excerpt(printed, part).map(shortened)])];
  const [w, h] = [Math.round(width * charWidth + 2 * margin), lines.length * lineHeight + 2 * margin];
  const texts = lines.flatMap((line, index) => (line === "" ? [] : [`<text x="${margin}" y="${margin + (index + 1) * lineHeight - 5}" fill="${colourOf(line)}">${escaped(line)}</text>`]));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" width="${w}" height="${h}" role="img" aria-label="What the demo prints">`,
    `<rect width="${w}" height="${h}" rx="8" fill="#171c24"/>`,
    `<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="13.5" xml:space="preserve">`,
    ...texts,
    "</g>",
    "</svg>",
    "",
  ].join("\n");
}
