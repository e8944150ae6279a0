import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { kubeconfigFiles } from "../config.ts";
import { connect } from "../kube/client.ts";
import type { Kube } from "../kube/kube.ts";

/** The kubeconfig named on the command line, else the one that kubectl would find; undefined: none, so in-cluster. */
export function userKubeconfig(kubeconfig: string | undefined): string | undefined {
  const usual = join(homedir(), ".kube", "config");
  return kubeconfigFiles(kubeconfig) ?? (existsSync(usual) ? usual : undefined);
}

/** Connects as the user: with {@link userKubeconfig}. */
export function connectAsUser(kubeconfig: string | undefined): Promise<Kube> {
  const found = userKubeconfig(kubeconfig);
  return connect({ ...(found !== undefined && { kubeconfig: found }), userAgent: "tekton-integrations-cli" });
}
