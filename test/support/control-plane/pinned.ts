import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The Go module that pins the sources of etcd and Kubernetes. */
export const clusterModule = join(import.meta.dirname, "../../cluster");

/** The Go module that pins Tekton, an own one so that its versions do not bind the API server's. */
export const tektonModule = join(clusterModule, "tekton");

/** The Go module that pins the oldest Tekton that is supported. */
export const oldestTektonModule = join(tektonModule, "v1.0");

export const binaryNames = ["etcd", "kube-apiserver", "kube-controller-manager", "kubectl"] as const;
export type BinaryName = (typeof binaryNames)[number];

function required(folder: string, module: string): string {
  const text = readFileSync(join(folder, "go.mod"), "utf8");
  const version = text.split("\n").map((line) => line.trim().replace(/^require /, "").split(" ")).find(([name]) => name === module)?.[1];
  if (version === undefined) throw new Error(`${folder}/go.mod names no version of ${module}`);
  return version;
}

/** The Kubernetes version that is built from a Go module, such as `v1.36.3`. */
export function kubernetesVersion(module = clusterModule): string {
  return required(module, "k8s.io/kubernetes");
}

/** The version of Tekton Pipelines whose CRDs are installed, such as `v1.15.0`. */
export function tektonVersion(module = tektonModule): string {
  return required(module, "github.com/tektoncd/pipeline");
}
