import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseAllDocuments } from "yaml";
import { type KubeClient, KubeError } from "../kube-client.ts";
import type { Crd } from "./tekton-crds.ts";

const discovery = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const servedWithin = 20_000;

interface Discovery {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly versions: readonly { readonly version: string; readonly resources?: readonly { readonly resource: string }[] }[];
  }[];
}

/** The CustomResourceDefinitions in YAML files or folders of them; documents of other kinds are passed over. */
export function readCrds(paths: readonly string[]): Crd[] {
  const files = paths.flatMap((path) =>
    statSync(path).isDirectory()
      ? readdirSync(path).filter((name) => /\.ya?ml$/.test(name)).sort().map((name) => join(path, name))
      : [path]);
  const documents = files.flatMap((file) => parseAllDocuments(readFileSync(file, "utf8")).map((document) => document.toJS() as { kind?: string } | null));
  return documents.filter((document) => document?.kind === "CustomResourceDefinition") as unknown as Crd[];
}

/** Every served version of a CRD as `group/version/plural`. */
function served({ spec }: Crd): string[] {
  return spec.versions.filter((version) => version.served).map(({ name }) => `${spec.group}/${name}/${spec.names.plural}`);
}

/** Creates the CRDs, or replaces those that are there, and resolves when every served version can be listed, discovered and is described in OpenAPI. */
export async function applyCrds(client: KubeClient, crds: readonly Crd[]): Promise<void> {
  const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  await Promise.all(crds.map(async (crd) => {
    const options = { body: crd, contentType: "application/apply-patch+yaml" };
    await client.call("PATCH", `${path}/${crd.metadata.name}?fieldManager=control-plane&force=true`, options);
  }));
  const wanted = crds.flatMap(served);
  const deadline = Date.now() + servedWithin;
  for (;;) {
    const missing = await notServed(client, wanted);
    if (missing.length === 0) return;
    if (Date.now() > deadline) throw new Error(`the API server does not serve ${missing.join(", ")} after ${servedWithin / 1000} s`);
    await sleep(25);
  }
}

async function notServed(client: KubeClient, wanted: readonly string[]): Promise<string[]> {
  const groups = await client.call<Discovery>("GET", "/apis", { accept: discovery });
  const known = new Set(groups.items.flatMap((group) =>
    group.versions.flatMap(({ version, resources }) => (resources ?? []).map(({ resource }) => `${group.metadata.name}/${version}/${resource}`))));
  const undiscovered = wanted.filter((resource) => !known.has(resource));
  if (undiscovered.length > 0) return undiscovered;
  const lists = await Promise.all(wanted.map(async (resource) => ({ resource, ...(await client.send("GET", `/apis/${resource}?limit=1`)) })));
  const failed = lists.find(({ status }) => status !== 200 && status !== 404 && status !== 503 && status !== 429);
  if (failed !== undefined) throw new KubeError("GET", `/apis/${failed.resource}`, failed);
  const unlisted = lists.filter(({ status }) => status !== 200).map(({ resource }) => resource);
  return unlisted.length > 0 ? unlisted : undescribed(client, wanted);
}

/** Without the description kubectl takes the server for an old one, and validates by itself, before defaults are filled in. */
async function undescribed(client: KubeClient, wanted: readonly string[]): Promise<string[]> {
  const versions = [...new Set(wanted.map((resource) => resource.slice(0, resource.lastIndexOf("/"))))];
  const described = await Promise.all(versions.map(async (version) => {
    const { status, body } = await client.send("GET", `/openapi/v3/apis/${version}`);
    return status === 200 ? Object.keys((body as { readonly paths?: object }).paths ?? {}) : [];
  }));
  const paths = described.flat();
  return wanted.filter((resource) => !paths.some((path) => path.endsWith(`/${resource.slice(resource.lastIndexOf("/") + 1)}/{name}`)));
}
