/** Edit distance with swaps of neighbours (optimal string alignment); `limit` where it is that or more. */
function distance(a: string, b: string, limit: number): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  let leastOfLast = 0;
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    let least = i;
    for (let j = 1; j <= b.length; j += 1) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(best);
      least = Math.min(least, best);
    }
    // What comes after two rows is no less than the least in them.
    if (least >= limit && leastOfLast >= limit) return limit;
    beforeLast = last;
    last = row;
    leastOfLast = least;
  }
  return last[b.length] ?? 0;
}

/** Which letters a word has, as bits; letters that share a bit count as one. */
function lettersOf(word: string): number {
  let letters = 0;
  for (let at = 0; at < word.length; at += 1) letters |= 1 << (word.charCodeAt(at) & 31);
  return letters;
}

function countBits(bits: number): number {
  let count = 0;
  for (let left = bits; left !== 0; left &= left - 1) count += 1;
  return count;
}

/** The candidate that `name` is most likely a misspelling of: at most a third of its letters differ, case not counted. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  const wanted = name.toLowerCase();
  const letters = lettersOf(wanted);
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) >= bestDistance) {
      continue;
    }
    const word = candidate.toLowerCase();
    const others = lettersOf(word);
    // One edit brings one letter, and takes one.
    if (countBits(letters & ~others) >= bestDistance || countBits(others & ~letters) >= bestDistance) {
      continue;
    }
    const found = distance(wanted, word, bestDistance);
    if (found < bestDistance) {
      best = candidate;
      bestDistance = found;
    }
  }
  return best;
}

/** ` (did you mean ...?)`, or nothing when no candidate is near. */
export function didYouMean(name: string, candidates: Iterable<string>): string {
  const candidate = name.length > 64 ? undefined : nearest(name, candidates);
  return candidate === undefined ? "" : ` (did you mean \`${candidate}\`?)`;
}

const elsewhere: ReadonlyMap<string, string> = new Map([
  ...["len", "length", "count"].map((name): [string, string] => [name, "`size(...)`"]),
  ...["toLowerCase", "toLower", "lower"].map((name): [string, string] => [name, "`text.lowerAscii()`"]),
  ...["toUpperCase", "toUpper", "upper"].map((name): [string, string] => [name, "`text.upperAscii()`"]),
  ...["match", "test", "regex"].map((name): [string, string] => [name, "`text.matches(\"pattern\")`"]),
  ...["hasPrefix", "beginsWith"].map((name): [string, string] => [name, "`text.startsWith(\"prefix\")`"]),
  ...["any", "some"].map((name): [string, string] => [name, "`list.exists(x, condition)`"]),
  ["hasSuffix", "`text.endsWith(\"suffix\")`"],
  ["includes", "`text.contains(\"part\")`, or `element in list`"],
  ["every", "`list.all(x, condition)`"],
  ["equals", "`==`"],
  ["toString", "`string(...)`"],
  ["now", "times of the run, such as `completionTime`: a filter has the same value whenever it is asked"],
]);

/** What is written here for a function that other languages have; undefined for any other name. */
export const knownElsewhere = (name: string): string | undefined => elsewhere.get(name);
