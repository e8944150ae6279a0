import { group } from "../api/group.ts";
import { CodedError } from "../errors.ts";
import { checkManifest } from "../webhook/check-manifest.ts";
import { at, own, textOf } from "../webhook/json-value.ts";
import { placed, type Problem } from "../webhook/problem.ts";
import { readArguments, usage } from "./arguments.ts";
import type { Command, CommandIo } from "./command.ts";
import { annotation } from "./github-annotations.ts";
import { placeInFile } from "./locate.ts";
import { formatted, outputOption } from "./output.ts";
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

const options = {
  filename: { type: "string", short: "f", value: "FILE|DIR|-", multiple: true, description: "A manifest, a folder of them with all below it, or standard input. Repeatable." },
  namespace: { type: "string", short: "n", value: "NAME", description: "The namespace of objects that name none. Default: not known." },
  output: outputOption("One document; github: annotations of a GitHub workflow", "github"),
} as const;

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

function describe(located: Located, severity: "error" | "warning", paint: NonNullable<CommandIo["paint"]>): string {
  const { file, document, kind, namespace, name, code } = toDiagnostic(located);
  const object = `${kind} ${namespace === "" ? "" : `${namespace}/`}${name}`.trim();
  const caret = located.problem.caret === undefined ? "" : `\n${located.problem.caret.replaceAll(/^/gmu, "    ")}`;
  return `${file}#${document}: ${object === "" ? "object" : object}: ${paint("err", severity === "error" ? "red" : "yellow", severity)}: ${located.problem.field}: ${placed(located.problem)} [${code}]${caret}\n`;
}

const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

function print(linted: Linted, { out, err, paint = (_stream, _style, text) => text }: CommandIo): void {
  for (const error of linted.errors) err(describe(error, "error", paint));
  for (const warning of linted.warnings) err(describe(warning, "warning", paint));
  const counts = [plural(linted.errors.length, "error"), plural(linted.warnings.length, "warning")].join(", ");
  out(`${plural(linted.checked, "object")} checked${linted.passedOver > 0 ? `, ${linted.passedOver} of other kinds passed over` : ""}: ${counts}\n`);
}

function annotate(linted: Linted, { out }: CommandIo): void {
  const lines = (located: Located, severity: "error" | "warning"): string => {
    const { manifest: { file, source }, problem } = located;
    const place = source === undefined ? {} : placeInFile(source, problem.field, problem);
    return annotation(severity, { ...(file !== "-" && { file, ...place }), title: problem.code }, `${problem.field}: ${placed(problem)}`);
  };
  out([...linted.errors.map((error) => lines(error, "error")), ...linted.warnings.map((warning) => lines(warning, "warning"))].join(""));
}

/** Readers of data get data, and the exit code that says why there is nothing in it. */
function printUnreadable(error: CodedError, output: string, { out }: CommandIo): void {
  const unreadable: LintDiagnostic = { file: "", document: 0, kind: "", namespace: "", name: "", field: "", code: error.code, message: error.message };
  if (output === "github") out(annotation("error", { title: error.code }, error.message));
  else out(formatted(output, { valid: false, documents: 0, errors: [unreadable], warnings: [] } satisfies LintReport));
}

function show(linted: Linted, output: string | undefined, io: CommandIo): void {
  if (output === "json") io.out(`${JSON.stringify(report(linted), null, 2)}\n`);
  else if (output === "yaml") io.out(formatted(output, report(linted)));
  else if (output === "github") annotate(linted, io);
  else print(linted, io);
}

export const lintCommand: Command = {
  name: "lint",
  summary: "check manifests as the webhook would, without a cluster",
  usage: ["-f FILE|DIR|- [-f ...] [-n NAME] [-o FORMAT]"],
  description: ["Checks Providers and Notifications as the admission webhook does (permissions apart), without a cluster. Objects of other", "kinds are passed over."],
  options,
  exits: { 0: "valid", 1: "invalid", 2: "not understood or not readable" },
  examples: ["tekton-integrations lint -f examples/slack.yaml", "kubectl kustomize deploy/ | tekton-integrations lint -f -", "tekton-integrations lint -f examples/slack.yaml -f examples/sns.yaml -o github"],
  run: async (args, io) => {
    const { values: { filename, namespace, output } } = readArguments(args, options);
    if (filename === undefined) throw usage("name what to check with -f FILE, -f DIR or -f -");
    let linted: Linted;
    try {
      linted = lint(await readManifests(filename, io.stdin), namespace);
    } catch (error) {
      if (output === undefined || !(error instanceof CodedError)) throw error;
      printUnreadable(error, output, io);
      return 2;
    }
    show(linted, output, io);
    return linted.errors.length === 0 ? 0 : 1;
  },
};
