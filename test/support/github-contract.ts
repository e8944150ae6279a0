import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";

interface Operation {
  readonly method: string;
  /** With `{parameters}`. */
  readonly path: string;
  readonly requestBody?: { readonly required: boolean; readonly schema: { readonly properties?: Readonly<Record<string, unknown>> } };
  readonly responses: Readonly<Record<string, unknown>>;
}

/** GitHub's published description of the operations that are used. */
export interface GitHubContract {
  /** The operation of a request and the values in its path; `undefined` when there is none. */
  readonly match: (method: string, path: string) => { readonly name: string; readonly parameters: Readonly<Record<string, string>> } | undefined;
  /** What is wrong with a request's body; fields that GitHub does not know count, since it would silently drop them. */
  readonly wrongRequest: (operation: string, body: unknown) => string | undefined;
  /** What is wrong with an answer. */
  readonly wrongAnswer: (operation: string, status: number, body: unknown) => string | undefined;
}

const file = join(import.meta.dirname, "../testdata/contracts/github-operations.json");

function pattern(path: string): RegExp {
  return new RegExp(`^${path.replace(/\{(\w+)\}/g, (_, name: string) => `(?<${name}>[^/]+)`)}$`);
}

let read: GitHubContract | undefined;

/** Reads it once: it is large, and compiling takes time. */
export const gitHubContract = (): GitHubContract => (read ??= readContract());

function readContract(): GitHubContract {
  const document = JSON.parse(readFileSync(file, "utf8")) as { readonly operations: Readonly<Record<string, Operation>> };
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats.default(ajv);
  ajv.addFormat("int64", true);
  ajv.addSchema(document, "github");
  const wrong = (pointer: string, body: unknown): string | undefined => {
    const validate = ajv.getSchema(`github#/operations/${pointer}`);
    if (validate === undefined) return `the contract has no ${pointer}`;
    return validate(body) === true ? undefined : ajv.errorsText(validate.errors, { dataVar: "body" });
  };
  const escape = (name: string): string => name.replaceAll("/", "~1");
  const routes = Object.entries(document.operations).map(([name, { method, path }]) => ({ name, method, expression: pattern(path) }));
  return {
    match: (method, path) => {
      for (const { name, method: wanted, expression } of routes) {
        const found = method === wanted ? expression.exec(path) : null;
        if (found !== null) {
          const values = Object.entries(found.groups ?? {}).map(([key, value]) => [key, decodeURIComponent(value)]);
          return { name, parameters: Object.fromEntries(values) as Record<string, string> };
        }
      }
      return undefined;
    },
    wrongRequest: (operation, body) => {
      const described = document.operations[operation]?.requestBody;
      if (described === undefined) return body === undefined ? undefined : "a body where none belongs";
      if (body === undefined) return described.required ? "the body is missing" : undefined;
      const invalid = wrong(`${escape(operation)}/requestBody/schema`, body);
      if (invalid !== undefined) return invalid;
      const unknown = Object.keys(body as object).filter((name) => described.schema.properties?.[name] === undefined);
      return unknown.length === 0 ? undefined : `unknown fields ${unknown.join(", ")}`;
    },
    wrongAnswer: (operation, status, body) => wrong(`${escape(operation)}/responses/${status}/schema`, body),
  };
}
