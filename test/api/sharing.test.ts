import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { NamespaceSelector } from "../../src/api/selectors.ts";
import { isOffered, takesRuns } from "../../src/api/sharing.ts";
import { cloudEventsProvider } from "../controller/objects.ts";

const labels: Readonly<Record<string, Readonly<Record<string, string>>>> = { "team-a": { team: "a" }, "team-b": { team: "b", tier: "gold" }, bare: {} };
const labelsOf = (name: string): Readonly<Record<string, string>> | undefined => (Object.hasOwn(labels, name) ? labels[name] : undefined);

/** Which of some namespaces a Provider of `platform` is offered to. */
const offeredTo = (allowedNamespaces?: NamespaceSelector): string[] => {
  const { metadata, spec } = cloudEventsProvider({}, { namespace: "platform" });
  const provider = { metadata, spec: { ...spec, ...(allowedNamespaces !== undefined && { allowedNamespaces }) } };
  return ["platform", "team-a", "team-b", "bare", "unknown", "constructor"].filter((namespace) => isOffered(provider, namespace, labelsOf));
};

describe("a Provider", () => {
  for (const [what, selector, namespaces] of [
    ["is its own namespace's alone where nothing is said", undefined, []],
    ["is offered to any namespace", { any: true }, ["team-a", "team-b", "bare", "unknown", "constructor"]],
    ["is offered by name", { matchNames: ["team-b", "unknown"] }, ["team-b", "unknown"]],
    ["is offered by a label's value", { matchLabels: { team: "a" } }, ["team-a"]],
    ["is offered by expressions", { matchExpressions: [{ key: "team", operator: "Exists" }, { key: "tier", operator: "NotIn", values: ["gold"] }] }, ["team-a"]],
    ["is not offered by labels to a namespace whose labels are not known", { matchExpressions: [{ key: "team", operator: "DoesNotExist" }] }, ["bare"]],
    ["is not offered by a selector without a word", {}, []],
  ] as const satisfies readonly (readonly [string, NamespaceSelector | undefined, readonly string[]])[]) {
    it(what, () => {
      assert.deepEqual(offeredTo(selector as NamespaceSelector | undefined), ["platform", ...namespaces]);
    });
  }
});

describe("runs through a Provider of `platform` for a Notification of `team-a`", () => {
  for (const [what, runNamespaces, namespaces] of [
    ["are those of both own namespaces where nothing is said", undefined, []],
    ["may be those of any", { any: true }, ["team-b", "bare", "unknown"]],
    ["may be those of named ones", { matchNames: ["bare"] }, ["bare"]],
    ["may be those of labelled ones", { matchLabels: { team: "b" } }, ["team-b"]],
    ["are not those of a namespace whose labels are not known", { matchExpressions: [{ key: "team", operator: "DoesNotExist" }] }, ["bare"]],
  ] as const satisfies readonly (readonly [string, NamespaceSelector | undefined, readonly string[]])[]) {
    it(what, () => {
      const { metadata, spec } = cloudEventsProvider({}, { namespace: "platform" });
      const provider = { metadata, spec: { ...spec, ...(runNamespaces !== undefined && { runNamespaces: runNamespaces as NamespaceSelector }) } };
      assert.deepEqual(["platform", "team-a", "team-b", "bare", "unknown"].filter((namespace) => takesRuns(provider, "team-a", namespace, labelsOf)), ["platform", "team-a", ...namespaces]);
    });
  }
});
