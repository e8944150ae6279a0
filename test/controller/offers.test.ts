import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { RunStatus } from "../../src/api/run-event.ts";
import { failed, run, running, type Setting, setting } from "./offers-scene.ts";

describe("a settled run", () => {
  it("is read again for a Notification that may owe something for it, and for no other", async () => {
    const { put, quiet, asked, touched, runs, offers, kept } = setting();
    runs.upsert(run("ci", "build", failed));
    runs.settle("build");
    put("ci/green", { filter: { statuses: ["Succeeded"] } });
    put("ci/later", {}, Date.UTC(2026, 0, 2));
    put("ci/red", { filter: { statuses: ["Failed"] } });
    for (const key of ["ci/green", "ci/later"]) offers.notificationChanged(key);
    await quiet();
    assert.deepEqual([kept, asked], [[], []]);
    offers.notificationChanged("ci/red");
    await quiet();
    assert.deepEqual([kept, touched], [["read build again"], ["ci/red build!"]]);
  });
});

describe("Notifications that become known together", () => {
  it("are asked about one run after the other", async () => {
    const { put, quiet, asked, runs, offers } = setting();
    for (const uid of ["a", "b", "packed"]) runs.upsert(run("ci", uid, failed));
    runs.pack("packed");
    put("ci/red", { filter: { statuses: ["Failed"] } });
    put("ci/any", {});
    for (const key of ["ci/red", "ci/any"]) offers.notificationChanged(key);
    await quiet();
    assert.deepEqual(asked, ["a", "b", "packed"].flatMap((name) => [`ci/red ${name}`, `ci/any ${name}`]));
    assert.deepEqual([runs.outline("packed")?.condition, runs.outline("packed")?.completionTime, runs.outline("none")], [failed.condition, failed.completionTime, undefined]);
  });
});

describe("a run that changes", () => {
  it("is shown to exactly the Notifications that can match it, among 2,000 in 50 namespaces", async () => {
    const { put, change, quiet, asked } = setting();
    const choices: readonly RunStatus[][] = [["Failed"], ["Succeeded"], ["Failed", "TimedOut"], ["Running"]];
    for (let index = 0; index < 2_000; index += 1) put(`team-${index % 50}/n-${index}`, { filter: { kinds: index % 3 === 0 ? ["TaskRun"] : ["PipelineRun"], statuses: choices[Math.floor(index / 50) % 4] ?? [] } });
    change(run("team-7", "build", failed));
    await quiet();
    const expected = Array.from({ length: 40 }, (_, index) => 7 + index * 50).filter((index) => index % 3 !== 0 && Math.floor(index / 50) % 2 === 0);
    assert.deepEqual(asked.toSorted(), expected.map((index) => `team-7/n-${index} build`).sort());
    assert.equal(asked.length, 14);
  });

  it("is handed on to the deliverer where the filter selects it, and nothing is kept elsewhere", async () => {
    const { put, change, quiet, touched, asked } = setting();
    put("ci/yes", { filter: { expression: 'name == "build"' } });
    put("ci/no", { filter: { expression: 'name == "other"' } });
    change(run("ci", "build"));
    await quiet();
    assert.deepEqual([asked, touched], [["ci/yes build", "ci/no build"], ["ci/yes build!"]]);
  });

  it("is offered again when a child changes, to those alone whose filter reads tasks; of those begun, also where the message does", async () => {
    const { put, change, quiet, asked, touched, known } = setting();
    put("ci/by-tasks", { filter: { expression: 'tasks.exists(t, t.status == "Failed")' } });
    put("ci/plain", { filter: { statuses: ["Running"] } });
    const begun = put("ci/begun");
    known.set("build", [{ notification: begun, runUid: "build", runNamespace: "ci" }]);
    change(run("ci", "build", running));
    await quiet();
    asked.length = touched.length = 0;
    const task = { kind: "TaskRun" as const, owner: { kind: "PipelineRun" as const, name: "build", uid: "build" } };
    change(run("ci", "lint", { ...task, ...failed }));
    await quiet();
    assert.deepEqual([asked, touched], [["ci/by-tasks build"], ["ci/begun build", "ci/by-tasks build!"]]);
  });

  it("is left to the deliverer where the filter reads tasks that are still to come", async () => {
    const { put, change, quiet, asked, touched } = setting();
    put("ci/by-tasks", { filter: { expression: "size(tasks) > 0" } });
    put("ci/plain");
    change(run("ci", "lint", { kind: "TaskRun", owner: { kind: "PipelineRun", name: "build", uid: "build" }, ...running }));
    change(run("ci", "build", failed));
    await quiet();
    assert.deepEqual([asked, touched], [["ci/plain build"], ["ci/by-tasks build", "ci/plain build!"]]);
  });

  it("is handed on at once for pairs that were begun, whatever their filter says, and those are not asked", async () => {
    const { put, change, quiet, touched, asked, records, known } = setting();
    const onRecord = put("ci/on-record", { filter: { statuses: ["Succeeded"] } });
    const underWay = put("ci/under-way");
    put("ci/new");
    records.set("build", [{ notification: onRecord, runUid: "build", runNamespace: "ci" }]);
    known.set("build", [{ notification: underWay, runUid: "build", runNamespace: "ci" }]);
    change(run("ci", "build", running));
    assert.deepEqual(touched, ["ci/on-record build", "ci/under-way build"]);
    await quiet();
    assert.deepEqual(asked, ["ci/new build"]);
  });

  it("is not brought to a Notification by a record that says that it is of another namespace than it is", async () => {
    const { put, change, quiet, touched, records } = setting();
    const elsewhere = put("evil/forged");
    records.set("build", [{ notification: elsewhere, runUid: "build", runNamespace: "evil" }]);
    change(run("ci", "build", running));
    await quiet();
    assert.deepEqual(touched, []);
  });

  it("is judged in its latest state, once, when it changes often before its turn comes", async () => {
    const { put, change, quiet, asked, touched } = setting();
    put("ci/failed", { filter: { statuses: ["Failed"] } });
    for (const state of [{}, running, running, failed]) change(run("ci", "build", state));
    await quiet();
    assert.deepEqual([asked, touched], [["ci/failed build"], ["ci/failed build!"]]);
  });

  it("and changes while its Notifications are gone through is shown to all of them again", async () => {
    const self = setting();
    for (const name of ["a", "b", "c"]) self.put(`ci/${name}`);
    self.selects = () => {
      if (self.asked.length === 2) self.change(run("ci", "build", failed));
      return false;
    };
    self.change(run("ci", "build", running));
    await self.quiet();
    assert.deepEqual(self.asked, ["a", "b", "c", "a", "b", "c"].map((name) => `ci/${name} build`));
  });

  it("that ended before a Notification was active is not judged for it", async () => {
    const { put, change, quiet, asked } = setting();
    put("ci/new", {}, Date.UTC(2026, 0, 2));
    put("ci/old");
    change(run("ci", "build", failed));
    await quiet();
    assert.deepEqual(asked, ["ci/old build"]);
  });

  it("is handed on unjudged where judging fails, and the other Notifications are asked all the same", async () => {
    const self = setting();
    for (const name of ["a", "broken", "b"]) self.put(`ci/${name}`);
    self.selects = (key) => {
      if (key === "ci/broken") throw new Error("a fault of ours");
      return false;
    };
    self.change(run("ci", "build"));
    await self.quiet();
    assert.deepEqual([self.asked.length, self.touched, self.log.map(({ message }) => message)], [3, ["ci/broken build"], ["a run could not be judged; trying again"]]);
  });
});

describe("one tenant's Notifications", () => {
  /** Judgements between two turns of the event loop, as counted from outside. */
  async function watched(self: Setting): Promise<number[]> {
    const counts: number[] = [];
    while (self.turns.length() > 0) {
      const before = self.asked.length;
      await nextTurn();
      counts.push(self.asked.length - before);
    }
    return counts;
  }

  it("at the cost limit, 1,000 of them, let the event loop come round after each, and another tenant's be judged after a few", async () => {
    const self = setting();
    for (let index = 0; index < 1_000; index += 1) self.put(`flood/n-${index}`);
    self.put("small/only");
    self.evaluationMs = (key) => (key.startsWith("flood/") ? 5 : 0.1);
    self.change(run("flood", "dear"));
    await nextTurn();
    self.change(run("small", "cheap"));
    const counts = await watched(self);
    assert.ok(self.asked.indexOf("small/only cheap") <= 3, self.asked.slice(0, 10).join(", "));
    assert.equal(self.asked.length, 1_001);
    assert.ok(Math.max(...counts) <= 2, `${Math.max(...counts)} judgements in a slice`);
    assert.equal(self.clock.monotonic(), 5_000.1);
  });

  it("with a flood of runs as well wait for their own turn only", async () => {
    const self = setting();
    for (let index = 0; index < 100; index += 1) self.put(`flood/n-${index}`);
    for (let index = 0; index < 10; index += 1) self.put(`small/n-${index}`);
    self.evaluationMs = (key) => (key.startsWith("flood/") ? 5 : 0.1);
    for (let index = 0; index < 50; index += 1) self.change(run("flood", `dear-${index}`));
    self.change(run("small", "cheap"));
    assert.equal(self.turns.length(), 51, "what waits are runs, not pairs");
    await watched(self);
    const order = self.asked.map((pair) => pair.split("/")[0]);
    assert.ok(order.lastIndexOf("small") < 12, "all ten of the small one after one or two of the flood");
    assert.equal(order.length, 5_010);
  });
});

describe("a run that vanishes", () => {
  it("is kept until its namespace's Notifications have been asked, and by those that were begun", async () => {
    const { put, runs, offers, quiet, kept, known, asked } = setting();
    const begun = put("ci/begun");
    put("ci/other", { filter: { statuses: ["Cancelled"] } });
    known.set("build", [{ notification: begun, runUid: "build", runNamespace: "ci" }]);
    runs.vanish(run("ci", "build", running), "seen");
    offers.runVanished("build");
    assert.deepEqual(kept, ["keep build for begun ci"]);
    await quiet();
    assert.deepEqual([asked, kept.slice(1)], [["ci/other build"], ["let build go from ci"]]);
  });

  it("while it is being gone through is let go only after its last state was", async () => {
    const self = setting();
    for (const name of ["a", "b"]) self.put(`ci/${name}`);
    self.evaluationMs = () => 5;
    self.change(run("ci", "build", running));
    await nextTurn();
    self.runs.vanish(run("ci", "build", running), "seen");
    self.offers.runVanished("build");
    await self.quiet();
    assert.deepEqual(self.asked, ["ci/a build", "ci/b build", "ci/a build", "ci/b build"]);
    assert.deepEqual(self.kept, ["keep build for ci", "let build go from ci"]);
  });

  it("is let go at once where no Notification is", () => {
    const { runs, offers, kept } = setting();
    runs.vanish(run("ci", "build"), "seen");
    offers.runVanished("build");
    assert.deepEqual(kept, ["keep build for "]);
  });
});

describe("a Notification that changes", () => {
  it("is asked about the runs of its namespace that it can match, and handed those that were begun", async () => {
    const { put, runs, offers, quiet, asked, touched, records } = setting();
    const own = put("ci/n", { filter: { statuses: ["Failed"] } }, Date.UTC(2026, 0, 1));
    runs.upsert(run("ci", "running", running));
    runs.upsert(run("ci", "failed", failed));
    runs.upsert(run("ci", "failed-before", { ...failed, completionTime: "2025-12-31T00:00:00Z" }));
    runs.upsert(run("ci", "begun", running));
    runs.upsert(run("prod", "elsewhere", failed));
    records.set("begun", [{ notification: own, runUid: "begun", runNamespace: "ci" }]);
    offers.notificationChanged("ci/n");
    await quiet();
    assert.deepEqual([asked, touched.toSorted()], [["ci/n failed"], ["ci/n begun", "ci/n failed!"]]);
  });

  it("is asked about the runs of all namespaces that it reaches, and handed what was begun elsewhere", async () => {
    const { put, runs, offers, quiet, asked, touched, records } = setting();
    const wide = put("ops/n", { filter: { namespaceSelector: { matchNames: ["ci", "prod"] } }, providerRef: { name: "service" } });
    const any = put("ops/any", { filter: { namespaceSelector: { any: true } } });
    put("ops/own");
    for (const namespace of ["ci", "prod", "test", "ops"]) runs.upsert(run(namespace, `in-${namespace}`, failed));
    records.set("in-prod", [{ notification: wide, runUid: "in-prod", runNamespace: "prod" }, { notification: any, runUid: "in-prod", runNamespace: "test" }]);
    offers.notificationChanged("ops/n");
    offers.notificationChanged("ops/any");
    await quiet();
    assert.deepEqual([asked.toSorted(), touched.filter((one) => !one.endsWith("!"))], [["ops/any in-ci", "ops/any in-ops", "ops/any in-prod", "ops/any in-test", "ops/n in-ci"], ["ops/n in-prod"]]);
  });

  it("and is not there any more is not asked", async () => {
    const { put, runs, routes, offers, quiet, asked } = setting();
    put("ci/n");
    runs.upsert(run("ci", "build"));
    offers.notificationChanged("ci/n");
    routes.delete("ci/n");
    offers.notificationChanged("ci/n");
    await quiet();
    assert.deepEqual(asked, []);
  });
});
