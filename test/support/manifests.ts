import type { KubeObject } from "./kube-client.ts";
import type { ReceivedEvent } from "./receivers-cloudevents.ts";
import type { GitHubDouble } from "./github-double.ts";
import type { ToldState } from "./expected-states.ts";

const apiVersion = "integrations.tekton.ornew.io/v1alpha1";

/** A Provider that sends CloudEvents to the URL. */
export function cloudEventsProvider(namespace: string, name: string, url: string, more: object = {}): KubeObject {
  return { apiVersion, kind: "Provider", metadata: { namespace, name }, spec: { type: "CloudEvents", cloudEvents: { url }, ...more } };
}

/** A Provider for a GitHub App, and nothing of its Secret. */
export function gitHubProvider(namespace: string, name: string, { appId, baseURL }: GitHubDouble, secret = "github-app"): KubeObject {
  const githubApp = { appId, baseURL, privateKey: { secretRef: { name: secret } } };
  return { apiVersion, kind: "Provider", metadata: { namespace, name }, spec: { type: "GitHubApp", githubApp } };
}

/** A Secret with the private key of a GitHub App. */
export function privateKeySecret(namespace: string, privateKey: string, name = "github-app"): KubeObject {
  return { apiVersion: "v1", kind: "Secret", metadata: { namespace, name }, stringData: { "private-key.pem": privateKey } };
}

export function notification(namespace: string, name: string, provider: string, filter?: object): KubeObject {
  return { apiVersion, kind: "Notification", metadata: { namespace, name }, spec: { providerRef: { name: provider }, ...(filter !== undefined && { filter }) } };
}

/** What an event of the product says about a run. */
export function toldBy(event: ReceivedEvent): ToldState {
  const { uid, status, reason } = event.data as { uid: string; status: string; reason: string };
  return { uid, status, reason, id: event.id };
}
