import { parseArgs } from "node:util";
import { group } from "../api/group.ts";
import { CodedError } from "../errors.ts";
import { checkManifest } from "../webhook/check-manifest.ts";
import { at, own, textOf } from "../webhook/json-value.ts";
import { placed, type Problem } from "../webhook/problem.ts";
import type { Command, CommandIo } from "./command.ts";
import { readManifests, type Manifest } from "./manifests.ts";

/** One finding as `-o json` prints it; stable. */
interface LintDiagnostic {
  readonly file: string;
  readonly document: number;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly field: string;
  readonly line?: number;
  readonly column?: number;
  readonly code: string;
  readonly message: string;
}

/** What `-o json` prints; stable. */
interface LintReport {
  readonly valid: boolean;
  readonly documents: number;
  readonly errors: readonly LintDiagnostic[];
  readonly warnings: readonly LintDiagnostic[];
}

interface Located {
  readonly manifest: Manifest;
  readonly problem: Problem;
}

interface Linted {
  readonly documents: number;
  readonly checked: number;
  readonly passedOver: number;
  readonly errors: readonly Located[];
  readonly warnings: readonly Located[];
}

const help = `Usage: tekton-integrations lint -f FILE|DIR|- [-f ...] [-n NAMESPACE] [-o json]

Checks Providers and Notifications as the admission webhook does (permissions apart), without a cluster. Objects of other
kinds are passed over.

  -f, --filename FILE|DIR|-  A manifest, a folder of them with all below it, or standard input. Repeatable.
  -n, --namespace NAMESPACE  The namespace of objects that name none. Default: not known.
  -o, --output json          One JSON document instead of text.

Exit code: 0 valid, 1 invalid, 2 not understood or not readable.
`;

interface LintArguments {
  readonly paths: readonly string[];
  readonly namespace: string | undefined;
  readonly json: boolean;
}

function parseArguments(args: readonly string[]): LintArguments {
  const options = { filename: { type: "string", short: "f", multiple: true }, namespace: { type: "string", short: "n" }, output: { type: "string", short: "o" } } as const;
  try {
    const { values } = parseArgs({ args: [...args], options, allowPositionals: false });
    if (values.filename === undefined) throw new CodedError("UsageInvalid", "name what to check with -f FILE, -f DIR or -f -");
    if (values.output !== undefined && values.output !== "json") throw new CodedError("UsageInvalid", `-o ${JSON.stringify(values.output)}: only json is known`);
    return { paths: values.filename, namespace: values.namespace, json: values.output === "json" };
  } catch (error) {
    throw error instanceof CodedError ? error : new CodedError("UsageInvalid", error instanceof Error ? error.message : "not understood");
  }
}

/** Objects of other API groups may stand in the same files. */
function isForeign(object: unknown): boolean {
  const apiVersion = textOf(own(object, "apiVersion"));
  return apiVersion !== undefined && textOf(own(object, "kind")) !== undefined && apiVersion.split("/")[0] !== group;
}

function lint(manifests: readonly Manifest[], namespace: string | undefined): Linted {
  const errors: Located[] = [];
  const warnings: Located[] = [];
  const ours = manifests.filter(({ object }) => !isForeign(object));
  for (const manifest of ours) {
    const findings = checkManifest(manifest.object, { namespace: textOf(at(manifest.object, "metadata", "namespace")) ?? namespace });
    errors.push(...findings.errors.map((problem) => ({ manifest, problem })));
    warnings.push(...findings.warnings.map((problem) => ({ manifest, problem })));
  }
  const documents = new Set(manifests.map(({ file, document }) => `${document} ${file}`)).size;
  return { documents, checked: ours.length, passedOver: manifests.length - ours.length, errors, warnings };
}

function toDiagnostic({ manifest: { file, document, object }, problem }: Located): LintDiagnostic {
  const { field, line, column, code, message } = problem;
  return {
    file,
    document,
    kind: textOf(own(object, "kind")) ?? "",
    namespace: textOf(at(object, "metadata", "namespace")) ?? "",
    name: textOf(at(object, "metadata", "name")) ?? "",
    field,
    ...(line === undefined ? {} : { line }),
    ...(column === undefined ? {} : { column }),
    code,
    message,
  };
}

function report({ documents, errors, warnings }: Linted): LintReport {
  return { valid: errors.length === 0, documents, errors: errors.map(toDiagnostic), warnings: warnings.map(toDiagnostic) };
}

function describe(located: Located, severity: "error" | "warning"): string {
  const { file, document, kind, namespace, name, code } = toDiagnostic(located);
  const object = `${kind} ${namespace === "" ? "" : `${namespace}/`}${name}`.trim();
  const caret = located.problem.caret === undefined ? "" : `\n${located.problem.caret.replaceAll(/^/gmu, "    ")}`;
  return `${file}#${document}: ${object === "" ? "object" : object}: ${severity}: ${located.problem.field}: ${placed(located.problem)} [${code}]${caret}\n`;
}

const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

function print(linted: Linted, { out, err }: CommandIo): void {
  for (const error of linted.errors) err(describe(error, "error"));
  for (const warning of linted.warnings) err(describe(warning, "warning"));
  const counts = [plural(linted.errors.length, "error"), plural(linted.warnings.length, "warning")].join(", ");
  out(`${plural(linted.checked, "object")} checked${linted.passedOver > 0 ? `, ${linted.passedOver} of other kinds passed over` : ""}: ${counts}\n`);
}

export const lintCommand: Command = {
  name: "lint",
  summary: "check manifests as the webhook would, without a cluster",
  help,
  run: async (args, io) => {
    const { paths, namespace, json } = parseArguments(args);
    let linted: Linted;
    try {
      linted = lint(await readManifests(paths, io.stdin), namespace);
    } catch (error) {
      if (!json || !(error instanceof CodedError)) throw error;
      // A reader of JSON gets JSON, and the exit code that says why there is nothing in it.
      const unreadable: LintDiagnostic = { file: "", document: 0, kind: "", namespace: "", name: "", field: "", code: error.code, message: error.message };
      io.out(`${JSON.stringify({ valid: false, documents: 0, errors: [unreadable], warnings: [] } satisfies LintReport)}\n`);
      return 2;
    }
    if (json) io.out(`${JSON.stringify(report(linted), null, 2)}\n`);
    else print(linted, io);
    return linted.errors.length === 0 ? 0 : 1;
  },
};
