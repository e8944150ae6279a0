import assert from "node:assert/strict";
import { it } from "node:test";
import { createWatchHealth } from "../../src/controller/watch-health.ts";
import type { ReflectorHealth } from "../../src/kube/reflector-options.ts";
import { createMetrics, exposedName } from "../../src/telemetry/metrics.ts";
import { manualClock } from "../support/manual-clock.ts";

it("a watch that fails for two minutes is told of until it goes on; a short failure, and a kind that is not served, are not", async () => {
  const clock = manualClock();
  const metrics = createMetrics();
  const state: Record<string, ReflectorHealth["state"]> = { "pipelineruns.tekton.dev": "watching", "customruns.tekton.dev": "absent" };
  const health = createWatchHealth({ watches: () => Object.keys(state).map((resource) => ({ resource, health: () => ({ state: state[resource] ?? "starting", lastEventAt: 0 }) })), clock, metrics });
  const after = (ms: number): string | undefined => {
    clock.advance(ms);
    health.sample();
    return health.trouble();
  };
  assert.equal(after(600_000), undefined);
  state["pipelineruns.tekton.dev"] = "failing";
  assert.equal(after(5_000), undefined);
  assert.equal(after(119_999), undefined);
  const { body } = await metrics.render();
  assert.match(body, new RegExp(`${exposedName("watch_failing")}\\{resource="pipelineruns.tekton.dev"\\} 1`));
  assert.match(body, new RegExp(`${exposedName("watch_last_event_age_seconds")}\\{resource="customruns.tekton.dev"\\} 724.999`));
  assert.equal(after(1), "watching fails for pipelineruns.tekton.dev");
  state["pipelineruns.tekton.dev"] = "listing";
  assert.equal(after(5_000), undefined);
  state["pipelineruns.tekton.dev"] = "failing";
  assert.equal(after(5_000), undefined, "a new failure begins from the start");
});

it("a watch that nobody needs any more is neither failing nor shown", async () => {
  const clock = manualClock();
  const metrics = createMetrics();
  let watches = [{ resource: "taskruns.tekton.dev", health: () => ({ state: "failing" as const, lastEventAt: 0 }) }];
  const health = createWatchHealth({ watches: () => watches, clock, metrics });
  health.sample();
  clock.advance(120_000);
  health.sample();
  assert.equal(health.trouble(), "watching fails for taskruns.tekton.dev");
  watches = [];
  health.sample();
  assert.equal(health.trouble(), undefined);
  assert.doesNotMatch((await metrics.render()).body, /taskruns/);
});
