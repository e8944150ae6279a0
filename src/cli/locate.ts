import { isAlias, isMap, isScalar, isSeq, type Document, type Node, type Scalar } from "yaml";
import type { Source } from "./manifests.ts";

/** A place in a file, from 1. */
export interface FilePlace {
  readonly line: number;
  readonly col: number;
}

/** The parts of a field's path as Kubernetes writes it: `spec.matchLabels[a.b/c]`, `spec.kinds[0]`. */
function partsOf(field: string): string[] {
  return [...field.matchAll(/\[([^\]]*)\]|[^.[\]]+/g)].map(([part, inBrackets]) => inBrackets ?? part);
}

interface Found {
  readonly node: Node | undefined;
  /** Offset of the key, or of the value where it has none. */
  readonly offset: number;
}

function childOf(node: Node | undefined, part: string | number): Found | undefined {
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
    const start = isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
    return pair === undefined || start === undefined ? undefined : { node: (pair.value ?? undefined) as Node | undefined, offset: start };
  }
  const item = isSeq(node) ? (node.items[Number(part)] as Node | undefined) : undefined;
  return item?.range == null ? undefined : { node: item, offset: item.range[0] };
}

const resolved = (document: Document, node: Node | undefined): Node | undefined => (isAlias(node) ? node.resolve(document) : node);

/** The field, or what is there of the way to it. */
function find({ document, path }: Source, field: string): Found & { readonly complete: boolean } {
  const root = document.contents;
  let found: Found = { node: root ?? undefined, offset: root?.range?.[0] ?? 0 };
  for (const part of [...path, ...partsOf(field)]) {
    const next = childOf(resolved(document, found.node), part);
    if (next === undefined) return { ...found, complete: false };
    found = next;
  }
  return { ...found, complete: true };
}

/** The place of a text's line and column in the file; undefined where the file writes the text in another way (escapes, folded lines). */
function insideScalar({ lines, text }: Source, scalar: Scalar, at: { readonly line: number; readonly column: number }): FilePlace | undefined {
  const [start] = scalar.range ?? [];
  if (start === undefined || typeof scalar.value !== "string") return undefined;
  const first = lines.linePos(start);
  const wanted = scalar.value.split("\n")[at.line - 1] ?? "";
  if (scalar.type === "BLOCK_LITERAL") {
    const line = first.line + at.line;
    const written = (text.split("\n")[line - 1] ?? "").replace(/\r$/, "");
    return written.endsWith(wanted) ? { line, col: written.length - wanted.length + at.column } : undefined;
  }
  const from = start + (scalar.type === "PLAIN" ? 0 : 1);
  const same = at.line === 1 && text.startsWith(wanted, from);
  return same ? { line: first.line, col: first.col + (from - start) + at.column - 1 } : undefined;
}

/**
 * Where a field stands in its file; of one that is missing, the part that should hold it. `inside`: line and column in the
 * field's text; where the file writes that in another way, the field's own place.
 */
export function placeInFile(source: Source, field: string, inside: { readonly line?: number | undefined; readonly column?: number | undefined } = {}): FilePlace {
  const { node, offset, complete } = find(source, field);
  const { line, column } = inside;
  const exact = complete && isScalar(node) && line !== undefined && column !== undefined ? insideScalar(source, node, { line, column }) : undefined;
  if (exact !== undefined) return exact;
  const { line: at, col } = source.lines.linePos(offset);
  return { line: at, col };
}
