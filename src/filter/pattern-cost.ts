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
export const patternCost = (source: string): number => measure(source, (part) => 1 + unicodeClass * unicodeClasses(part), 2);

/** Powers of two beyond this make no difference. */
const manyChoices = 40;

/**
 * About how often matching can stand at several places at once, repetitions multiplied: at wildcards, classes, alternatives
 * in groups and optional parts. The number of states of a deterministic automaton can double with each.
 */
function choices(source: string): number {
  const bounded = !/[*+|]|,\}/.test(source.replace(/\\./g, ""));
  if (source.startsWith("^") && bounded) {
    return 0;
  }
  const plain = source.replace(/\(\?[a-zA-Z-]*\)/g, "").replace(/\(\?(?:[a-zA-Z-]*:|P?<[^>]*>)/g, "(");
  let before = "";
  const weigh = (part: string, depth: number): number => {
    const isWide = part === "." || part.startsWith("[") || /^\\[dDwWsSpP]/.test(part);
    const repeatsLiteral = (part === "*" || part === "+" || part === "?") && before !== "wide";
    before = isWide ? "wide" : part;
    return isWide || repeatsLiteral || (part === "|" && depth > 0) ? 1 : 0;
  };
  return Math.min(manyChoices, measure(plain, weigh, 0));
}

/** Work of building the largest automaton that is built once and kept; about 5 ms. */
const automatonWork = 50_000;

/**
 * Steps that matching a text takes. With few states an automaton is built once, and then each character takes about 15 ns;
 * with many, each character can visit every instruction, at about 100 ns each.
 */
export function matchSteps(source: string, instructions: number, length: number): number {
  const isSmall = instructions * instructions * 2 ** choices(source) <= automatonWork;
  return 1 + (isSmall ? Math.ceil((length * 5) / 16) : length * instructions * 2);
}

function measure(source: string, weigh: (part: string, depth: number) => number, group0: number): number {
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
      group = { done: group0, last: 0 };
    } else if (part === ")") {
      const size = group.done + group.last;
      group = outer.pop() ?? group;
      group.last = size;
    } else {
      begin(weigh(part, outer.length));
    }
  }
  return outer.reduce((sum, open) => sum + open.done + open.last, group.done + group.last);
}
