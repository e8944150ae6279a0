import assert from "node:assert/strict";
import { it } from "node:test";
import { providers } from "../../src/providers/registry.ts";
import { connectionSuite } from "./provider-connections.ts";
import { entries } from "./provider-entries.ts";
import { providerSuite } from "./provider-suite.ts";

it("every provider of the registry is held to the suite", () => {
  assert.deepEqual([...new Set(entries.map(({ definition }) => definition.type))], providers.map(({ type }) => type));
});

for (const entry of entries) {
  providerSuite(entry);
  connectionSuite(entry);
}
