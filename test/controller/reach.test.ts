import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Provider } from "../../src/api/provider.ts";
import type { NamespaceSelector } from "../../src/api/selectors.ts";
import { isCut, reachOf, readsNamespaceLabels, selectableNamespaces, type KnownNamespaces, type Reach } from "../../src/controller/reach.ts";
import { cloudEventsProvider, notification } from "./objects.ts";

const labels = new Map([["a", { team: "a" }], ["b", { team: "b" }], ["ci", {}], ["platform", {}]]);
const known: KnownNamespaces = { names: () => labels.keys(), labelsOf: (name) => labels.get(name) };

/** A Notification in `ci`, a Provider in `platform`. */
const selecting = (namespaceSelector?: NamespaceSelector) => notification(namespaceSelector === undefined ? {} : { filter: { namespaceSelector } });
const taking = (runNamespaces?: NamespaceSelector): Provider => {
  const { metadata, spec } = cloudEventsProvider({}, { namespace: "platform" });
  return { metadata, spec: { ...spec, ...(runNamespaces !== undefined && { runNamespaces }) } };
};
const shown = ({ selected, served }: Reach): string => [selected, served].map((names) => (names === undefined ? "all" : [...names].toSorted().join(" "))).join(" | ");

const any = { any: true } as const;
const names = { matchNames: ["a", "x"] };
const labelled = { matchExpressions: [{ key: "team", operator: "Exists" as const }] };

describe("the reach of a Notification", () => {
  for (const [what, selector, runNamespaces, expected, cut] of [
    ["is its own namespace where it says nothing", undefined, undefined, "ci | ci", false],
    ["is its own namespace whatever the Provider takes", undefined, any, "ci | ci", false],
    ["is what it names, where the Provider takes all", names, any, "a x | a x", false],
    ["is nothing else than both own namespaces where the Provider says nothing", { matchNames: ["a", "ci", "platform"] }, undefined, "a ci platform | ci platform", true],
    ["is of any namespace what the Provider takes", any, names, "all | a ci platform x", true],
    ["is of any namespace those with the labels that the Provider takes", any, { matchLabels: { team: "b" } }, "all | b ci platform", true],
    ["is both own namespaces of any where the Provider says nothing", any, undefined, "all | ci platform", true],
    ["is any namespace where the Provider takes all", any, any, "all | all", false],
    ["are the namespaces with the labels", labelled, any, "a b | a b", false],
    ["are those with the labels that the Provider takes by label too", labelled, labelled, "a b | a b", false],
    ["are those with the labels that the Provider names", labelled, names, "a b | a", true],
    ["is nothing where no namespace has the labels", { matchLabels: { team: "z" } }, undefined, " | ", false],
  ] as const satisfies readonly (readonly [string, NamespaceSelector | undefined, NamespaceSelector | undefined, string, boolean])[]) {
    it(what, () => {
      const reach = reachOf(selecting(selector), taking(runNamespaces), known);
      assert.deepEqual([shown(reach), isCut(reach)], [expected, cut]);
    });
  }

  it("is not cut by a Provider that is not there", () => {
    assert.equal(shown(reachOf(selecting(any), undefined, known)), "all | all");
  });

  it("is told from another one by its digest, which is empty for the own namespace alone", () => {
    const digest = (selector: NamespaceSelector | undefined, runNamespaces?: NamespaceSelector): string => reachOf(selecting(selector), taking(runNamespaces), known).digest;
    assert.deepEqual([digest(undefined), digest({ matchNames: ["ci"] }), digest({ matchNames: ["a", "ci"] })], ["", "", ""]);
    assert.equal(digest({ matchNames: ["x", "a"] }, any), digest(names, any));
    assert.equal(new Set([digest(undefined), digest(names, any), digest(labelled, any), digest(any, any), digest(any)]).size, 5);
  });

  it("depends on labels of Namespaces where either side says so, and not for the own namespace", () => {
    const reads = (selector: NamespaceSelector | undefined, runNamespaces?: NamespaceSelector): boolean => readsNamespaceLabels(selecting(selector), taking(runNamespaces));
    assert.deepEqual([reads(undefined, labelled), reads(names), reads(any, any), reads(labelled), reads(names, labelled), reads(any, labelled)], [false, false, false, true, true, true]);
  });

  it("can be within the named namespaces, else anywhere", () => {
    assert.deepEqual([undefined, names, any, labelled].map((selector) => selectableNamespaces(selecting(selector))), [["ci"], ["a", "x"], undefined, undefined]);
  });
});
