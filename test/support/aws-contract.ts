import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A type in the contract: a name, a structure, or a map or list of types. */
type Shape = string | Structure | { readonly map: Shape } | { readonly list: Shape };

interface Structure {
  readonly required: readonly string[];
  readonly members: Readonly<Record<string, Shape>>;
}

interface AwsError {
  readonly code: string;
  readonly status: number;
}

interface Operation {
  readonly version: string;
  readonly namespace: string;
  readonly input: Structure;
  readonly output: Structure;
  readonly errors: readonly AwsError[];
}

interface Document {
  readonly operations: Readonly<Record<string, Operation>>;
  readonly commonErrors: readonly AwsError[];
  readonly limits: {
    readonly messageBytes: number;
    readonly subjectCharacters: number;
    readonly rawDeliveryAttributes: number;
    readonly groupCharacters: number;
    readonly deduplicationSeconds: number;
  };
}

const document = JSON.parse(readFileSync(join(import.meta.dirname, "../testdata/contracts/aws-sns.json"), "utf8")) as Document;

export const awsLimits = document.limits;

/** Every error that AWS documents for publishing and for assuming a role. */
export const awsErrors: readonly AwsError[] = [...document.commonErrors, ...Object.values(document.operations).flatMap(({ errors }) => errors)];

const isStructure = (shape: Shape | undefined): shape is Structure => typeof shape === "object" && "members" in shape;

/** What is wrong with a parameter's name, such as `MessageAttributes.entry.1.Value.DataType`. */
function wrongName(name: string, input: Structure): string | undefined {
  const [top = "", ...rest] = name.split(".");
  const shape = input.members[top];
  if (shape === undefined) return `unknown parameter ${name}`;
  if (rest.length === 0) return typeof shape === "string" ? undefined : `${name} is no text`;
  if (typeof shape === "string" || !("map" in shape) || !isStructure(shape.map)) return `${name} leads nowhere`;
  const [entry, index, part, member] = rest;
  if (entry !== "entry" || !/^[1-9][0-9]*$/.test(index ?? "")) return `${name} is no entry`;
  if (part === "Name" && member === undefined) return undefined;
  return part === "Value" && member !== undefined && member in shape.map.members ? undefined : `${name} is no part of an entry`;
}

/** What is wrong with a request by the contract. */
export function wrongParameters(form: URLSearchParams): string | undefined {
  const operation = document.operations[form.get("Action") ?? ""];
  if (operation === undefined) return `no such action: ${form.get("Action") ?? ""}`;
  if (form.get("Version") !== operation.version) return `version ${form.get("Version") ?? "none"} instead of ${operation.version}`;
  const names = [...form.keys()].filter((name) => name !== "Action" && name !== "Version");
  const missing = operation.input.required.find((name) => !form.has(name));
  if (missing !== undefined) return `${missing} is missing`;
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  return repeated === undefined ? names.map((name) => wrongName(name, operation.input)).find((wrong) => wrong !== undefined) : `${repeated} stands there twice`;
}

const escape = (value: string): string => value.replace(/[&<>]/g, (char) => `&#${char.charCodeAt(0)};`);

type Tree = { readonly [name: string]: string | Tree };

function toXml(tree: Tree, shape: Structure): string {
  return Object.entries(tree)
    .map(([name, value]) => {
      const inner = shape.members[name];
      if (inner === undefined) throw new Error(`the contract knows no ${name}`);
      return `<${name}>${typeof value === "string" ? escape(value) : toXml(value, inner as Structure)}</${name}>`;
    })
    .join("");
}

/** The body of a successful answer. Throws for what the contract does not have. */
export function awsResult(action: string, output: Tree): string {
  const operation = document.operations[action];
  if (operation === undefined) throw new Error(`the contract knows no ${action}`);
  const body = `<${action}Result>${toXml(output, operation.output)}</${action}Result><ResponseMetadata><RequestId>5a8e0f1c-0000-4000-8000-000000000000</RequestId></ResponseMetadata>`;
  return `<${action}Response xmlns="${operation.namespace}">${body}</${action}Response>`;
}

/** An error as AWS answers it. Throws for a code that AWS does not document. */
export function awsError(code: string, message = "it went wrong"): { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string } {
  const found = awsErrors.find((error) => error.code === code);
  if (found === undefined) throw new Error(`AWS documents no error ${code}`);
  const type = found.status >= 500 ? "Receiver" : "Sender";
  const body = `<ErrorResponse><Error><Type>${type}</Type><Code>${code}</Code><Message>${escape(message)}</Message></Error><RequestId>5a8e0f1c-0000-4000-8000-000000000000</RequestId></ErrorResponse>`;
  return { status: found.status, headers: { "content-type": "text/xml" }, body };
}
