import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Provider } from "../../src/api/provider.ts";
import { createGates } from "../../src/controller/gates.ts";
import { cloudEventsProvider, notification } from "./objects.ts";

const { metadata, spec } = cloudEventsProvider({}, { namespace: "platform" });
const labels: Record<string, Record<string, string>> = { prod: { team: "a" } };

/** What messages for runs of some namespaces meet, through a Provider of `platform`. */
function met(more: Partial<Provider["spec"]> | undefined): string[] {
  const provider: Provider | undefined = more === undefined ? undefined : { metadata, spec: { ...spec, ...more } };
  const gates = createGates({ providerFor: () => provider, labelsOf: (name) => labels[name] }, { current: () => undefined });
  return ["ci", "platform", "prod", "test"].map((namespace) => {
    const gate = gates.forRun(notification(), namespace);
    return gate.ready === false ? gate.code : "goes";
  });
}

describe("what messages meet", () => {
  it("is open for runs of both own namespaces, and of those that the Provider takes now", () => {
    assert.deepEqual(met({}), ["goes", "goes", "RunsNotCovered", "RunsNotCovered"]);
    assert.deepEqual(met({ runNamespaces: { any: true } }), ["goes", "goes", "goes", "goes"]);
    assert.deepEqual(met({ runNamespaces: { matchLabels: { team: "a" } } }), ["goes", "goes", "goes", "RunsNotCovered"]);
    labels["test"] = { team: "a" };
    delete labels["prod"];
    assert.deepEqual(met({ runNamespaces: { matchLabels: { team: "a" } } }), ["goes", "goes", "RunsNotCovered", "goes"]);
  });

  it("is closed for all without a Provider, and where it is suspended", () => {
    assert.deepEqual(met(undefined), Array.from({ length: 4 }, () => "ProviderNotFound"));
    assert.deepEqual(met({ suspend: true, runNamespaces: { any: true } }), Array.from({ length: 4 }, () => "ProviderSuspended"));
  });
});
