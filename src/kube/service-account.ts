import { readFile } from "node:fs/promises";
import { errnoOf, invalid, type Access, type AccessOptions } from "./access.ts";

/** The configuration of a Pod: CA, token and namespace from the files that the kubelet keeps fresh. */
export async function readServiceAccount(options: AccessOptions): Promise<Access> {
  const folder = options.serviceAccountFolder ?? "/var/run/secrets/kubernetes.io/serviceaccount";
  const read = async (file: string): Promise<string> => {
    try {
      return await readFile(`${folder}/${file}`, "utf8");
    } catch (error) {
      throw invalid(`no --kubeconfig is given and ${folder}/${file} cannot be read (${errnoOf(error)}): name a kubeconfig, or run in a Pod with a ServiceAccount token`);
    }
  };
  const [ca, token, namespace] = await Promise.all([read("ca.crt"), read("token"), read("namespace")]);
  const host = options.inCluster?.host ?? "kubernetes.default.svc";
  return {
    server: new URL(`https://${host.includes(":") ? `[${host}]` : host}:${options.inCluster?.port ?? "443"}`),
    headers: { authorization: `Bearer ${token.trim()}` },
    tls: { ca },
    namespace: namespace.trim(),
  };
}
