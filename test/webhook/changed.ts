import assert from "node:assert/strict";
import type { ErrorCode } from "../../src/errors.ts";
import { notification, provider } from "./objects.ts";

/** The table of objects that admission is proven with: each is a base and a change of it. */

export type Manifest = Record<string, unknown>;

/** New values by path below `spec`, such as `{ "filter.kinds.0": "Job" }`; undefined takes the field out. */
export type Change = Readonly<Record<string, unknown>>;

/** One cause of a refusal, or a warning: the field, the code, and a part of the message. */
export type Said = readonly [field: string, code: ErrorCode, part: string];

export interface Sample {
  readonly what: string;
  readonly object: Manifest;
  /** Every error, in the order of the fields' names. None: the object is good. */
  readonly errors: readonly Said[];
  readonly warnings: readonly Said[];
}

type Parent = Record<string, unknown>;

function set(root: Parent, path: string, value: unknown): void {
  const segments = path.split(".");
  const last = segments.pop() ?? "";
  const parent = segments.reduce((node, segment) => {
    node[segment] ??= {};
    return node[segment] as Parent;
  }, root);
  if (value === undefined) Reflect.deleteProperty(parent, last);
  else parent[last] = value;
}

function changed(base: Manifest, change: Change): Manifest {
  const object = structuredClone(base);
  for (const [path, value] of Object.entries(change)) set(object, path === "" ? "spec" : `spec.${path}`, value);
  assert.notDeepEqual(object, base, `${JSON.stringify(change)} changes nothing`);
  return object;
}

export type BadRow = readonly [what: string, change: Change, ...errors: Said[]];
export type GoodRow = readonly [what: string, change?: Change, ...warnings: Said[]];

/** Objects that are refused, each with every error that it has. */
export const bad = (base: Manifest, ...rows: readonly BadRow[]): readonly Sample[] => rows.map(([what, change, ...errors]) => ({ what, object: changed(base, change), errors, warnings: [] }));

/** Objects that are accepted, with every warning that they get. */
export const good = (base: Manifest, ...rows: readonly GoodRow[]): readonly Sample[] =>
  rows.map(([what, change, ...warnings]) => ({ what, object: change === undefined ? base : changed(base, change), errors: [], warnings }));

const secretRef = { name: "s" };

/** The smallest Provider of each type. */
export const providers = {
  github: provider({ type: "GitHubApp", githubApp: { appId: 1, privateKey: { secretRef } } }),
  slack: provider({ type: "SlackApp", slackApp: { accessToken: { secretRef } } }),
  sns: provider({ type: "AWSSNS", awsSNS: { topicARN: "arn:aws:sns:eu-central-1:123456789012:runs", credentials: { secretRef } } }),
  pubsub: provider({ type: "GCPPubSub", gcpPubSub: { projectId: "example-project", topic: "runs", credentials: { secretRef } } }),
  events: provider({ type: "CloudEvents", cloudEvents: { url: "https://events.example.com/" } }),
};

/** The smallest Notification. */
export const plain = notification({ providerRef: { name: "p" } });
