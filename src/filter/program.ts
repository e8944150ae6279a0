import type { RunEvent } from "../api/run-event.ts";
import { placeAt } from "./diagnostics.ts";
import { runEventEnvironment, type Environment } from "./environment.ts";
import { generate } from "./generate.ts";
import { limits } from "./limits.ts";
import { textsAskedOf, truthKnowing, type Known } from "./partial.ts";
import { broken, type Outcome, type Run } from "./run.ts";
import { readsVariable, type Typed } from "./typed.ts";
import { typeName } from "./types.ts";
import type { Meter } from "./values.ts";
import { EventView, layoutOf, readEvent, type Layout } from "./view.ts";

export type { Outcome } from "./run.ts";

/** A compiled expression. */
export interface Program {
  readonly source: string;
  /** The result's type as CEL writes it: `bool`, `string`, `list(string)`, `dyn`, ... */
  readonly type: string;
  /** The most steps that an evaluation can take, from the declared sizes of the event's fields. */
  readonly cost: number;
  /** Whether the value can depend on the variable: known from the text alone. */
  reads(variable: string): boolean;
  /** Whether the condition can be true on an event with these values: known from the text alone, true where that does not tell. */
  canHold(known: Known): boolean;
  /** The texts that the condition asks a variable to be, with `==` or `in`: `Failed` and `TimedOut` in `status in ["Failed", "TimedOut"]`. */
  asksFor(variable: string): readonly string[];
  /**
   * Evaluates the expression on an event. Never throws, never changes the event, and ends after a bounded number of steps.
   * An event that many programs are to see is made into a view once, with `viewOf`.
   */
  evaluate(event: RunEvent | EventView): Outcome;
}

/** Of all evaluations: none waits, and none begins within another. */
const meter: Meter = { steps: 0 };

/** The steps that the last evaluation of any program took, of those that are charged while it runs: turns of loops, and work on texts and lists. */
export const stepsTaken = (): number => limits.steps - meter.steps;

/** An expression that has passed all checks. */
export interface Checked {
  readonly typed: Typed;
  /** The most steps that an evaluation can take. */
  readonly cost: number;
  readonly environment: Environment;
}

/** Code is generated when it is first needed: what is only checked, as in admission, never is. */
class GeneratedProgram implements Program {
  readonly source: string;
  readonly type: string;
  readonly cost: number;
  readonly #typed: Typed;
  readonly #layout: Layout;
  #run: Run | undefined;
  /** For events that are not what they should be. */
  #careful: Run | undefined;

  constructor(source: string, { typed, cost, environment }: Checked) {
    this.source = source;
    this.type = typeName(typed.type);
    this.cost = cost;
    this.#typed = typed;
    this.#layout = layoutOf(environment.variables);
  }

  reads(variable: string): boolean {
    return readsVariable(this.#typed, variable);
  }

  canHold(known: Known): boolean {
    return truthKnowing(this.#typed, known) !== false;
  }

  asksFor(variable: string): readonly string[] {
    return textsAskedOf(this.#typed, variable);
  }

  evaluate(event: RunEvent | EventView): Outcome {
    meter.steps = limits.steps;
    try {
      const view = event instanceof EventView ? event : readEvent(this.#layout, event);
      const run = view.sound ? (this.#run ??= this.#generate(true)) : (this.#careful ??= this.#generate(false));
      return run(view, meter);
    } catch {
      return broken;
    }
  }

  #generate(sound: boolean): Run {
    const { source } = this;
    return generate(this.#typed, { layout: this.#layout, sound, place: (offset) => placeAt(source, offset) });
  }
}

/** The program of a checked expression. */
export const programOf = (source: string, checked: Checked): Program => new GeneratedProgram(source, checked);

/** An event, read once for any number of programs of RunEvent's environment. Takes about a microsecond; reads no text but times. */
export const viewOf = (event: RunEvent): EventView => readEvent(layoutOf(runEventEnvironment.variables), event);
