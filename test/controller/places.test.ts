import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RunEvent } from "../../src/api/run-event.ts";
import { createPlaces } from "../../src/controller/places.ts";
import { makeRoute } from "../../src/controller/routes.ts";
import { failed, running, start, succeeded } from "./deliver-harness.ts";
import { cloudEventsProvider, gitHubProvider, notification } from "./objects.ts";
import { runEvent, trimmed } from "./runs.ts";

const gitHub = makeRoute(notification(), gitHubProvider(), 0);
const place = { target: { owner: "example-org", repo: "shop-api", sha: "1", context: "ci" } };

const event = (uid: string, creationTimestamp?: string): RunEvent =>
  runEvent({ uid, run: creationTimestamp === undefined ? {} : { metadata: { name: uid, namespace: "ci", uid, creationTimestamp, labels: {}, annotations: {} } } });

const older = event("a", "2026-01-01T00:00:00Z");
const newer = event("b", "2026-01-01T00:00:01Z");

describe("a place that shows one state", () => {
  it("belongs to the newest run that reported there, by its creation and then its uid", () => {
    const places = createPlaces();
    places.note(gitHub, place, newer);
    places.note(gitHub, place, older);
    assert.deepEqual([older, newer, event("a", "2026-01-01T00:00:01Z"), event("c", "2026-01-01T00:00:01Z")].map((run) => places.isOvertaken(gitHub, place, run)), [true, false, true, false]);
  });

  it("is another one under another context, Provider or commit, whatever the order of its parts", () => {
    const places = createPlaces();
    places.note(gitHub, place, newer);
    const { owner, repo, sha, context } = place.target;
    assert.equal(places.isOvertaken(gitHub, { target: { context, sha, repo, owner } }, older), true);
    assert.equal(places.isOvertaken(gitHub, { target: { ...place.target, context: "other" } }, older), false);
    assert.equal(places.isOvertaken(makeRoute(notification({ providerRef: { name: "other" } }), gitHubProvider(), 0), place, older), false);
  });

  it("is left to no run that has one of its own there, such as a check run", () => {
    const places = createPlaces();
    places.note(gitHub, place, newer);
    assert.deepEqual([places.isOvertaken(gitHub, { ...place, placeOfItsOwn: true }, older), places.isOvertaken(gitHub, place, older)], [false, true]);
  });

  it("is known from the records after a restart", () => {
    const places = createPlaces();
    places.restore("ci/service", [place.target], { created: Date.UTC(2026, 0, 1, 0, 0, 1) / 1000, uid: "b" });
    assert.equal(places.isOvertaken(gitHub, place, older), true);
  });

  it("is nobody's at a service that keeps no state, and for a run of unknown age", () => {
    const places = createPlaces();
    const events = makeRoute(notification(), cloudEventsProvider(), 0);
    places.note(events, place, newer);
    places.note(gitHub, place, newer);
    assert.deepEqual([places.isOvertaken(events, place, older), places.isOvertaken(gitHub, place, event("a"))], [false, false]);
  });
});

describe("an older run that ends after a newer one of the same commit and context", () => {
  const made = (uid: string, creationTimestamp: string, state: typeof running): typeof running =>
    trimmed({ ...state, uid, name: uid, creationTimestamp, object: { metadata: { name: uid, namespace: "ci", uid, creationTimestamp, labels: {}, annotations: {} } } });

  it("overwrites nothing", async (t) => {
    const harness = start(t, { provider: gitHubProvider(), spec: { githubApp: { context: "ci" } } });
    await harness.change(made("old", "2026-01-01T00:00:00Z", running));
    await harness.change(made("new", "2026-01-01T00:00:05Z", running));
    await harness.change(made("new", "2026-01-01T00:00:05Z", succeeded));
    await harness.change(made("old", "2026-01-01T00:00:00Z", failed));
    assert.deepEqual(harness.sent, ["pending", "pending", "success"]);
    assert.equal(harness.deliverer.owedCount(), 0);
  });

  it("ends the check run that it had begun, which is its own, and begins none", async (t) => {
    const harness = start(t, { provider: gitHubProvider(), spec: { githubApp: { report: "CheckRun", context: "ci" } } });
    let id = 0;
    harness.service = () => ({ externalRef: String((id += 1)) });
    const sent: string[] = [];
    const service = harness.service;
    harness.service = (message, signal) => {
      const { method, url, body } = message.request;
      sent.push(`${method} ${url.slice(url.indexOf("/check-runs"))} ${(body as { status: string }).status}`);
      return service(message, signal);
    };
    await harness.change(made("old", "2026-01-01T00:00:00Z", running));
    await harness.change(made("new", "2026-01-01T00:00:05Z", running));
    await harness.change(made("new", "2026-01-01T00:00:05Z", succeeded));
    await harness.change(made("old", "2026-01-01T00:00:00Z", failed));
    await harness.change(made("late", "2026-01-01T00:00:01Z", failed));
    await harness.advance(2_000);
    assert.deepEqual(sent, ["POST /check-runs in_progress", "POST /check-runs in_progress", "PATCH /check-runs/2 completed", "PATCH /check-runs/1 completed"]);
  });
});
