import assert from "node:assert/strict";
import { installedTests, type World } from "../support/installed-tests.ts";
import { collectionPath, objectPath, type KubeObject } from "../support/kube-client.ts";
import { eventually } from "../support/wait.ts";
import { filtered, notification, provider } from "../webhook/objects.ts";

const test = installedTests();

const configuration = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/tekton-integrations";
const merge = "application/merge-patch+json";

const named = (object: Record<string, unknown>, namespace: string, name: string, metadata: object = {}): KubeObject => ({ ...object, metadata: { ...metadata, name, namespace } }) as unknown as KubeObject;
const specOf = async ({ plane }: World, object: KubeObject): Promise<unknown> => (await plane.client.call("GET", objectPath(object))).spec;

/** Objects as a version with weaker rules would have stored them: while the validating webhook is out of the way. */
async function storeUnjudged({ plane }: World, ...objects: readonly KubeObject[]): Promise<void> {
  const { webhooks } = await plane.client.call<KubeObject & { webhooks: unknown[] }>("GET", configuration);
  await plane.client.call("PATCH", configuration, { body: { webhooks: [] }, contentType: merge });
  for (const object of objects) {
    await eventually(`${object.metadata.name} is stored`, async () => [201, 409].includes((await plane.client.send("POST", collectionPath(object.apiVersion, object.kind, object.metadata.namespace), { body: object })).status));
  }
  // The controller may have put them back already.
  await plane.client.send("PATCH", configuration, { body: { webhooks }, contentType: merge });
  const probe = named(filtered({ expression: "nope" }), objects[0]?.metadata.namespace ?? "default", "probe");
  await eventually("the webhook is asked again", async () => (await plane.client.send("POST", `${collectionPath(probe.apiVersion, probe.kind, probe.metadata.namespace)}?dryRun=All`, { body: probe })).status === 422);
}

test("an object of older rules is labelled, annotated, owned and freed of its finalizer, without a word", async (world) => {
  const { plane } = world;
  await world.createNamespace("older");
  const old = named(filtered({ expression: "this was once fine", results: [{ name: "a", matches: "(" }] }), "older", "old", { finalizers: ["example.com/hold"] });
  const oldProvider = named(provider({ type: "CloudEvents", cloudEvents: { url: "https://jane:secret@events.example.com/" } }), "older", "old");
  await storeUnjudged(world, old, oldProvider);
  const owner = await plane.client.call("POST", "/api/v1/namespaces/older/configmaps", { body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "owner" } } });
  const ownerReferences = [{ apiVersion: "v1", kind: "ConfigMap", name: "owner", uid: owner.metadata.uid }];
  for (const [kind, object] of [["tin", old], ["tip", oldProvider]] as const) {
    for (const args of [["label", kind, "old", "team=a"], ["annotate", kind, "old", "example.com/by=jane"]]) {
      const { stderr } = await plane.kubectl([...args, "-n", "older"]);
      assert.equal(stderr, "");
    }
    await plane.client.call("PATCH", objectPath(object), { body: { metadata: { ownerReferences } }, contentType: merge });
    await plane.client.call("PATCH", objectPath(object), { body: { metadata: { ownerReferences: null } }, contentType: merge });
  }
  await plane.kubectl(["delete", "tin", "old", "-n", "older", "--wait=false"]);
  assert.notEqual((await plane.client.call("GET", objectPath(old))).metadata.deletionTimestamp, undefined);
  await plane.client.call("PATCH", objectPath(old), { body: { metadata: { finalizers: null } }, contentType: merge });
  assert.equal((await plane.client.send("GET", objectPath(old))).status, 404);
});

test("an unrelated fix of an object of older rules is accepted, and warned about what is still wrong", async (world) => {
  const { plane } = world;
  await world.createNamespace("fixes");
  const old = named(notification({ providerRef: { name: "p" }, filter: { expression: "this was once fine" }, groupBy: "${pipelien}" }), "fixes", "old");
  const oldProvider = named(provider({ type: "CloudEvents", cloudEvents: { url: "https://jane:secret@events.example.com/", headers: [{ name: "Host", value: "x" }] } }), "fixes", "old");
  await storeUnjudged(world, old, oldProvider);
  const patch = (kind: string, spec: object) => plane.kubectl(["patch", kind, "old", "-n", "fixes", "--type=merge", "-p", JSON.stringify({ spec })], { allowFailure: true });

  const mended = await patch("tin", { groupBy: "${pipeline}" });
  assert.deepEqual([mended.code, mended.stdout.trim()], [0, "notification.integrations.tekton.ornew.io/old patched"]);
  assert.match(mended.stderr, /^Warning: spec\.filter\.expression: 1:6: /m);
  assert.doesNotMatch(mended.stderr, /groupBy/);
  const suspended = await patch("tip", { suspend: true });
  assert.equal(suspended.code, 0);
  assert.match(suspended.stderr, /^Warning: spec\.cloudEvents\.headers\[0\]\.name: /m);
  assert.match(suspended.stderr, /^Warning: spec\.cloudEvents\.url: .*credentials belong in a Secret/m);
  assert.doesNotMatch(suspended.stderr, /jane|secret@/);

  const worse = await patch("tip", { cloudEvents: { source: "a b" } });
  assert.equal(worse.code, 1);
  assert.match(worse.stderr, /spec\.cloudEvents\.source: Invalid value: is not a URI reference/);
  assert.doesNotMatch(worse.stderr, /\* spec\.cloudEvents\.headers/, "what was wrong before is no reason to refuse");
  assert.equal((await patch("tin", { filter: { expression: "not better" } })).code, 1);
  const whole = await patch("tin", { filter: { expression: 'status == "Failed"' } });
  assert.deepEqual([whole.code, /spec\.filter/.test(whole.stderr)], [0, false]);
});

test("a namespace with objects of older rules is deleted with them", async (world) => {
  const { plane } = world;
  await world.createNamespace("doomed");
  await storeUnjudged(world, named(filtered({ expression: "this was once fine" }), "doomed", "old"), named(provider({ type: "CloudEvents", cloudEvents: { url: "https://u:p@events.example.com/" } }), "doomed", "old"));
  await plane.kubectl(["delete", "namespace", "doomed", "--wait=false"]);
  await eventually("the namespace is gone", async () => (await plane.client.send("GET", "/api/v1/namespaces/doomed")).status === 404, 60_000);
});

const topic = "arn:aws:sns:eu-central-1:123456789012:runs";
const written = [
  named(provider({ githubApp: { appId: 1, privateKey: { secretRef: { name: "github-app" } } } }), "gitops", "github"),
  named(provider({ awsSNS: { topicARN: topic, credentials: { secretRef: { name: "aws" } } } }), "gitops", "sns"),
  named(notification({ providerRef: { name: "github" }, filter: { expression: 'status == "Failed"' }, githubApp: {} }), "gitops", "failures"),
];

test("what is stored is what was written, with defaults; applied again, in whichever way, it makes no difference", async (world) => {
  const { plane } = world;
  await world.createNamespace("gitops");
  const input = written.map((object) => JSON.stringify(object)).join("\n---\n");
  await plane.kubectl(["apply", "-f", "-"], { input });
  assert.deepEqual(await specOf(world, written[1] as KubeObject), { type: "AWSSNS", suspend: false, timeout: "15s", awsSNS: { region: "eu-central-1", topicARN: topic, maxLoop: 1, credentials: { secretRef: { name: "aws" } } } });
  const versions = async (): Promise<unknown[]> => Promise.all(written.map(async (object) => (await plane.client.call("GET", objectPath(object))).metadata.generation));
  const before = await versions();
  await plane.kubectl(["diff", "-f", "-"], { input });
  assert.doesNotMatch((await plane.kubectl(["apply", "-f", "-"], { input })).stdout, /configured|created/);
  for (const object of written) {
    const stored = await plane.client.call("GET", objectPath(object));
    const again = JSON.stringify({ ...object, spec: stored.spec });
    await plane.kubectl(["diff", "-f", "-"], { input: again });
    assert.match((await plane.kubectl(["apply", "-f", "-"], { input: again })).stdout, /unchanged|configured/);
  }
  assert.deepEqual(await versions(), before);
});

test("two managers apply server-side what is theirs, and the webhook's defaults stand in nobody's way", async (world) => {
  const { plane } = world;
  await world.createNamespace("managers");
  const apply = (manager: string, object: KubeObject) => plane.kubectl(["apply", "--server-side", `--field-manager=${manager}`, "-f", "-"], { input: JSON.stringify(object), allowFailure: true });
  const platform = named(provider({ awsSNS: { topicARN: topic, credentials: { secretRef: { name: "aws" } } } }), "managers", "sns");
  const team = named(provider({ suspend: true, timeout: "30s" }), "managers", "sns");
  const applied = async (manager: string, object: KubeObject): Promise<void> => {
    const { code, stderr } = await apply(manager, object);
    assert.equal(code, 0, stderr);
  };
  await applied("platform", platform);
  await applied("team", team);
  const both = { type: "AWSSNS", suspend: true, timeout: "30s", awsSNS: { region: "eu-central-1", topicARN: topic, maxLoop: 1, credentials: { secretRef: { name: "aws" } } } };
  assert.deepEqual(await specOf(world, team), both);
  const { generation } = (await plane.client.call("GET", objectPath(team))).metadata;
  for (let round = 0; round < 3; round += 1) {
    await applied("platform", platform);
    await applied("team", team);
  }
  assert.equal((await plane.client.call("GET", objectPath(team))).metadata.generation, generation, "nobody undoes what another wrote");

  const conflict = await apply("team", named(provider({ suspend: true, awsSNS: { topicARN: `${topic}-2` } }), "managers", "sns"));
  assert.equal(conflict.code, 1);
  assert.match(conflict.stderr, /conflict with "platform"/);
  const wrong = await apply("team", named(provider({ suspend: true, awsSNS: { roleARN: "arn:aws-cn:iam::123456789012:role/x" } }), "managers", "sns"));
  assert.match(wrong.stderr, /spec\.awsSNS\.roleARN: Invalid value: is of the partition aws-cn/, "the whole object is judged, not only what a manager writes");
  await applied("team", named(provider({}), "managers", "sns"));
  assert.deepEqual(await specOf(world, team), { ...both, suspend: false, timeout: "15s" }, "what a manager no longer writes falls back to its default");
});

test("a topic that moves to another region needs its region set, since the one that was filled in stays; the refusal says to which", async (world) => {
  const { plane } = world;
  await world.createNamespace("regions");
  const at = (region: string) => named(provider({ awsSNS: { topicARN: `arn:aws:sns:${region}:123456789012:runs`, credentials: { secretRef: { name: "aws" } } } }), "regions", "sns");
  const apply = (object: KubeObject, ...flags: string[]) => plane.kubectl(["apply", ...flags, "-f", "-"], { input: JSON.stringify(object), allowFailure: true });
  for (const flags of [[], ["--server-side", "--force-conflicts"]]) {
    await plane.kubectl(["delete", "tip", "sns", "-n", "regions", "--ignore-not-found"]);
    assert.equal((await apply(at("eu-central-1"), ...flags)).code, 0);
    const moved = await apply(at("eu-west-1"), ...flags);
    assert.equal(moved.code, 1);
    assert.match(moved.stderr, /spec\.awsSNS\.region: .*is eu-central-1, and the topic is in eu-west-1: set it to eu-west-1/);
  }
});
