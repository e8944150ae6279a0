import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { ControlPlaneUnavailable } from "./binaries.ts";
import { go } from "./build.ts";
import { cacheDirectory, workingDirectory } from "./cache.ts";
import { tektonModule, tektonVersion } from "./pinned.ts";

/** A CustomResourceDefinition, as far as the control plane's start looks into it. */
export interface Crd {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly names: { readonly plural: string; readonly kind: string };
    readonly versions: readonly { readonly name: string; readonly served: boolean; readonly storage: boolean; readonly schema: { readonly openAPIV3Schema: unknown } }[];
    readonly conversion?: unknown;
  };
}

const files = ["300-pipelinerun.yaml", "300-taskrun.yaml", "300-customrun.yaml"];

/** Tekton's webhook, which would convert between versions, does not run here; both versions then differ only in name. */
function withoutConversion(crd: Crd): Crd {
  return { ...crd, spec: { ...crd.spec, conversion: { strategy: "None" } } };
}

/** Folder of the sources that a Go module pins. Throws {@link ControlPlaneUnavailable} when they cannot be had. */
export async function tektonSources(pinnedBy = tektonModule): Promise<string> {
  const module = await go(["mod", "download", "-json", "github.com/tektoncd/pipeline"], { in: pinnedBy }).catch((error: unknown) => {
    throw new ControlPlaneUnavailable(`Tekton's sources cannot be had: ${(error as Error).message}.`, { cause: error });
  });
  return (JSON.parse(module) as { Dir: string }).Dir;
}

/**
 * Tekton's own CRDs of PipelineRun, TaskRun and CustomRun, from what a Go module pins or the cache of an earlier call. Throws
 * {@link ControlPlaneUnavailable} when the module cannot be had.
 */
export async function tektonCrds(pinnedBy = tektonModule): Promise<readonly Crd[]> {
  const cached = join(cacheDirectory(), `tekton-crds-${tektonVersion(pinnedBy)}.json`);
  try {
    return JSON.parse(readFileSync(cached, "utf8")) as Crd[];
  } catch {
    // Not there yet.
  }
  const folder = await tektonSources(pinnedBy);
  const crds = files.map((file) => withoutConversion(parse(readFileSync(join(folder, "config/300-crds", file), "utf8")) as Crd));
  const partial = workingDirectory(cacheDirectory());
  writeFileSync(join(partial, "crds.json"), JSON.stringify(crds));
  renameSync(join(partial, "crds.json"), cached);
  rmSync(partial, { recursive: true });
  return crds;
}

/** The schemas that Tekton publishes of the runs' kinds, in the versions that are watched. */
export async function publishedSchemas(pinnedBy = tektonModule): Promise<Readonly<Record<string, unknown>>> {
  const watched: Readonly<Record<string, string>> = { PipelineRun: "v1", TaskRun: "v1", CustomRun: "v1beta1" };
  const crds = await tektonCrds(pinnedBy);
  return Object.fromEntries(
    crds.map(({ spec: { names, versions } }) => [names.kind, versions.find(({ name }) => name === watched[names.kind])?.schema.openAPIV3Schema]),
  );
}
