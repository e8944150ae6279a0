import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DeliveryError } from "../../src/providers/delivery-error.ts";
import type { Accepted } from "../../src/providers/provider.ts";
import { failed, running, start, type Harness, type Service } from "./deliver-harness.ts";
import { notification, slackProvider } from "./objects.ts";

/** As many runs as are named, in the state. */
async function changeAll(harness: Harness, uids: readonly string[], state = failed): Promise<void> {
  for (const uid of uids) await harness.change({ ...state, uid, name: uid });
}

/** Never answers. */
const hangs: Service = (_, signal) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => {
      reject(signal.reason as Error);
    });
  });

/** A service that accepts each message when it is told to, the first to come first. */
function answersWhenTold(harness: Harness) {
  const waiting: (() => void)[] = [];
  harness.service = () =>
    new Promise<Accepted>((resolve) => {
      waiting.push(() => {
        resolve({});
      });
    });
  const answerOne = (): Promise<void> => {
    waiting.shift()?.();
    return harness.quiet();
  };
  return {
    answerOne,
    answerAll: async () => {
      for (let round = 0; waiting.length > 0 && round < 40; round += 1) await answerOne();
    },
  };
}

const uids = (count: number): string[] => Array.from({ length: count }, (_, index) => `run-${index}`);

describe("messages of one Provider", () => {
  it("take turns: eight are under way at one time, and each that ends lets the next one go", async (t) => {
    const harness = start(t);
    const service = answersWhenTold(harness);
    await changeAll(harness, uids(20));
    assert.equal(harness.sent.length, 8);
    await service.answerOne();
    assert.equal(harness.sent.length, 9);
    await service.answerAll();
    assert.deepEqual([harness.sent.length, harness.writes.filter(({ owed }) => !owed).length], [20, 20]);
  });

  it("that wait for their turn go out with the state that the run is in then", async (t) => {
    const harness = start(t);
    const service = answersWhenTold(harness);
    await changeAll(harness, uids(9), running);
    await harness.change({ ...failed, uid: "run-8", name: "run-8" });
    await service.answerAll();
    assert.deepEqual(harness.sent.filter((state) => state === "Failed"), ["Failed"]);
    assert.equal(harness.sent.length, 9);
  });

  it("that wait for their turn are on record as owed after five seconds, and at once when the run vanishes", async (t) => {
    const harness = start(t);
    harness.service = hangs;
    await changeAll(harness, uids(10));
    assert.equal(harness.writes.length, 0);
    await harness.vanish({ ...failed, uid: "run-9", name: "run-9" });
    assert.deepEqual(harness.writes.map(({ status, owed }) => [status, owed]), [["Failed", true]]);
    await harness.advance(5_000);
    assert.deepEqual(harness.writes.filter(({ owed }) => owed).length, 10);
  });

  it("stop for as long as the service asks, whichever of them it told", async (t) => {
    const harness = start(t);
    harness.service = () => {
      throw new DeliveryError("RateLimited", "slow down", { retryAfterMs: 60_000 });
    };
    await changeAll(harness, ["run-0"]);
    harness.service = () => ({});
    await changeAll(harness, ["run-1", "run-2"]);
    assert.equal(harness.sent.length, 1);
    await harness.advance(59_000);
    assert.equal(harness.sent.length, 1);
    await harness.advance(2_000);
    assert.equal(harness.sent.length, 4);
  });

  it("keep below the Provider's own rate", async (t) => {
    const harness = start(t);
    harness.rate = { requests: 2, perMs: 1_000 };
    await changeAll(harness, uids(5));
    assert.equal(harness.sent.length, 2);
    await harness.advance(1_000);
    assert.equal(harness.sent.length, 4);
    await harness.advance(1_000);
    assert.equal(harness.sent.length, 5);
  });
});

describe("messages of one Notification above its maxPerMinute", () => {
  it("wait on record, without an attempt, and none is dropped", async (t) => {
    const harness = start(t);
    harness.perMinute = 3;
    await changeAll(harness, uids(5));
    assert.deepEqual([harness.sent.length, harness.throttled], [3, ["ci/to-service", "ci/to-service"]]);
    const held = harness.writes.filter(({ owed }) => owed);
    assert.deepEqual(held.map(({ destinations }) => [destinations[0]?.state, destinations[0]?.lastError?.code, destinations[0]?.attempts]), [["Pending", "MessagesThrottled", undefined], ["Pending", "MessagesThrottled", undefined]]);
    await harness.advance(60_000);
    assert.equal(harness.sent.length, 5);
    assert.equal(harness.deliverer.owedCount(), 0);
  });

  it("do not hold up another Notification's", async (t) => {
    const harness = start(t);
    harness.perMinute = 1;
    harness.notifications.push(notification({}, { name: "other", uid: "n-2" }));
    await changeAll(harness, uids(2));
    assert.equal(harness.sent.length, 2);
    assert.deepEqual(new Set(harness.outcomes.map(({ notificationKey }) => notificationKey)), new Set(["ci/to-service", "ci/other"]));
  });
});

describe("a redelivery", () => {
  it("sends a dead letter once more, whatever the filter says now, and records the word it was asked with", async (t) => {
    const harness = start(t);
    harness.service = () => {
      throw new DeliveryError("MessageRefused", "no");
    };
    await harness.change(failed);
    assert.equal(harness.writes.at(-1)?.destinations[0]?.state, "DeadLetter");
    harness.service = () => ({});
    harness.notifications = [notification({ filter: { statuses: ["Succeeded"] } })];
    harness.deliverer.redeliver("ci/to-service", harness.pair, "again");
    await harness.quiet();
    assert.deepEqual(harness.sent, ["Failed", "Failed"]);
    assert.equal(harness.writes.at(-1)?.destinations[0]?.state, "Delivered");
    harness.deliverer.redeliver("ci/to-service", harness.pair, "again");
    await harness.quiet();
    assert.equal(harness.sent.length, 2);
    harness.deliverer.redeliver("ci/to-service", harness.pair, "and again");
    await harness.quiet();
    assert.equal(harness.sent.length, 3);
  });
});

describe("a message to several destinations", () => {
  it("is tried again only where it failed, and the others stay on record as sent", async (t) => {
    const harness = start(t, { provider: slackProvider("builds", "broken", "releases") });
    const asked: string[] = [];
    let broken = true;
    harness.service = ({ target }) => {
      const channel = target["channel"] ?? "";
      asked.push(channel);
      if (broken && channel.includes("broken")) throw new DeliveryError("ServiceFailed", "answered 500");
      return {};
    };
    await harness.change(failed);
    assert.deepEqual(asked, ["#builds", "#broken", "#releases"]);
    const states = () => harness.writes.at(-1)?.destinations.map(({ state }) => state).toSorted();
    assert.deepEqual(states(), ["Delivered", "Delivered", "Retrying"]);
    broken = false;
    await harness.advance(10_000);
    assert.deepEqual(asked.slice(3), ["#broken"]);
    assert.deepEqual([states(), harness.writes.at(-1)?.owed], [["Delivered", "Delivered", "Delivered"], false]);
  });

  it("does not wait with one lane for another", async (t) => {
    const harness = start(t, { provider: slackProvider("slow", "quick") });
    const asked: string[] = [];
    harness.service = ({ target }) => {
      asked.push(target["channel"] ?? "");
      if (asked.length === 1) throw new DeliveryError("RateLimited", "slow down", { retryAfterMs: 60_000 });
      return {};
    };
    await harness.change(failed);
    await harness.change({ ...failed, uid: "other", name: "other" });
    assert.deepEqual(asked, ["#slow", "#quick", "#quick"]);
    await harness.advance(61_000);
    assert.deepEqual(asked.slice(3), ["#slow", "#slow"]);
  });
});
