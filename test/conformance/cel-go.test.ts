import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { isDeepStrictEqual } from "node:util";
import type { RunEvent } from "../../src/api/run-event.ts";
import { compile, runEventEnvironment, toJson, type Compilation } from "../../src/filter/index.ts";
import { sampleEvent } from "../filter/sample-event.ts";
import { requireGoProgram } from "../support/require.ts";
import { differences } from "./cel-go-differences.ts";
import { ExpressionGenerator } from "./cel-go-generator.ts";
import { askCelGo, celGoBinary, declarationOf, requestOf, type CelGoAnswer } from "./cel-go-peer.ts";

/** `CEL_SEED=7 CEL_COUNT=100000 node --test test/conformance/cel-go.test.ts` looks elsewhere, and longer. */
const seed = Number(process.env["CEL_SEED"] ?? 20261122);
const count = Number(process.env["CEL_COUNT"] ?? 8000);

const corpus = readFileSync(join(import.meta.dirname, "cel-go-corpus.txt"), "utf8").split("\n").filter((line) => line !== "" && !line.startsWith("#"));

const task: RunEvent["tasks"][number] = { name: "only", kind: "CustomRun", status: "TimedOut", reason: "ä€😀", message: "a,b,,c", ignored: true };

/** Without the whole number beyond 2^53: JSON's text has it rounded already. */
function usualEvent(changes: Partial<RunEvent> = {}): RunEvent {
  const event = sampleEvent(changes);
  const { big: _big, ...results } = event.results;
  return { ...event, results };
}

/** A finished run, one that has just begun, and one with all that the others lack. */
const events: readonly RunEvent[] = [
  usualEvent(),
  (({ startTime: _start, completionTime: _completion, duration: _duration, ...rest }) => ({ ...rest, status: "Pending" as const, terminal: false, tasks: [], labels: {}, results: {} }))(usualEvent()),
  usualEvent({
    status: "Succeeded",
    previous: { status: "Failed", reason: "Failed", name: "shop-api-2bd8w", completionTime: "2026-11-21T23:59:59.25Z" },
    parent: { kind: "PipelineRun", name: "shop", uid: "1" },
    pipelineTask: "only",
    url: "https://dashboard.example.com/#/ci",
    tasks: [task, { ...task, ignored: false, duration: "0.5s" }, { ...task, name: "third", duration: "3600s" }],
  }),
];

interface Compared {
  readonly expression: string;
  readonly ours: string;
  readonly celGo: string;
  /** Why they differ although nothing is wrong; undefined when they agree or the difference is not known. */
  readonly reason: string | undefined;
  readonly agrees: boolean;
}

/** JSON as it is read again; there is one zero. */
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value), (_key, part: unknown) => (part === 0 ? 0 : part)) as unknown;

function verdictOf({ program, errors: [error] }: Compilation, event: RunEvent): { readonly text: string; readonly value?: unknown } {
  if (program === undefined) return { text: `refused ${error?.code ?? ""}: ${error?.message ?? ""}` };
  const outcome = program.evaluate(event);
  if (outcome.kind !== "value") return { text: outcome.kind === "absent" ? "absent" : `error ${outcome.code}` };
  const value = asJson(toJson(outcome.value));
  return { text: `value ${JSON.stringify(value)}`, value };
}

function celGoText(answer: CelGoAnswer): string {
  if (!answer.accepted) return `refused ${answer.refusal ?? ""}`;
  return "value" in answer ? `value ${JSON.stringify(asJson(answer.value))}` : `error ${answer.error ?? ""}`;
}

const missing = /^error (?:no such key|no such attribute|index out of bounds)/;

/** Types of types aside: cel-go joins them as it happens. */
const withoutTypeOfTypes = (type: string): string => type.replace(/\btype\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)/g, "type");

function sameType(ours: string, celGo: string): boolean {
  // dyn where cel-go knows more refuses less; a value then tells.
  return withoutTypeOfTypes(ours) === withoutTypeOfTypes(celGo) || ours.includes("dyn");
}

function agree(ours: ReturnType<typeof verdictOf>, answer: CelGoAnswer, celGo: string): boolean {
  if (!answer.accepted) return ours.text.startsWith("refused");
  if ("value" in answer) return "value" in ours && isDeepStrictEqual(ours.value, asJson(answer.value));
  return missing.test(celGo) ? ours.text === "absent" : ours.text.startsWith("error");
}

function compareOne(expression: string, event: RunEvent, answer: CelGoAnswer): Compared {
  const compilation = compile(expression, { environment: runEventEnvironment });
  const ours = verdictOf(compilation, event);
  const celGo = celGoText(answer);
  const { program } = compilation;
  const typed = program === undefined || answer.type === undefined || sameType(program.type, answer.type);
  const agrees = typed && agree(ours, answer, celGo);
  const known = differences.find((difference) => difference.ours.test(ours.text) && difference.celGo.test(celGo) && (difference.expression?.test(expression) ?? true));
  const types = typed ? "" : `; types ${program.type} and ${answer.type ?? ""}`;
  return { expression, ours: `${ours.text}${types}`, celGo, agrees, reason: agrees || !typed ? undefined : known?.reason };
}

/** What both say of the expressions, on the events in turn; undefined: the test has been marked as skipped. */
async function compareAll(t: TestContext, expressions: readonly string[]): Promise<readonly Compared[] | undefined> {
  const binary = await requireGoProgram(t, "cel-go", celGoBinary);
  if (binary === undefined) return undefined;
  const eventOf = (index: number): RunEvent => events[index % events.length] ?? usualEvent();
  const requests = expressions.map((expression, index) => requestOf(expression, eventOf(index)));
  const answers = await askCelGo(binary, [declarationOf(runEventEnvironment), ...requests], t.signal);
  assert.equal(answers.length, expressions.length);
  return answers.map((answer, index) => compareOne(expressions[index] ?? "", eventOf(index), answer));
}

const unexplained = (compared: readonly Compared[]): readonly Compared[] => compared.filter(({ agrees, reason }) => !agrees && reason === undefined);

test("cel-go agrees on the expressions of the corpus, and each known difference is seen there", async (t) => {
  const compared = await compareAll(t, corpus.flatMap((expression) => events.map(() => expression)));
  if (compared === undefined) return;
  t.diagnostic(`${corpus.length} expressions on ${events.length} events`);
  assert.deepEqual(unexplained(compared), []);
  const seen = new Set(compared.map(({ reason }) => reason));
  assert.deepEqual(differences.map(({ reason }) => reason).filter((reason) => !seen.has(reason)), []);
});

test("cel-go agrees on generated expressions: whether one is accepted, and its value, absence or error", async (t) => {
  t.diagnostic(`CEL_SEED=${seed} CEL_COUNT=${count}`);
  const generator = new ExpressionGenerator(runEventEnvironment, seed);
  const compared = await compareAll(t, Array.from({ length: count }, () => generator.next()));
  if (compared === undefined) return;
  const counted = (label: string, part: readonly Compared[]): string => `${part.length} ${label}`;
  const agreed = compared.filter(({ agrees }) => agrees);
  const values = agreed.filter(({ celGo }) => celGo.startsWith("value"));
  const refused = agreed.filter(({ celGo }) => celGo.startsWith("refused"));
  const failed = agreed.filter(({ celGo }) => celGo.startsWith("error"));
  t.diagnostic([counted("equal values", values), counted("refused by both", refused), counted("without a value in both", failed), counted("known differences", compared.filter(({ reason }) => reason !== undefined))].join(", "));
  assert.deepEqual(unexplained(compared).slice(0, 20), []);
  // A generator that only made mistakes, or none, would compare nothing.
  assert.ok([values, refused, failed].every((part) => part.length > count / 10));
});
