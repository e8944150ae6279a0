import type { TestContext } from "node:test";
import { startGitHub, type GitHubDouble } from "./github-double.ts";
import type { World } from "./installed-tests.ts";
import type { KubeObject } from "./kube-client.ts";
import { cloudEventsProvider, gitHubProvider, privateKeySecret } from "./manifests.ts";
import { startCloudEventsSink, type CloudEventsSink } from "./receivers-cloudevents.ts";

export interface BothServices {
  readonly sink: CloudEventsSink;
  readonly github: GitHubDouble;
}

/** Makes a namespace with the Providers `events` and `github` of receivers that end with the test, and applies what is to go through them. */
export async function bothServices(world: World, t: TestContext, namespace: string, owners: readonly string[], ...objects: readonly KubeObject[]): Promise<BothServices> {
  const sink = await startCloudEventsSink();
  t.after(() => sink.close());
  const github = await startGitHub({ installations: owners.map((owner, index) => ({ id: index + 1, owner })) });
  t.after(() => github.close());
  await world.createNamespace(namespace);
  await world.apply(privateKeySecret(namespace, github.privateKey), gitHubProvider(namespace, "github", github), cloudEventsProvider(namespace, "events", sink.url), ...objects);
  return { sink, github };
}
