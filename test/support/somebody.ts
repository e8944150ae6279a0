import type { World } from "./installed-tests.ts";
import { documentsOf, type KubeObject } from "./kube-client.ts";
import { eventually } from "./wait.ts";

/** Rules of roles that tests give to people. */
export const ourKinds = { apiGroups: ["integrations.tekton.ornew.io"], resources: ["providers", "notifications"], verbs: ["*"] };
export const listRuns = { apiGroups: ["tekton.dev"], resources: ["pipelineruns", "taskruns", "customruns"], verbs: ["list"] };
export const getSecret = (name: string) => ({ apiGroups: [""], resources: ["secrets"], resourceNames: [name], verbs: ["get"] });

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Somebody who uses kubectl. */
export interface Somebody {
  readonly run: (args: readonly string[], object?: KubeObject) => Promise<Ended>;
  readonly apply: (object: KubeObject, ...flags: readonly string[]) => Promise<Ended>;
}

const rbac = "rbac.authorization.k8s.io";

/** Somebody with these rights in the namespace, and with no others. */
export async function somebody({ plane }: World, namespace: string, name: string, ...rules: readonly object[]): Promise<Somebody> {
  const subjects = [{ kind: "ServiceAccount", name, namespace }];
  const objects = [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace } },
    { apiVersion: `${rbac}/v1`, kind: "Role", metadata: { name, namespace }, rules },
    { apiVersion: `${rbac}/v1`, kind: "RoleBinding", metadata: { name, namespace }, roleRef: { apiGroup: rbac, kind: "Role", name }, subjects },
  ];
  await plane.kubectl(["apply", "-f", "-"], { input: documentsOf(objects) });
  const kubeconfig = await plane.kubeconfigFor({ serviceAccount: { namespace, name } });
  const run: Somebody["run"] = (args, object) => plane.kubectl(args, { kubeconfig, allowFailure: true, ...(object !== undefined && { input: JSON.stringify(object) }) });
  await eventually("the rights are known", async () => (await run(["auth", "can-i", "create", "providers.integrations.tekton.ornew.io", "-n", namespace])).code === 0);
  return { run, apply: (object, ...flags) => run(["apply", ...flags, "-f", "-"], object) };
}
