import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { startGitHub } from "../support/github-double.ts";
import { installedTests, type World } from "../support/installed-tests.ts";
import { gitHubProvider, privateKeySecret } from "../support/manifests.ts";
import { eventually } from "../support/wait.ts";

const test = installedTests();
const group = "/apis/integrations.tekton.ornew.io/v1alpha1";

/** `type status reason` of the conditions of the Provider `github`. */
async function conditions({ plane }: World, namespace: string): Promise<string[]> {
  const { status } = await plane.client.call<{ status?: { conditions?: { type: string; status: string; reason: string }[] } }>("GET", `${group}/namespaces/${namespace}/providers/github`);
  return (status?.conditions ?? []).map(({ type, status: value, reason }) => `${type} ${value} ${reason}`);
}

test("a wrong key is told before there is a run, and a right one takes effect without a restart", async (world, t) => {
  const namespace = "wrong-key";
  const github = await startGitHub({ installations: [{ id: 1, owner: "example-org" }] });
  t.after(() => github.close());
  const wrong = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ type: "pkcs1", format: "pem" }).toString();
  await world.createNamespace(namespace);
  await world.apply(privateKeySecret(namespace, wrong), gitHubProvider(namespace, "github", github));
  const told = (expected: readonly string[]): Promise<unknown> => eventually(expected.join(", "), async () => JSON.stringify(await conditions(world, namespace)) === JSON.stringify(expected));
  await told(["Ready False CredentialsRefused", "CredentialsValid False CredentialsRefused", "Stalled True CredentialsRefused"]);
  await world.apply(privateKeySecret(namespace, github.privateKey));
  await told(["Ready True Connected", "CredentialsValid True Verified"]);
  assert.deepEqual([...new Set(github.received.map(({ method, path }) => `${method} ${path}`))], ["GET /api/v3/app"]);
  assert.deepEqual([github.received.length, github.violations], [2, []]);
});
