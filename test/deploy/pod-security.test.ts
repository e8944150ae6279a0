import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, test } from "node:test";
import { parse } from "yaml";
import { requireControlPlane } from "../support/require.ts";

interface Container {
  readonly name: string;
  readonly securityContext: { readonly allowPrivilegeEscalation?: boolean; readonly readOnlyRootFilesystem?: boolean; readonly runAsUser?: number; readonly capabilities?: { readonly drop?: readonly string[]; readonly add?: readonly string[] } };
}

interface PodSpec {
  readonly containers: readonly Container[];
  readonly volumes?: readonly object[];
  readonly securityContext: { readonly runAsUser?: number; readonly runAsGroup?: number; readonly fsGroup?: number; readonly runAsNonRoot?: boolean; readonly seccompProfile?: { readonly type: string } };
}

const roles = ["controller", "webhook"] as const;

const podOf = (role: (typeof roles)[number]): PodSpec =>
  (parse(readFileSync(join(import.meta.dirname, `../../deploy/base/${role}.yaml`), "utf8")) as { spec: { template: { spec: PodSpec } } }).spec.template.spec;

describe("the Pods fit OpenShift's restricted-v2, which chooses the user itself:", () => {
  for (const role of roles) {
    it(role, () => {
      const { containers, volumes = [], securityContext: pod, ...others } = podOf(role);
      assert.deepEqual([pod.runAsUser, pod.runAsGroup, pod.fsGroup], [undefined, undefined, undefined], "a user of one's own is outside of the namespace's range");
      assert.equal(pod.runAsNonRoot, true);
      assert.equal(pod.seccompProfile?.type, "RuntimeDefault");
      assert.deepEqual(volumes, []);
      assert.deepEqual(Object.keys(others).filter((key) => key.startsWith("host")), []);
      for (const { securityContext } of containers) {
        assert.deepEqual(securityContext, { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } });
      }
    });
  }

  it("and the image names a user that is no root by its number, for clusters that choose none", () => {
    const users = readFileSync(join(import.meta.dirname, "../../Dockerfile"), "utf8").match(/^USER .*$/gm);
    assert.deepEqual(users, ["USER 65532:65532"]);
  });
});

test("a namespace that enforces the Pod Security Standard `restricted` takes the Pods", async (t) => {
  const plane = await requireControlPlane(t);
  if (plane === undefined) return;
  const metadata = { name: "restricted", labels: { "pod-security.kubernetes.io/enforce": "restricted" } };
  await plane.client.call("POST", "/api/v1/namespaces", { body: { apiVersion: "v1", kind: "Namespace", metadata } });
  const send = (spec: object): Promise<{ readonly status: number; readonly body: unknown }> =>
    plane.client.send("POST", "/api/v1/namespaces/restricted/pods?dryRun=All", { body: { apiVersion: "v1", kind: "Pod", metadata: { name: "pod" }, spec } });
  for (const role of roles) {
    const answer = await send(podOf(role));
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
  }
  assert.equal((await send({ ...podOf("webhook"), hostNetwork: true })).status, 403, "the standard is enforced");
});
