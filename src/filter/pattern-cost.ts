/** A Unicode class such as `\pL` is a table of hundreds of ranges; building one costs about as much as this many instructions. */
const unicodeClass = 32;

interface Group {
  /** Instructions of the parts that no quantifier can reach any more. */
  done: number;
  /** Instructions of the last part, which a quantifier multiplies. */
  last: number;
}

const parts = /\\[pP](?:\{[^}]*\}|.)|\\x\{[^}]*\}|\\[\s\S]|\[\^?\]?(?:\[:\^?[a-z]*:\]|\\[\s\S]|[^\]\\])*\]|\{([0-9]{1,5})(?:,([0-9]{0,5}))?\}|[\s\S]/g;

const unicodeClasses = (part: string): number => part.match(/\\[pP]/g)?.length ?? 0;

/**
 * About how many instructions a regular expression compiles to, repetitions multiplied, told from its text alone: what is
 * far too large need not be compiled to be refused.
 */
export function patternCost(source: string): number {
  const outer: Group[] = [];
  let group: Group = { done: 0, last: 0 };
  const begin = (size: number): void => {
    group.done += group.last;
    group.last = size;
  };
  for (const [part, least, most] of source.matchAll(parts)) {
    if (least !== undefined) {
      group.last *= Math.max(1, Number(least), Number(most ?? 0));
    } else if (part === "(") {
      begin(0);
      outer.push(group);
      group = { done: 2, last: 0 };
    } else if (part === ")") {
      const size = group.done + group.last;
      group = outer.pop() ?? group;
      group.last = size;
    } else {
      begin(1 + unicodeClass * unicodeClasses(part));
    }
  }
  return outer.reduce((sum, open) => sum + open.done + open.last, group.done + group.last);
}
