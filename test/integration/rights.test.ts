import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { installation as names } from "../../src/api/installation.ts";
import type { ControlPlane } from "../support/control-plane.ts";
import { startControllerHere } from "../support/controller-here.ts";
import { install, ownNamespace } from "../support/installation.ts";
import { worldOf, type World } from "../support/installed-tests.ts";
import { collectionPath, type KubeObject } from "../support/kube-client.ts";
import { leapingClock } from "../support/leaping-clock.ts";
import { makeRun, type MadeRun } from "../support/made-runs.ts";
import { cloudEventsProvider, notification } from "../support/manifests.ts";
import { startCloudEventsSink, type CloudEventsSink } from "../support/receivers-cloudevents.ts";
import { requireControlPlane } from "../support/require.ts";
import { eventually } from "../support/wait.ts";

const group = "integrations.tekton.ornew.io";
const apiVersion = `${group}/v1alpha1`;
const rbac = "/apis/rbac.authorization.k8s.io/v1";
const runKinds = ["PipelineRun", "TaskRun", "CustomRun"] as const;

/** A request of one of our ServiceAccounts, as the API server's audit log has it. */
interface Audited {
  readonly user: { readonly username: string };
  readonly verb: string;
  readonly objectRef?: { readonly apiGroup?: string; readonly resource: string; readonly subresource?: string; readonly namespace?: string; readonly name?: string };
  readonly responseStatus?: { readonly code: number };
}

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** The smallest part of a rule: one verb on one resource. */
interface Right {
  readonly role: string;
  readonly account: string;
  /** Absent: in all namespaces. */
  readonly namespace?: string | undefined;
  readonly group: string;
  readonly resource: string;
  readonly verb: string;
  readonly name?: string | undefined;
}

interface Binding extends KubeObject {
  readonly roleRef: { readonly kind: string; readonly name: string };
  readonly subjects?: readonly { readonly name: string; readonly namespace?: string }[];
}

/** Everything that our ServiceAccounts were given. */
async function shippedRights({ client }: ControlPlane): Promise<Right[]> {
  const bindings: Binding[] = [];
  for (const kind of ["clusterrolebindings", "rolebindings"]) bindings.push(...(await client.call<{ items: Binding[] }>("GET", `${rbac}/${kind}`)).items);
  const ours = bindings.flatMap((binding) => (binding.subjects ?? []).filter(({ namespace }) => namespace === ownNamespace).map(({ name }) => ({ ...binding, account: name })));
  const rights = await Promise.all(ours.map(async ({ roleRef: { kind, name: role }, metadata: { namespace }, account }) => {
    const path = kind === "ClusterRole" ? `${rbac}/clusterroles/${role}` : `${rbac}/namespaces/${namespace ?? ""}/roles/${role}`;
    const { rules } = await client.call<{ rules: Rule[] }>("GET", path);
    return rules.flatMap((rule) => rule.apiGroups.flatMap((apiGroup) => rule.resources.flatMap((resource) => rule.verbs.flatMap((verb) =>
      (rule.resourceNames ?? [undefined]).map((name): Right => ({ role: `${kind} ${role}`, account, namespace, group: apiGroup, resource, verb, name }))))));
  }));
  return rights.flat();
}

const show = ({ role, verb, group: apiGroup, resource, name }: Right): string => `${role}: ${verb} ${resource}${apiGroup === "" ? "" : `.${apiGroup}`}${name === undefined ? "" : ` ${name}`}`;

/** Whether the right is what lets the request pass. */
function allows(right: Right, { user, verb, objectRef }: Audited): boolean {
  if (objectRef === undefined || user.username !== `system:serviceaccount:${ownNamespace}:${right.account}`) return false;
  const { apiGroup = "", resource, subresource, namespace, name } = objectRef;
  const asked = subresource === undefined ? resource : `${resource}/${subresource}`;
  return right.verb === verb && right.group === apiGroup && right.resource === asked && (right.namespace === undefined || right.namespace === namespace) && (right.name === undefined || right.name === name);
}

/** As API servers before 1.34 are: what there is already is not part of a watch, and has to be listed. */
const withoutStreamedLists = ["--feature-gates=WatchList=false"];

/** A control plane that writes down every request of our ServiceAccounts, with the product in it. */
async function audited(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "tekton-integrations-audit-"));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  const [policy, log] = [join(folder, "policy.yaml"), join(folder, "audit.jsonl")];
  const rules = [{ level: "Metadata", userGroups: [`system:serviceaccounts:${ownNamespace}`] }, { level: "None" }];
  writeFileSync(policy, JSON.stringify({ apiVersion: "audit.k8s.io/v1", kind: "Policy", omitStages: ["RequestReceived"], rules }));
  const plane = await requireControlPlane(t, { apiServerArguments: [`--audit-policy-file=${policy}`, `--audit-log-path=${log}`, ...withoutStreamedLists] });
  if (plane === undefined) return undefined;
  const installation = await install(plane, { flags: { controller: ["--delivery-deadline", "1m"] } });
  t.after(() => installation.stop());
  // The last line may be on its way.
  const requests = (): Audited[] => readFileSync(log, "utf8").split("\n").slice(0, -1).map((line) => JSON.parse(line) as Audited);
  return { world: worldOf(plane, installation), requests };
}

const deliveriesIn = async ({ plane: { client } }: World, namespace: string): Promise<KubeObject[]> =>
  (await client.call<{ items: KubeObject[] }>("GET", collectionPath(apiVersion, "Delivery", namespace))).items;

/** A run of each kind. */
async function failRuns({ plane: { client } }: World, namespace: string): Promise<MadeRun[]> {
  const runs = await Promise.all(runKinds.map((kind) => makeRun(client, namespace, `first-${kind.toLowerCase()}`, { kind })));
  for (const run of runs) await run.become("False", "Failed");
  return runs;
}

const delivered = (world: World, namespace: string, count: number): Promise<KubeObject[]> =>
  eventually(`${count} Deliveries are on record in ${namespace}`, async () => {
    const found = await deliveriesIn(world, namespace);
    return found.length === count && found.every(({ status }) => (status as { state?: string } | undefined)?.state === "Delivered") ? found : undefined;
  });

/** Every Delivery of the namespace has been sent again, but of the run that is gone. */
const sentAgain = (world: World, namespace: string, word: string, gone = ""): Promise<boolean> =>
  eventually(`what is in ${namespace} is sent again`, async () => {
    const found = (await deliveriesIn(world, namespace)).filter(({ spec }) => (spec as { runRef: { uid: string } }).runRef.uid !== gone);
    return found.every(({ status }) => (status as { redelivered?: string }).redelivered === word);
  });

/** What teams do: runs of their own namespace, of another one, a shared Provider, a Secret, a message sent again. */
async function teamsAtWork(world: World, sink: CloudEventsSink): Promise<void> {
  const { plane, apply, installation: { controller } } = world;
  for (const name of ["team-a", "team-b"]) await world.createNamespace(name);
  await plane.kubectl(["label", "namespace", "team-b", "notify=yes"]);
  const filter = { kinds: runKinds, statuses: ["Failed"] };
  const authentication = { type: "Bearer", secretRef: { name: "token" } };
  await apply(
    { apiVersion: "v1", kind: "Secret", metadata: { namespace: "team-a", name: "token" }, stringData: { token: "anexampletoken" } },
    cloudEventsProvider("team-a", "shared", sink.url, { cloudEvents: { url: sink.url, authentication }, allowedNamespaces: { matchLabels: { notify: "yes" } }, runNamespaces: { any: true } }),
  );
  const shared = { providerRef: { name: "shared", namespace: "team-a" } };
  const [own, referring, wide] = [notification("team-a", "own", "shared", filter), notification("team-b", "referring", "shared"), notification("team-a", "wide", "shared", { ...filter, namespaceSelector: { matchNames: ["team-b"] } })];
  await apply(own, { ...referring, spec: { ...shared, filter } }, wide);
  await plane.kubectl(["wait", "--for=condition=Ready", "provider,notification", "--all", "--all-namespaces", "--timeout=20s"]);
  await failRuns(world, "team-a");
  const [pruned] = await failRuns(world, "team-b");
  const namespaces = ["team-a", "team-b", ownNamespace];
  for (const namespace of namespaces) await delivered(world, namespace, runKinds.length);
  await pruned?.remove();
  // Nothing is known any more of the run that is gone.
  await controller.kill("SIGTERM");
  await controller.start();
  for (const namespace of namespaces) await plane.kubectl(["annotate", "delivery", "--all", "-n", namespace, `${group}/redeliver=once`]);
  for (const namespace of namespaces) await sentAgain(world, namespace, "once", pruned?.uid);
  for (const namespace of ["team-b", ownNamespace]) {
    await eventually("that is told", async () => (await plane.kubectl(["get", "events", "-n", namespace, "-o", "jsonpath={.items[*].reason}"])).stdout.includes("RunGone"));
  }
  await plane.kubectl(["delete", "notification", "wide", "-n", "team-a"]);
  await eventually("what it had elsewhere goes with it", async () => (await deliveriesIn(world, ownNamespace)).length === 0);
}

/** Somebody spoils what the controller keeps. */
async function spoil({ plane }: World): Promise<void> {
  const secretData = async (name: string): Promise<string> => (await plane.kubectl(["get", "secret", name, "-n", ownNamespace, "-o", "jsonpath={.data.tls\\.crt}"])).stdout;
  for (const name of [names.leafSecret, names.authoritySecret]) {
    const spoilt = Buffer.from("spoilt").toString("base64");
    await plane.kubectl(["patch", "secret", name, "-n", ownNamespace, "--type=merge", "-p", JSON.stringify({ data: { "tls.crt": spoilt } })]);
    await eventually(`${name} is mended`, async () => (await secretData(name)) !== spoilt, 90_000);
  }
}

/** A controller that watches one namespace alone, and lives for as long as Deliveries are kept; `readsAgain`: it has read each kind of run again. */
async function grownOld(world: World, t: TestContext, readsAgain: () => boolean): Promise<void> {
  const { installation: { controller }, plane } = world;
  await controller.kill("SIGTERM");
  const clock = leapingClock();
  const here = await startControllerHere(world, t, { clock }, "--lease-duration", "10m", "--delivery-deadline", "1m", "--watch-namespace", "team-a");
  await eventually("it leads", async () => (await here.metric("leader")) === 1);
  /** In steps in which what is due can be done. */
  const pass = async (minutes: number): Promise<void> => {
    for (let step = 0; step < minutes * 6; step += 1) {
      await clock.leap(10_000);
      await sleep(15);
    }
  };
  const sendAgain = async (word: string): Promise<void> => {
    await plane.kubectl(["annotate", "--overwrite", "delivery", "--all", "-n", "team-a", `${group}/redeliver=${word}`]);
    await sentAgain(world, "team-a", word);
  };
  // What is sent is kept for an hour from then; hardly anything is kept of runs that ended in another hour, which are read again. When that is depends on the time of day.
  for (let times = 2; times <= 6 && !readsAgain(); times += 1) {
    await pass(40);
    await sendAgain(`${times}-times`);
  }
  await eventually("what has served its time is removed", async () => {
    await pass(5);
    return (await deliveriesIn(world, "team-a")).length === 0;
  }, 60_000);
  await here.stop();
}

/** Needed where an object vanishes between a list and the watch after it. */
const rarely = ["ClusterRole tekton-integrations-controller: get deliveries.integrations.tekton.ornew.io", "Role tekton-integrations-controller: get deliveries.integrations.tekton.ornew.io"];

test("every right that is shipped is used, no request is refused for want of one, and runs are only ever read", async (t) => {
  const sink = await startCloudEventsSink();
  t.after(() => sink.close());
  const here = await audited(t);
  if (here === undefined) return;
  const { world, requests } = here;
  await teamsAtWork(world, sink);
  await spoil(world);
  const readsAgain = (): boolean => runKinds.every((kind) => requests().some(({ verb, objectRef }) => verb === "get" && objectRef?.resource === `${kind.toLowerCase()}s`));
  await grownOld(world, t, readsAgain);

  const rights = await shippedRights(world.plane);
  const made = requests();
  assert.ok(made.length > 100);
  const used = new Set<Right>();
  for (const request of made) {
    const allowing = rights.filter((right) => allows(right, request));
    // What is given in one namespace is needed where the cluster's roles are bound to some only.
    const nearest = allowing.filter(({ namespace }) => namespace !== undefined);
    for (const right of nearest.length > 0 ? nearest : allowing) used.add(right);
  }
  const unused = rights.filter((right) => !used.has(right)).map(show);
  assert.deepEqual(unused.filter((right) => !rarely.includes(right)), [], "rights that nothing uses");
  assert.deepEqual(rarely.filter((right) => !rights.map(show).includes(right)), [], "rights that are no longer given");
  const refused = made.filter(({ responseStatus }) => responseStatus?.code === 403);
  assert.deepEqual(refused.map(({ verb, objectRef }) => `${verb} ${objectRef?.resource ?? ""}`), []);

  const ofRuns = rights.filter(({ group: apiGroup }) => apiGroup === "tekton.dev" || apiGroup === "*");
  assert.deepEqual([...new Set(ofRuns.map(({ verb }) => verb))].sort(), ["get", "list", "watch"]);
  const askedOfRuns = made.filter(({ objectRef }) => objectRef?.apiGroup === "tekton.dev");
  assert.deepEqual([...new Set(askedOfRuns.map(({ verb }) => verb))].sort(), ["get", "list", "watch"]);
});
