import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { describe, it } from "node:test";
import type { Kube } from "../../src/kube/kube.ts";
import { runElection } from "../../src/kube/election.ts";
import { KubeError } from "../../src/kube/kube-error.ts";
import type { KubeObject } from "../../src/kube/resources.ts";
import type { Term } from "../../src/kube/term.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import { manualClock, type ManualClock } from "../support/manual-clock.ts";

/** One Lease with the API server's optimistic lock; test/integration has the real one. */
function leaseServer() {
  const state = { lease: undefined as KubeObject | undefined, version: 0, writes: 0, down: false };
  const store = (object: KubeObject): Promise<KubeObject> => {
    if (state.down) return Promise.reject(new KubeError("KubernetesUnreachable", "down"));
    if (state.lease?.metadata.resourceVersion !== object.metadata.resourceVersion) return Promise.reject(new KubeError("KubernetesRequestFailed", "conflict", { status: 409 }));
    state.version += 1;
    state.writes += 1;
    state.lease = { ...object, metadata: { ...object.metadata, resourceVersion: String(state.version) } };
    return Promise.resolve(state.lease);
  };
  const kube = {
    get: () => (state.down ? Promise.reject(new KubeError("KubernetesUnreachable", "down")) : Promise.resolve(state.lease)),
    create: (_resource: unknown, object: KubeObject) => store(object),
    update: (_resource: unknown, object: KubeObject) => store(object),
  } as unknown as Kube;
  const spec = (): Record<string, unknown> => state.lease?.["spec"] as Record<string, unknown>;
  return { kube, state, spec };
}

interface Candidate {
  readonly identity: string;
  readonly clock: ManualClock;
  readonly terms: Term[];
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/** A process with its own clock, which leads until it loses the lease or is stopped. */
function candidate(kube: Kube, identity: string): Candidate {
  const clock = manualClock();
  const stop = new AbortController();
  const terms: Term[] = [];
  const lead = (term: Term): Promise<void> => {
    terms.push(term);
    return new Promise((resolve) => {
      for (const signal of [term.lost, stop.signal]) {
        signal.addEventListener("abort", () => {
          resolve();
        });
      }
    });
  };
  const options = { kube, clock, log: silentLogger, namespace: "own", name: "controller", identity, leaseDurationMs: 15_000, onChange: () => undefined };
  return { identity, clock, terms, stop, done: runElection(options, lead, stop.signal) };
}

const settle = async (): Promise<void> => {
  for (let turns = 0; turns < 20; turns += 1) await turn();
};

async function pass(ms: number, ...candidates: Candidate[]): Promise<void> {
  for (let left = ms; left > 0; left -= 500) {
    for (const { clock } of candidates) clock.advance(500);
    await settle();
  }
}

const leads = ({ terms }: Candidate): boolean => terms.at(-1)?.holds() === true;

async function end(...candidates: Candidate[]): Promise<void> {
  for (const { stop } of candidates) stop.abort();
  await Promise.all(candidates.map(({ done }) => done));
}

describe("an election", () => {
  it("has one leader, which renews the Lease and goes on for as long as it lives", async () => {
    const { kube, state, spec } = leaseServer();
    const [a, b] = [candidate(kube, "a"), candidate(kube, "b")];
    await settle();
    await pass(60_000, a, b);
    assert.deepEqual([leads(a), leads(b), a.terms.length, b.terms.length], [true, false, 1, 0]);
    assert.equal(spec()["holderIdentity"], "a");
    assert.equal(spec()["leaseTransitions"], 0);
    assert.ok(state.writes >= 28 && state.writes <= 32, `${state.writes} writes in 60 s`);
    await end(a, b);
  });

  it("is won by another within the duration after a crash, and never earlier", async () => {
    const { kube, spec } = leaseServer();
    const [a, b] = [candidate(kube, "a"), candidate(kube, "b")];
    await settle();
    await pass(4_000, a, b);
    // From here on a's time stands still: it renews nothing.
    await pass(14_000, b);
    assert.equal(leads(b), false);
    await pass(3_000, b);
    assert.equal(leads(b), true);
    assert.deepEqual([spec()["holderIdentity"], spec()["leaseTransitions"]], ["b", 1]);
    await end(a, b);
  });

  it("lets one who was frozen begin nothing when it wakes, and tells it that the lease is lost", async () => {
    const { kube } = leaseServer();
    const [a, b] = [candidate(kube, "a"), candidate(kube, "b")];
    await settle();
    await pass(20_000, b);
    assert.equal(leads(b), true);
    const [term] = a.terms;
    assert.ok(term?.holds() === true);
    // Its clock went on while it stood still: the first look at it says no, before any timer has run.
    a.clock.advance(20_000);
    assert.deepEqual([term.holds(), term.lost.aborted], [false, false]);
    await settle();
    assert.equal(term.lost.aborted, true);
    await pass(20_000, a, b);
    assert.deepEqual([leads(a), leads(b), a.terms.length], [false, true, 1]);
    await end(a, b);
  });

  it("ends the term of a leader that cannot renew before anybody else can begin", async () => {
    const { kube, state } = leaseServer();
    const a = candidate(kube, "a");
    await settle();
    await pass(4_000, a);
    state.down = true;
    await pass(9_500, a);
    assert.equal(leads(a), true);
    await pass(1_000, a);
    assert.deepEqual([leads(a), a.terms[0]?.lost.aborted], [false, true]);
    state.down = false;
    await pass(2_000, a);
    assert.deepEqual([leads(a), a.terms.length], [true, 2]);
    await end(a);
  });

  it("is let go on the way out, so that another need not wait", async () => {
    const { kube, spec } = leaseServer();
    const [a, b] = [candidate(kube, "a"), candidate(kube, "b")];
    await settle();
    await pass(4_000, a, b);
    await end(a);
    assert.equal(spec()["holderIdentity"], "");
    await pass(1_000, b);
    assert.equal(leads(b), true);
    await end(b);
  });

  it("is let go by one who was told to stop while it took it", async () => {
    const { kube, spec } = leaseServer();
    const answered = Promise.withResolvers<undefined>();
    const slow = {
      ...kube,
      create: async (...args: Parameters<Kube["create"]>) => {
        const made = await kube.create(...args);
        await answered.promise;
        args[2].throwIfAborted();
        return made;
      },
    };
    const a = candidate(slow, "a");
    await settle();
    a.stop.abort();
    answered.resolve(undefined);
    await a.done;
    assert.deepEqual([a.terms.length, spec()["holderIdentity"]], [0, ""]);
  });

  it("is taken over by one who wrote the Lease itself: the leader stops at its next renewal", async () => {
    const { kube, state } = leaseServer();
    const a = candidate(kube, "a");
    await settle();
    assert.ok(state.lease !== undefined);
    state.lease = { ...state.lease, metadata: { ...state.lease.metadata, resourceVersion: "other" }, spec: { holderIdentity: "x", leaseDurationSeconds: 15 } };
    await pass(2_500, a);
    assert.deepEqual([leads(a), a.terms[0]?.lost.aborted], [false, true]);
    await end(a);
    assert.equal((state.lease["spec"] as { holderIdentity: string }).holderIdentity, "x");
  });
});
