import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { createController } from "../../src/controller/controller.ts";
import { observeNothing } from "../../src/controller/steps.ts";
import { connect } from "../../src/kube/client.ts";
import type { Kube } from "../../src/kube/kube.ts";
import { createOutbound } from "../../src/providers/outbound.ts";
import { systemClock } from "../../src/telemetry/clock.ts";
import { createLogger } from "../../src/telemetry/log.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { createRedactor } from "../../src/telemetry/redact.ts";
import { ownNamespace } from "../support/installation.ts";
import { installedTests, type World } from "../support/installed-tests.ts";
import { makeRun } from "../support/made-runs.ts";
import { cloudEventsProvider, notification, toldBy } from "../support/manifests.ts";
import { startCloudEventsSink, type CloudEventsSink } from "../support/receivers-cloudevents.ts";
import { eventually } from "../support/wait.ts";

const test = installedTests();

/** A request of the controller that waits until the test lets it go on. */
interface Gate {
  readonly reached: Promise<void>;
  readonly open: () => void;
  readonly pass: () => Promise<void>;
}

function createGate(): Gate {
  const [reached, opened] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
  return {
    reached: reached.promise,
    open: () => {
      opened.resolve(undefined);
    },
    pass: () => {
      reached.resolve(undefined);
      return opened.promise;
    },
  };
}

/** A controller in this process, in the place of the installed one; `through` may hold up its requests. `pruned`: it has seen a run being deleted. */
async function control({ installation }: World, t: TestContext, through: (kube: Kube) => Partial<Kube>): Promise<{ readonly pruned: Promise<void> }> {
  await installation.controller.kill("SIGTERM");
  const kube = await connect({ kubeconfig: installation.controller.kubeconfig });
  const redactor = createRedactor();
  const seen = Promise.withResolvers<undefined>();
  const watch: Kube["watch"] = async function* (resource, options, signal) {
    for await (const event of kube.watch(resource, options, signal)) {
      yield event;
      if (resource.plural === "pipelineruns" && event.type === "DELETED") seen.resolve(undefined);
    }
  };
  const controller = createController({
    kube: { ...kube, watch, ...through(kube) },
    ownIdentityNamespaces: new Set(),
    outbound: (mayBegin) => createOutbound({ policy: { development: true, allowHttp: true, allowHosts: [], clusterDomain: "cluster.local" }, mayBegin, proxies: { none: [] } }),
    telemetry: { log: createLogger("error", redactor), metrics: createMetrics(), redactor, clock: systemClock },
    observe: observeNothing,
    urlTemplate: undefined,
    deadlineMs: 3_600_000,
    instance: "here",
    namespace: ownNamespace,
    watchNamespaces: [],
    leaseDurationMs: 15_000,
    whileLeading: () => Promise.resolve(),
  });
  const stop = new AbortController();
  const running = controller.run(stop.signal);
  t.after(async () => {
    stop.abort();
    await running;
    await kube.close();
    await installation.controller.start();
  });
  return { pruned: seen.promise };
}

/** A namespace with the Provider `events`, which leads to the sink, and the Notification `ends`, once both are Ready. */
async function reportingEnds(world: World, t: TestContext, namespace: string): Promise<CloudEventsSink> {
  const sink = await startCloudEventsSink();
  t.after(() => sink.close());
  await world.createNamespace(namespace);
  await world.apply(cloudEventsProvider(namespace, "events", sink.url), notification(namespace, "ends", "events", { expression: "terminal" }));
  await world.plane.kubectl(["wait", "--for=condition=Ready", "notification/ends", "provider/events", "--namespace", namespace, "--timeout=20s"]);
  return sink;
}

test("a run that ends and is pruned after the Lease was won, and before all Deliveries are known, is told of", async (world, t) => {
  const { plane } = world;
  const namespace = "take-up";
  const sink = await reportingEnds(world, t, namespace);
  const gate = createGate();
  const { pruned } = await control(world, t, (kube) => ({
    listAll: async (resource, options, signal) => {
      if (resource.plural === "deliveries") await gate.pass();
      return kube.listAll(resource, options, signal);
    },
  }));
  await gate.reached;
  const run = await makeRun(plane.client, namespace, "short");
  await run.become("True", "Succeeded");
  await run.remove();
  await pruned;
  gate.open();
  await eventually("its end is told", () => sink.events().length > 0);
  assert.deepEqual(sink.events().map(toldBy).map(({ uid, status }) => [uid, status]), [[run.uid, "Succeeded"]]);
});

test("a run that ends and is pruned before a new Notification's status is written is told of", async (world, t) => {
  const { plane } = world;
  const namespace = "new-notification";
  const sink = await startCloudEventsSink();
  t.after(() => sink.close());
  await world.createNamespace(namespace);
  await world.apply(cloudEventsProvider(namespace, "events", sink.url));
  const gate = createGate();
  const { pruned } = await control(world, t, (kube) => ({
    applyStatus: async (resource, object, options, signal) => {
      if (resource.plural === "notifications" && object.metadata.namespace === namespace) await gate.pass();
      return kube.applyStatus(resource, object, options, signal);
    },
  }));
  await eventually("the Provider is Ready", async () => (await plane.kubectl(["wait", "--for=condition=Ready", "provider/events", "--namespace", namespace, "--timeout=1s"], { allowFailure: true })).code === 0);
  await world.apply(notification(namespace, "ends", "events", { expression: "terminal" }));
  await gate.reached;
  const run = await makeRun(plane.client, namespace, "short");
  await run.become("False", "Failed");
  await run.remove();
  await pruned;
  gate.open();
  await eventually("its end is told", () => sink.events().length > 0);
  assert.deepEqual(sink.events().map(toldBy).map(({ uid, status }) => [uid, status]), [[run.uid, "Failed"]]);
});

test("who takes over leaves the statuses as they are: nothing is Unknown meanwhile, and what is there already is not written again", async (world, t) => {
  const { plane } = world;
  const namespace = "taken-over";
  const sink = await reportingEnds(world, t, namespace);
  const written: string[] = [];
  await control(world, t, (kube) => ({
    applyStatus: (resource, object, options, signal) => {
      const { conditions = [] } = object["status"] as { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
      if (object.metadata.namespace === namespace && resource.plural !== "deliveries") written.push(`${resource.kind} ${conditions.find(({ type }) => type === "Ready")?.status ?? ""}`);
      return kube.applyStatus(resource, object, options, signal);
    },
  }));
  const run = await makeRun(plane.client, namespace, "run");
  await run.become("True", "Succeeded");
  await eventually("its end is told, and counted", () => sink.events().length > 0 && written.includes("Provider True") && written.includes("Notification True"));
  // When it has caught up, and what it has sent, is new; there was nothing new to say of the Provider before it was used.
  assert.deepEqual(new Set(written), new Set(["Notification True", "Provider True"]));
  assert.equal(written.filter((what) => what === "Provider True").length, 1);
});
