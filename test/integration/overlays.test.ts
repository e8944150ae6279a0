import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { entries, type Counterpart, type ProviderEntry } from "../conformance/provider-entries.ts";
import type { ControlPlane } from "../support/control-plane.ts";
import { install, type Installation } from "../support/installation.ts";
import { collectionPath, documentsOf, type KubeObject } from "../support/kube-client.ts";
import { makeRun } from "../support/made-runs.ts";
import { requireControlPlane } from "../support/require.ts";
import { eventually } from "../support/wait.ts";

const group = "integrations.tekton.ornew.io";
const apiVersion = `${group}/v1alpha1`;
/** Those that the overlays name. */
const bound = ["team-a", "team-b"];
const unbound = "team-c";

interface Service {
  readonly name: string;
  readonly entry: ProviderEntry;
  readonly counterpart: Counterpart;
}

/** One of each type of Provider. */
async function startServices(t: TestContext): Promise<Service[]> {
  const ofEachType = entries.filter(({ definition }, index) => entries.findIndex((other) => other.definition === definition) === index);
  const services = await Promise.all(ofEachType.map(async (entry) => ({ name: entry.definition.type.toLowerCase(), entry, counterpart: await entry.start() })));
  t.after(() => Promise.all(services.map(({ counterpart }) => counterpart.receiver.close())));
  return services;
}

/** A Provider with a Notification of each type, and the Secrets that they name; some have theirs in common. */
function objectsIn(namespace: string, services: readonly Service[]): KubeObject[] {
  const secrets = new Map<string, Record<string, string>>();
  for (const [path, value] of services.flatMap(({ counterpart }) => [...counterpart.secrets])) {
    const [name = "", key = ""] = path.split("/");
    secrets.set(name, { ...secrets.get(name), [key]: value });
  }
  const annotations = { [`${group}/allowed-providers`]: services.map(({ name }) => name).join(",") };
  return [
    ...Array.from(secrets, ([name, stringData]) => ({ apiVersion: "v1", kind: "Secret", metadata: { namespace, name, annotations }, stringData })),
    ...services.flatMap(({ name, entry: { definition: { type, section }, sectionAt, notification }, counterpart }): KubeObject[] => [
      { apiVersion, kind: "Provider", metadata: { namespace, name }, spec: { type, [section]: sectionAt(counterpart.receiver.url) } },
      { apiVersion, kind: "Notification", metadata: { namespace, name }, spec: { providerRef: { name }, filter: { statuses: ["Failed"] }, [section]: notification } },
    ]),
  ];
}

interface Scene {
  readonly plane: ControlPlane;
  readonly installation: Installation;
  readonly services: readonly Service[];
  /** Lets a run fail in each of the namespaces. */
  readonly failRuns: (name: string) => Promise<void>;
  /** Deliveries with `Delivered`, by namespace, sorted. */
  readonly delivered: () => Promise<string[]>;
  readonly ready: (namespace: string) => Promise<string[]>;
}

/** The overlay is installed as it is, in a cluster where nothing was installed before, and used by three namespaces alike. */
async function scene(t: TestContext, overlay: string): Promise<Scene | undefined> {
  const plane = await requireControlPlane(t);
  if (plane === undefined) return undefined;
  const { client } = plane;
  const services = await startServices(t);
  const namespaces = [...bound, unbound];
  for (const namespace of namespaces) await plane.kubectl(["create", "namespace", namespace]);
  const installation = await install(plane, { overlay: `overlays/${overlay}` });
  t.after(() => installation.stop());
  await plane.kubectl(["apply", "-f", "-"], { input: documentsOf(namespaces.flatMap((namespace) => objectsIn(namespace, services))) });
  const list = async (kind: string, namespace?: string): Promise<KubeObject[]> => (await client.call<{ items: KubeObject[] }>("GET", collectionPath(apiVersion, kind, namespace))).items;
  const annotations = { [`${group}/github-owner`]: "example-org", [`${group}/github-repo`]: "shop", [`${group}/github-sha`]: "0f98b1f7eda33a4e9cfaab09506aa8094044085f" };
  return {
    plane,
    installation,
    services,
    failRuns: async (name) => {
      for (const namespace of namespaces) await (await makeRun(client, namespace, name, { annotations })).become("False", "Failed");
    },
    delivered: async () => (await list("Delivery")).filter(({ status }) => (status as { state?: string } | undefined)?.state === "Delivered").map(({ metadata }) => metadata.namespace ?? "").sort(),
    ready: async (namespace) =>
      (await list("Provider", namespace)).map(({ metadata, status }) => {
        const { conditions = [] } = (status ?? {}) as { conditions?: { type: string; status: string; reason: string }[] };
        const ready = conditions.find(({ type }) => type === "Ready");
        return `${metadata.name} ${ready?.status ?? "-"} ${ready?.reason ?? "-"}`;
      }),
  };
}

/** As many as there are services, in each of the namespaces. */
const forEach = (services: readonly Service[], namespaces: readonly string[]): string[] => namespaces.flatMap((namespace) => services.map(() => namespace));

const shown = (services: readonly Service[]): number[] => services.map(({ counterpart }) => counterpart.shown().length);

test("with overlays/strict every provider sends from namespaces that were bound, and says in others why it does not, until they are bound", async (t) => {
  const here = await scene(t, "strict");
  if (here === undefined) return;
  const { plane, services, failRuns, delivered, ready, installation } = here;
  assert.equal(services.length, 5);
  await failRuns("first");
  await eventually("all messages of the bound namespaces are on record", async () => (await delivered()).length === bound.length * services.length);
  assert.deepEqual(await delivered(), forEach(services, bound));
  for (const namespace of bound) assert.deepEqual(await ready(namespace), services.map(({ name }) => `${name} True Connected`).sort());
  assert.deepEqual(await ready(unbound), services.map(({ name }) => `${name} False SecretForbidden`).sort());
  const { stdout } = await plane.kubectl(["get", "provider", "slackapp", "-n", unbound, "-o", "jsonpath={.status.conditions[?(@.type=='Ready')].message}"]);
  assert.equal(stdout, "the controller may not read Secret app (the bot token of the Slack App): this installation has not bound it to read Secrets in namespace team-c");

  const account = "tekton-integrations:tekton-integrations-controller";
  await plane.kubectl(["create", "rolebinding", "tekton-integrations-controller-secrets", "--clusterrole=tekton-integrations-controller-secrets", `--serviceaccount=${account}`, "-n", unbound]);
  // It is tried again within a minute; one that takes over tries at once.
  await installation.controller.kill("SIGTERM");
  await installation.controller.start();
  await eventually("what has waited is sent", async () => (await delivered()).length === 3 * services.length);
  assert.deepEqual(shown(services).map((count) => count > 0), services.map(() => true));
  assert.deepEqual(services.flatMap(({ counterpart }) => counterpart.violations), []);
  assert.deepEqual(installation.controller.lines().filter(({ level }) => level === "error"), []);
});

test("with overlays/watch-namespace every provider sends from namespaces that are watched, and nothing is read of others", async (t) => {
  const here = await scene(t, "watch-namespace");
  if (here === undefined) return;
  const { services, failRuns, delivered, ready, installation } = here;
  await failRuns("first");
  await eventually("all messages of the watched namespaces are on record", async () => (await delivered()).length === bound.length * services.length);
  assert.deepEqual(await delivered(), forEach(services, bound));
  for (const namespace of bound) assert.deepEqual(await ready(namespace), services.map(({ name }) => `${name} True Connected`).sort());
  assert.deepEqual(await ready(unbound), services.map(({ name }) => `${name} - -`).sort());
  assert.deepEqual(services.flatMap(({ counterpart }) => counterpart.violations), []);
  assert.deepEqual(installation.controller.lines().filter(({ level }) => level === "error"), []);
});
