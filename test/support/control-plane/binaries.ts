import { createHash } from "node:crypto";
import { accessSync, constants, readFileSync } from "node:fs";
import { join } from "node:path";
import { buildBinaries } from "./build.ts";
import { cacheDirectory, withLock } from "./cache.ts";
import { type BinaryName, binaryNames, clusterModule, kubernetesVersion } from "./pinned.ts";

export interface Binaries {
  /** Absolute path of each binary. */
  readonly paths: Readonly<Record<BinaryName, string>>;
  /** Where the API server comes from. */
  readonly source: "KUBEBUILDER_ASSETS" | "cache" | "build";
}

/** No control plane can be had on this machine; the message is the reason, a sentence for whoever reads a skipped test. */
export class ControlPlaneUnavailable extends Error {
  override readonly name = "ControlPlaneUnavailable";
}

/** The cache's folder for the binaries that are built from a Go module; its name changes with the pinned sources. */
export function binaryCacheDirectory(module = clusterModule): string {
  const hash = createHash("sha256");
  for (const file of ["go.mod", "go.sum"]) hash.update(readFileSync(join(module, file)));
  return join(cacheDirectory(), `control-plane-${kubernetesVersion(module)}-${process.platform}-${process.arch}-${hash.digest("hex").slice(0, 12)}`);
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function assets(): Partial<Record<BinaryName, string>> {
  const folder = process.env["KUBEBUILDER_ASSETS"];
  if (folder === undefined || folder === "") return {};
  const found = binaryNames.map((name) => [name, join(folder, name)] as const).filter(([, path]) => isExecutable(path));
  const paths: Partial<Record<BinaryName, string>> = Object.fromEntries(found);
  const missing = (["etcd", "kube-apiserver", "kubectl"] as const).filter((name) => paths[name] === undefined);
  if (missing.length === 0) return paths;
  throw new ControlPlaneUnavailable(`KUBEBUILDER_ASSETS=${folder} lacks ${missing.join(", ")}: complete that folder or unset the variable.`);
}

/**
 * Finds the control plane's binaries: those of `KUBEBUILDER_ASSETS` (which may lack kube-controller-manager), else those of an
 * earlier build, else builds them from the Go module, which takes some minutes the first time and reports through `progress`.
 * Throws {@link ControlPlaneUnavailable} where none can be had.
 */
export async function findBinaries(progress: (line: string) => void): Promise<Binaries> {
  const given = assets();
  const cache = binaryCacheDirectory();
  const path = (name: BinaryName): string => given[name] ?? join(cache, name);
  const missing = (): BinaryName[] => binaryNames.filter((name) => !isExecutable(path(name)));
  const fallback = given["kube-apiserver"] === undefined ? "cache" : "KUBEBUILDER_ASSETS";
  const found = (source: Binaries["source"]): Binaries => ({
    paths: { etcd: path("etcd"), "kube-apiserver": path("kube-apiserver"), "kube-controller-manager": path("kube-controller-manager"), kubectl: path("kubectl") },
    source,
  });
  if (missing().length === 0) return found(fallback);
  const waiting = (): void => {
    progress("another process is building the control plane; waiting for it");
  };
  return await withLock("control-plane-build", waiting, async () => {
    const wanted = missing();
    if (wanted.length === 0) return found(fallback);
    await buildBinaries({ names: wanted, into: cache, version: kubernetesVersion(), progress }).catch((error: unknown) => {
      const lacking = fallback === "KUBEBUILDER_ASSETS" ? "KUBEBUILDER_ASSETS lacks kube-controller-manager, and " : "";
      throw new ControlPlaneUnavailable(`${lacking}${(error as Error).message}`, { cause: error });
    });
    return found(fallback === "cache" ? "build" : fallback);
  });
}
