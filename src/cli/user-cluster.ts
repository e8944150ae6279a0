import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { kubeconfigFiles } from "../config.ts";
import { connect, type Kube } from "../kube/client.ts";

/** Connects as the user: with the kubeconfig named on the command line, else as kubectl would find one, else in-cluster. */
export function connectAsUser(kubeconfig: string | undefined): Promise<Kube> {
  const usual = join(homedir(), ".kube", "config");
  const found = kubeconfigFiles(kubeconfig) ?? (existsSync(usual) ? usual : undefined);
  return connect({ ...(found !== undefined && { kubeconfig: found }), userAgent: "tekton-integrations-cli" });
}
