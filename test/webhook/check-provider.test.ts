import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Provider } from "../../src/api/provider.ts";
import { checkProvider } from "../../src/webhook/check-provider.ts";
import { compiledFilter } from "../../src/webhook/check-selection.ts";
import { notification } from "./objects.ts";
import { providers } from "./changed.ts";

const warnings = async (provider: unknown, spec: object): Promise<string[]> => {
  const reader = { find: () => Promise.resolve(provider as Provider | undefined) };
  const object = notification({ providerRef: { name: "p" }, ...spec });
  const found = await checkProvider({ object, compilation: compiledFilter(object["spec"]) }, "ci", reader, new AbortController().signal);
  return found.map(({ field, code }) => `${field} ${code}`);
};

describe("checkProvider", () => {
  it("warns of a Provider that there is not", async () => {
    assert.deepEqual(await warnings(undefined, {}), ["spec.providerRef ProviderNotFound"]);
  });

  it("warns of a section that is not for its type", async () => {
    assert.deepEqual(await warnings(providers.slack, { githubApp: {} }), ["spec.githubApp SectionUnused"]);
    assert.deepEqual(await warnings(providers.github, { githubApp: {} }), []);
  });

  it("warns of statuses that are asked for and that the Provider is not told of by default", async () => {
    const filter = { expression: 'status == "Running"' };
    assert.deepEqual(await warnings(providers.slack, { filter }), ["spec.filter.expression StatusNotSent"]);
    assert.deepEqual(await warnings(providers.github, { filter }), []);
    assert.deepEqual(await warnings(providers.slack, { filter: { ...filter, statuses: ["Running"] } }), []);
  });

  it("leaves what the object alone told to where it was told", async () => {
    assert.deepEqual(await warnings(providers.slack, { slackApp: {}, filter: { expression: 'status == "Running"' } }), []);
    assert.deepEqual(await warnings(providers.slack, { filter: { expression: 'kind == "TaskRun"' } }), []);
  });
});
