import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { LineCounter, parseAllDocuments, type Document, type Tags } from "yaml";
import { CodedError } from "../errors.ts";

/** One object of a file. */
export interface Manifest {
  /** As it was named on the command line, or below the folder named there; `-` is standard input. */
  readonly file: string;
  /** Which YAML document of the file, from 1; documents without content do not count. Members of a `List` share their list's. */
  readonly document: number;
  /** As kubectl would send it. Anything: its shape has not been looked at. */
  readonly object: unknown;
  /** Where it stands in the file's text. */
  readonly source?: Source;
}

/** A part of a YAML document, and the text that it is a part of. */
export interface Source {
  readonly document: Document;
  readonly lines: LineCounter;
  readonly text: string;
  /** From the document's root to the object: a `List` has several. */
  readonly path: readonly (string | number)[];
}

const extensions = /\.(?:ya?ml|json)$/iu;
const maxFileBytes = 16 * 1024 * 1024;

const unreadable = (file: string, what: string): CodedError => new CodedError("ManifestUnreadable", `${file}: ${what}`);

/**
 * Reads files, folders (with what is below them) and `-`, in the order given; the files of a folder by name.
 * @throws CodedError `ManifestUnreadable` for a file that cannot be read or parsed, and for a folder without manifests.
 */
export async function readManifests(paths: readonly string[], stdin: () => Promise<string>): Promise<Manifest[]> {
  const manifests: Manifest[] = [];
  for (const path of paths) {
    for (const { file, text } of path === "-" ? [{ file: "-", text: await stdin() }] : await readPath(path)) manifests.push(...parseManifests(file, text));
  }
  return manifests;
}

async function readPath(path: string): Promise<{ file: string; text: string }[]> {
  const files = await filesOf(path).catch((error: unknown) => {
    throw error instanceof CodedError ? error : unreadable(path, reasonOf(error));
  });
  return Promise.all(
    files.map(async (file) => {
      const text = await readFile(file, "utf8").catch((error: unknown) => {
        throw unreadable(file, reasonOf(error));
      });
      return { file, text };
    }),
  );
}

async function filesOf(path: string): Promise<string[]> {
  const found = await stat(path);
  if (!found.isDirectory()) {
    if (found.size > maxFileBytes) throw unreadable(path, `larger than ${maxFileBytes} bytes`);
    return [path];
  }
  const entries = await readdir(path, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile() && extensions.test(entry.name)).map((entry) => join(entry.parentPath, entry.name));
  if (files.length === 0) throw unreadable(path, "no .yaml, .yml or .json file in this folder");
  return files.sort();
}

function reasonOf(error: unknown): string {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return code === "ENOENT" ? "no such file or folder" : `cannot be read (${String(code)})`;
}

// YAML 1.1 as kubectl reads it: `yes`, `on` and even `n` are bools, 0777 is octal, but dates and times of day stay text.
const asKubectl = (tags: Tags): Tags =>
  tags.filter((tag) => (typeof tag === "string" ? !["timestamp", "intTime", "floatTime"].includes(tag) : !tag.tag.endsWith(":timestamp") && !("format" in tag && tag.format === "TIME")));

/** @throws CodedError `ManifestUnreadable` with line and column of the first error. */
export function parseManifests(file: string, text: string): Manifest[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { version: "1.1", merge: true, customTags: asKubectl, lineCounter: lines, prettyErrors: false });
  const manifests: Manifest[] = [];
  let document = 0;
  for (const parsed of Array.isArray(documents) ? documents : []) {
    const object = toObject(file, parsed, lines);
    if (object === null || object === undefined) continue;
    document += 1;
    const source = { document: parsed, lines, text };
    for (const { member, path } of membersOf(object)) manifests.push({ file, document, object: member, source: { ...source, path } });
  }
  return manifests;
}

function toObject(file: string, parsed: Document, lines: LineCounter): unknown {
  const [error] = parsed.errors;
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    throw unreadable(file, `line ${line}, column ${col}: ${error.message}`);
  }
  try {
    return parsed.toJS() as unknown;
  } catch {
    throw unreadable(file, "uses more aliases than are allowed");
  }
}

function membersOf(object: unknown): readonly { readonly member: unknown; readonly path: Source["path"] }[] {
  const { apiVersion, kind, items } = (typeof object === "object" ? object : {}) as { apiVersion?: unknown; kind?: unknown; items?: unknown };
  if (apiVersion !== "v1" || kind !== "List" || !Array.isArray(items)) return [{ member: object, path: [] }];
  return items.map((member: unknown, index) => ({ member, path: ["items", index] }));
}
