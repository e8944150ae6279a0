import { RE2JS, RE2JSException } from "re2js";
import { automatonOf, type Automaton } from "./automaton.ts";
import type { RegexProgram } from "./regex-program.ts";
import { limits } from "./limits.ts";
import { matchSteps, patternCost } from "./pattern-cost.ts";
import { Recent } from "./recent.ts";
import { problems, type Meter, type Problem } from "./values.ts";

/** A compiled regular expression (RE2 syntax): matching takes time linear in the text, whatever the pattern. */
export interface Pattern {
  /** Whether any part of the text matches. */
  test(text: string, meter: Meter): boolean | Problem;
  /** Steps that a text of this length is charged. */
  steps(length: number): number;
}

const tooLarge = "too large; use fewer or smaller repetitions and Unicode classes";

const recent = new Recent<Pattern | string>({ count: 256, keyLength: limits.patternLength });

function build(source: string): Pattern | string {
  if (source.length > limits.patternLength) {
    return `longer than ${limits.patternLength} characters`;
  }
  if (patternCost(source) > limits.patternProgram) {
    return tooLarge;
  }
  try {
    const regex = RE2JS.compile(source);
    const instructions = regex.programSize();
    if (instructions > limits.patternProgram) {
      return tooLarge;
    }
    const perCharacter = (matchSteps(source, instructions, 1000) - 1) / 1000;
    const steps = (length: number): number => 1 + Math.ceil(length * perCharacter);
    let automaton: Automaton | undefined;
    return {
      steps,
      test: (text, meter) => {
        meter.steps -= 1 + Math.ceil(text.length * perCharacter);
        if (meter.steps < 0) {
          return problems.budget;
        }
        automaton ??= automatonOf(regex.re2().prog as RegexProgram, regex.re2().prefix as string);
        return automaton(text) ?? regex.test(text);
      },
    };
  } catch (error) {
    return error instanceof RE2JSException ? error.message.replace(/^error parsing regexp: /, "") : "not a valid pattern";
  }
}

/** Compiles a pattern, or says why it is none. The most recent ones of those that are compiled again are kept. */
export const compilePattern = (source: string): Pattern | string => recent.get(source, build);

/** `matches` with a pattern that is known only now: charged as if it were compiled each time. */
export function matches(text: string, pattern: string, meter: Meter): boolean | Problem {
  meter.steps -= 5000;
  if (meter.steps < 0) {
    return problems.budget;
  }
  const compiled = compilePattern(pattern);
  return typeof compiled === "string" ? problems.invalidValue : compiled.test(text, meter);
}
