import { parse } from "yaml";
import { fencedBlocks, pages, type Block, type Page } from "./pages.ts";

/** A block of YAML in a page, by what it is for. */
export interface YamlBlock {
  /** The page. */
  readonly path: string;
  /** Whole manifests, a kustomization, values of the chart, a part (`spec` or `status`) of a Provider or a Notification, or a step of a GitHub workflow. */
  readonly kind: "manifests" | "kustomization" | "values" | "part" | "step";
  readonly text: string;
  /** What the part belongs to. */
  readonly partOf?: "Provider" | "Notification";
  /** The file name and the words of kubectl, where the page shows that it is refused. */
  readonly refused?: { readonly file: string; readonly words: string };
}

/** The kinds of Tekton Triggers: the control plane of the tests does not serve them, but Triggers' own code reads them for guides.test.ts. */
const ofTriggers = /^apiVersion: triggers\.tekton\.dev\//m;

function kindOf({ text, comment }: Block, path: string): Pick<YamlBlock, "kind" | "partOf"> {
  const [, partOf] = /^of a (Provider|Notification)$/.exec(comment) ?? [];
  if (partOf !== undefined) return { kind: "part", partOf: partOf as "Provider" | "Notification" };
  if (comment === "values of the chart") return { kind: "values" };
  if (comment === "a step of a workflow") return { kind: "step" };
  if (/^kind: Kustomization$/m.test(text)) return { kind: "kustomization" };
  if (/^kind: /m.test(text)) return { kind: "manifests" };
  throw new Error(`${path}: what is this? Begin it with its kind, or say before the fence what it is part of:\n${text}`);
}

/** `$ kubectl apply -f FILE` in a block that follows, with what kubectl says when it refuses. */
function refusalIn(next: Block | undefined): YamlBlock["refused"] {
  const [, file, words] = next?.info === "console" ? (/^\$ kubectl apply -f ([\w-]+\.yaml)\n((?:The|Error) [\s\S]+)$/.exec(next.text) ?? []) : [];
  return file === undefined || words === undefined ? undefined : { file, words: words.trimEnd() };
}

/**
 * Every block of YAML in the documentation, except what Tekton Triggers would take. Throws for one that nothing says the meaning of.
 */
export function yamlBlocks(from: readonly Page[] = pages()): YamlBlock[] {
  return from.flatMap((page) => {
    const blocks = fencedBlocks(page);
    return blocks.flatMap((block, index) => {
      if (block.info !== "yaml" || ofTriggers.test(block.text)) return [];
      const refused = refusalIn(blocks[index + 1]);
      return [{ path: page.path, text: block.text, ...kindOf(block, page.path), ...(refused !== undefined && { refused }) }];
    });
  });
}

/** A whole object made of a part of it, the least of everything else filled in. */
export function completed({ text, partOf }: YamlBlock, namespace: string): { readonly kind: string; readonly metadata: object; readonly spec: object; readonly status?: object } {
  const { spec = {}, status } = parse(text) as { spec?: object; status?: object };
  const least = partOf === "Notification" ? { providerRef: { name: "of-the-documentation" } } : {};
  return {
    ...{ apiVersion: "integrations.tekton.ornew.io/v1alpha1", kind: String(partOf) },
    metadata: { name: "of-the-documentation", namespace },
    spec: { ...least, ...spec },
    ...(status !== undefined && { status }),
  };
}
