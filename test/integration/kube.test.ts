import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { createDeniedRanges } from "../../src/controller/denied-ranges.ts";
import { connect } from "../../src/kube/client.ts";
import type { Kube } from "../../src/kube/kube.ts";
import { createStatusWriter } from "../../src/kube/apply.ts";
import { createEventRecorder } from "../../src/kube/events.ts";
import { reflect } from "../../src/kube/reflector.ts";
import type { ReflectorSettings } from "../../src/kube/reflector-options.ts";
import { keyOf, pipelineRuns, type KubeObject, type Resource } from "../../src/kube/resources.ts";
import { systemClock } from "../../src/telemetry/clock.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import type { ControlPlane } from "../support/control-plane.ts";
import type { KubeClient } from "../support/kube-client.ts";
import { controlPlaneTests } from "../support/require.ts";

const configMaps: Resource = { group: "", version: "v1", plural: "configmaps", kind: "ConfigMap", namespaced: true };
const signal = AbortSignal.timeout(180_000);

async function eventually(what: string, holds: () => boolean): Promise<void> {
  for (let look = 0; look < 1_200; look += 1) {
    if (holds()) return;
    await pause(50);
  }
  assert.fail(`never came true: ${what}`);
}

/** Asks until the API server answers: it may be away. */
async function insist(client: KubeClient, method: string, path: string, body?: unknown): Promise<number> {
  for (;;) {
    try {
      const { status } = await client.send(method, path, body === undefined ? {} : { body });
      if (status < 500 && status !== 429) return status;
    } catch (error) {
      if (signal.aborted) throw error;
    }
    await pause(100);
  }
}

interface Trimmed {
  readonly uid: string | undefined;
  readonly revision: number;
}

const trim = (object: KubeObject): Trimmed => ({ uid: object.metadata.uid, revision: Number((object["data"] as { revision: string }).revision) });

/** Follows ConfigMaps of one namespace and checks, call by call, that nothing goes backwards. */
async function follow(plane: ControlPlane, t: TestContext, namespace: string, settings: Partial<ReflectorSettings>) {
  const kube = await connect({ kubeconfig: plane.kubeconfig });
  const stop = new AbortController();
  let lists = 0;
  const counting: Kube = {
    ...kube,
    list: (...args) => {
      lists += 1;
      return kube.list(...args);
    },
  };
  const highest = new Map<string, number>();
  const ended = new Map<string, Trimmed>();
  const faults: string[] = [];
  const reflector = reflect<Trimmed>(
    {
      kube: counting,
      resource: configMaps,
      namespace,
      transform: trim,
      handlers: {
        onUpsert: (key, value) => {
          const uid = value.uid ?? "";
          if (ended.has(uid)) faults.push(`${key}: a state after its deletion`);
          if (value.revision < (highest.get(uid) ?? 0)) faults.push(`${key}: revision ${value.revision} after ${highest.get(uid) ?? 0}`);
          highest.set(uid, value.revision);
        },
        onDelete: (key, value) => {
          if (ended.has(value.uid ?? "")) faults.push(`${key}: deleted twice`);
          ended.set(value.uid ?? "", value);
        },
      },
      log: silentLogger,
      clock: systemClock,
      settings: { backoffCapMs: 1_000, ...settings },
    },
    stop.signal,
  );
  t.after(async () => {
    stop.abort(new Error("the test is over"));
    await reflector.done;
    await kube.close();
  });
  await reflector.synced;
  return { kube, reflector, ended, highest, faults, lists: () => lists };
}

const test = controlPlaneTests();

test("the addresses of Services are known from the API server, and those that are added later", async (plane) => {
  const kube = await connect({ kubeconfig: plane.kubeconfig });
  const ranges = createDeniedRanges({ kube, cidrs: [], telemetry: { clock: systemClock, log: silentLogger } });
  const denied = (): boolean[] => ["10.0.0.1", "10.77.0.9", "203.0.113.1"].map((address) => ranges.current().check(address));
  await ranges.known(signal);
  assert.deepEqual(denied(), [true, false, false]);
  const more = { apiVersion: "networking.k8s.io/v1", kind: "ServiceCIDR", metadata: { name: "more" }, spec: { cidrs: ["10.77.0.0/24"] } };
  await insist(plane.client, "POST", "/apis/networking.k8s.io/v1/servicecidrs", more);
  await ranges.known(signal);
  assert.deepEqual(denied(), [true, true, false]);
  await kube.close();
});

for (const initialState of ["stream", "pages"] as const) {
  test(`a reflector (${initialState}) sees the last state of 300 objects through a restart of the API server`, async (plane, t) => {
    const namespace = `reflect-${initialState}`;
    await plane.kubectl(["create", "namespace", namespace]);
    const base = `/api/v1/namespaces/${namespace}/configmaps`;
    const body = (name: string, revision: number): unknown => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace }, data: { revision: String(revision) } });
    await insist(plane.client, "POST", base, body("early", 1));
    const { kube, reflector, ended, highest, faults, lists } = await follow(plane, t, namespace, { initialState, pageSize: 50 });
    const relistsBefore = reflector.health().relists;

    const play = async (index: number): Promise<void> => {
      const name = `object-${index}`;
      await insist(plane.client, "POST", base, body(name, 1));
      for (const revision of [2, 3]) await insist(plane.client, "PUT", `${base}/${name}`, body(name, revision));
      if (index % 3 === 0) await insist(plane.client, "DELETE", `${base}/${name}`);
    };
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let index = next++; index < 300; index = next++) await play(index);
    };
    const workers = Promise.all(Array.from({ length: 8 }, worker));
    await eventually("half of the objects are written", () => next > 150);
    await plane.restartApiServer();
    await workers;

    const { items } = await kube.listAll(configMaps, { namespace, limit: 50 }, signal);
    const expected = new Map(items.map((item) => [item.metadata.uid, trim(item)]));
    assert.equal(items.filter((item) => item.metadata.name.startsWith("object-")).length, 200);
    const current = (): Map<string | undefined, Trimmed> => new Map([...reflector.values()].map((value) => [value.uid, value]));
    const sorted = (map: Map<string | undefined, Trimmed>): unknown[] => [...map.values()].sort((a, b) => String(a.uid).localeCompare(String(b.uid)));
    await eventually("the copy equals the API server's state", () => JSON.stringify(sorted(current())) === JSON.stringify(sorted(expected)));

    assert.deepEqual(faults, []);
    // What was created and deleted while the connection was down may never have been seen; what was seen must be ended.
    const unended = [...highest.keys()].filter((uid) => !ended.has(uid) && !expected.has(uid));
    assert.deepEqual(unended, []);
    assert.ok([...ended].every(([uid, last]) => last.revision >= (highest.get(uid) ?? 0)), "a deletion carries no older state than was seen");
    assert.ok([...ended.values()].filter((last) => last.revision === 3).length > 20);
    const health = reflector.health();
    assert.ok(health.reconnects >= 1, "the restart cut the watch");
    assert.ok(health.resumes + health.relists - relistsBefore >= 1);
    // The server streams the initial state, so that no list is ever asked for.
    assert.equal(lists() > 0, initialState === "pages");
    assert.ok(items.every((item) => reflector.get(namespace, item.metadata.name) !== undefined), keyOf(namespace, "object-*"));
  });
}

test("custom resources come from a streamed initial state too, paged lists hold all of them, and status and Events are written", async (plane, t) => {
  const namespace = "client";
  await plane.kubectl(["create", "namespace", namespace]);
  const kube = await connect({ kubeconfig: plane.kubeconfig });
  const stop = new AbortController();
  const runs = Array.from({ length: 7 }, (_, index) => ({
    apiVersion: "tekton.dev/v1",
    kind: "PipelineRun",
    metadata: { name: `run-${index}`, namespace },
    spec: { pipelineRef: { name: "p" } },
  }));
  for (const run of runs) await kube.create(pipelineRuns, run, signal);
  const asked: string[] = [];
  const reflector = reflect(
    {
      kube: { ...kube, list: (...args) => (asked.push("list"), kube.list(...args)) },
      resource: pipelineRuns,
      transform: (object) => object.metadata.name,
      handlers: {},
      log: silentLogger,
      clock: systemClock,
    },
    stop.signal,
  );
  t.after(async () => {
    stop.abort(new Error("the test is over"));
    await reflector.done;
    await kube.close();
  });
  await reflector.synced;
  assert.deepEqual([[...reflector.values()].sort(), asked], [runs.map((run) => run.metadata.name), []]);
  const { items } = await kube.listAll(pipelineRuns, { namespace, limit: 2 }, signal);
  assert.deepEqual(items.map((item) => item.metadata.name), runs.map((run) => run.metadata.name));

  const [first] = items;
  assert.ok(first?.metadata.uid !== undefined);
  const target = { namespace, name: first.metadata.name, uid: first.metadata.uid };
  const writer = createStatusWriter(kube, "kube-test");
  assert.equal(await writer.write(pipelineRuns, { metadata: target }, { observedGeneration: 7 }, signal), "written");
  const stored = await kube.get(pipelineRuns, target, signal);
  assert.deepEqual(stored?.["status"], { observedGeneration: 7 });
  assert.equal(await writer.write(pipelineRuns, { metadata: { ...target, name: "none" } }, { observedGeneration: 8 }, signal), "gone");

  await assert.rejects(kube.update(pipelineRuns, first, signal), { status: 409 });
  await assert.rejects(kube.delete(pipelineRuns, target, { uid: "another" }, signal), { status: 409 });
  assert.equal(await kube.delete(pipelineRuns, target, { uid: target.uid }, signal), true);
  await eventually("the deletion is seen", () => reflector.get(namespace, target.name) === undefined);

  const recorder = createEventRecorder({ kube, reportingController: "integrations.tekton.ornew.io/controller", reportingInstance: "test", clock: systemClock, log: silentLogger }, signal);
  recorder.publish({ resource: pipelineRuns, ...target }, { type: "Normal", reason: "Tested", action: "Test", note: "ü".repeat(2_000) });
  await recorder.flush();
  const { stdout } = await plane.kubectl(["get", "events", "-n", namespace, "-o", "jsonpath={.items[*].reason}{'|'}{.items[*].involvedObject.name}{'|'}{.items[*].message}"]);
  const [reason, name, note] = stdout.split("|");
  assert.deepEqual([reason, name], ["Tested", target.name]);
  assert.ok(Buffer.byteLength(note ?? "") <= 1024 && (note ?? "").endsWith("…"));
});
