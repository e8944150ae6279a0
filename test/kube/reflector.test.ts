import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { added, bookmark, deleted, errorEvent, isList, isWatch, modified, page, run, status, stream } from "../support/scripted-api-server.ts";
import { reflectorHarness } from "./reflector-harness.ts";

const firstBackoff = (ms: number): boolean => ms === 250;

describe("reflector: the initial state", () => {
  it("reads pages by limit and continue, then watches from the list's resourceVersion", async (test) => {
    const { server, record, start } = await reflectorHarness(test);
    server.lists.push(page([{ name: "a", version: 3 }, { name: "b", version: 4 }], "10", "token-1"), page([{ name: "c", version: 5 }], "10"));
    const reflector = start({ settings: { initialState: "pages", pageSize: 2 } });
    await server.received(1, isWatch);
    assert.deepEqual(record.lines, ["upsert ci/a 3", "upsert ci/b 4", "upsert ci/c 5", "synced"]);
    const [first, second] = server.requests.filter(isList);
    assert.deepEqual(first?.query, { limit: "2" });
    assert.deepEqual(second?.query, { limit: "2", continue: "token-1" });
    const [watch] = server.requests.filter(isWatch);
    assert.deepEqual(watch?.query, { watch: "true", allowWatchBookmarks: "true", resourceVersion: "10", timeoutSeconds: "450" });
    assert.equal(watch.headers["authorization"], "Bearer test-token");
    assert.equal(reflector.isSynced, true);
    assert.deepEqual(reflector.get("ci", "c"), { version: "5", note: "" });
    assert.equal([...reflector.values()].length, 3);
  });

  it("starts the list again when its continue token has expired, and reports what vanished meanwhile", async (test) => {
    const { server, clock, record, start } = await reflectorHarness(test);
    server.lists.push(
      page([{ name: "a", version: 3 }, { name: "gone", version: 4 }], "10", "token-1"),
      status(410, "Expired"),
      page([{ name: "a", version: 3 }], "20", "token-2"),
      page([{ name: "c", version: 15 }], "20"),
    );
    start();
    await clock.sleeping(firstBackoff);
    clock.advance(250);
    await server.received(1, isWatch);
    assert.deepEqual(record.lines, ["upsert ci/a 3", "upsert ci/gone 4", "upsert ci/c 15", "delete ci/gone 4", "synced"]);
    assert.equal(server.requests.filter(isList)[2]?.query["continue"], undefined);
  });

  it("takes the initial state from the watch where the server streams it", async (test) => {
    const { server, record, start } = await reflectorHarness(test);
    server.watches.push(
      stream([added({ name: "a", version: 3 }), added({ name: "b", version: 2 }), bookmark(10), bookmark(10, true), modified({ name: "a", version: 11 })]),
    );
    const reflector = start({ settings: { initialState: "stream" } });
    assert.deepEqual(await record.reached(4), ["upsert ci/a 3", "upsert ci/b 2", "synced", "upsert ci/a 11 (was 3)"]);
    assert.deepEqual(server.requests[0]?.query, {
      watch: "true",
      allowWatchBookmarks: "true",
      timeoutSeconds: "450",
      sendInitialEvents: "true",
      resourceVersionMatch: "NotOlderThan",
    });
    assert.equal(server.requests.length, 1);
    await reflector.synced;
  });

  it("falls back to pages at once where streaming is refused, and remembers it", async (test) => {
    const { server, record, start } = await reflectorHarness(test);
    server.watches.push(status(422, "Invalid", { message: "sendInitialEvents: Forbidden" }), stream([errorEvent(410, "Expired")], "end"));
    server.lists.push(page([{ name: "a", version: 3 }], "10"), page([{ name: "a", version: 3 }], "11"));
    start({ settings: { initialState: "stream" } });
    await record.reached(2);
    await server.received(2, isWatch);
    assert.deepEqual(record.lines, ["upsert ci/a 3", "synced"]);
    assert.equal(server.requests[0]?.query["sendInitialEvents"], "true");
    assert.ok(server.requests.slice(1).every((seen) => seen.query["sendInitialEvents"] === undefined));
  });

  it("falls back to pages where a streamed initial state never completes", async (test) => {
    const { server, clock, record, start } = await reflectorHarness(test);
    server.watches.push(stream([added({ name: "a", version: 3 })]));
    server.lists.push(page([{ name: "a", version: 3 }], "10"));
    start({ settings: { initialState: "stream" } });
    await record.reached(1);
    clock.advance(150_000);
    await clock.sleeping(firstBackoff);
    clock.advance(250);
    assert.deepEqual(await record.reached(2), ["upsert ci/a 3", "synced"]);
    assert.equal(server.requests.filter(isList).length, 1);
  });
});

describe("reflector: following", () => {
  it("resumes from the last event or bookmark when the server ends the stream", async (test) => {
    const { server, record, start } = await reflectorHarness(test);
    server.lists.push(page([], "10"));
    server.watches.push(stream([added({ name: "a", version: 12 })], "end"), stream([bookmark(40)], "end"), stream([deleted({ name: "a", version: 41 })]));
    const reflector = start();
    assert.deepEqual(await record.reached(3), ["synced", "upsert ci/a 12", "delete ci/a 41"]);
    assert.deepEqual(server.requests.filter(isWatch).map((seen) => seen.query["resourceVersion"]), ["10", "12", "40"]);
    assert.equal(server.requests.filter(isList).length, 1);
    const health = reflector.health();
    assert.deepEqual([health.resumes, health.relists, health.errors, health.objects, health.state], [2, 0, 0, 0, "watching"]);
  });

  it("resumes after a reset in the middle of an object, without the half of it", async (test) => {
    const { server, record, start } = await reflectorHarness(test);
    server.lists.push(page([], "10"));
    const whole = modified({ name: "a", version: 13 });
    server.watches.push(stream([added({ name: "a", version: 12 }), whole.slice(0, whole.length / 2)], "reset"), stream([whole]));
    const reflector = start();
    assert.deepEqual(await record.reached(3), ["synced", "upsert ci/a 12", "upsert ci/a 13 (was 12)"]);
    assert.deepEqual(server.requests.filter(isWatch).map((seen) => seen.query["resourceVersion"]), ["10", "12"]);
    assert.equal(reflector.health().reconnects, 1);
  });

  it("cuts a silent stream after the idle limit and resumes it", async (test) => {
    const { server, clock, record, start } = await reflectorHarness(test);
    server.lists.push(page([], "10"));
    server.watches.push(stream([added({ name: "a", version: 12 })]), stream([modified({ name: "a", version: 13 })]));
    start();
    await record.reached(2);
    clock.advance(149_999);
    assert.equal(server.requests.filter(isWatch).length, 1);
    clock.advance(1);
    assert.deepEqual(await record.reached(3), ["synced", "upsert ci/a 12", "upsert ci/a 13 (was 12)"]);
    assert.equal(server.requests.filter(isWatch)[1]?.query["resourceVersion"], "12");
  });

  it("puts a character together that two chunks share", async (test) => {
    const { server, record, start } = await reflectorHarness(test);
    const bytes = Buffer.from(added({ name: "a", version: 12, note: "größer 🚀" }));
    const cuts = [bytes.indexOf(Buffer.from("ö")) + 1, bytes.indexOf(Buffer.from("🚀")) + 2];
    server.watches.push(stream([bytes.subarray(0, cuts[0]), bytes.subarray(cuts[0], cuts[1]), bytes.subarray(cuts[1])]));
    const reflector = start();
    await record.reached(2);
    assert.equal(reflector.get("ci", "a")?.note, "größer 🚀");
  });

  it("passes over events that are not newer than what it has told", async (test) => {
    const { server, record, start } = await reflectorHarness(test);
    server.lists.push(page([{ name: "a", version: 9 }], "100"));
    server.watches.push(stream([modified({ name: "a", version: 99 }), modified({ name: "a", version: 100 }), modified({ name: "a", version: 101 })]));
    start();
    assert.deepEqual(await record.reached(3), ["upsert ci/a 9", "synced", "upsert ci/a 101 (was 9)"]);
  });

  it("tells a deletion and a creation where an object was replaced under the same name", async (test) => {
    const { server, record, start } = await reflectorHarness(test);
    server.lists.push(page([{ name: "a", version: 3, uid: "one" }], "10"), page([{ name: "a", version: 30, uid: "two" }], "40"));
    server.watches.push(stream([bookmark(11), errorEvent(410, "Expired")]));
    start();
    assert.deepEqual(await record.reached(4), ["upsert ci/a 3", "synced", "delete ci/a 3", "upsert ci/a 30"]);
  });

  it("goes on when a handler or a transform throws, and counts it", async (test) => {
    const { server, record, log, start } = await reflectorHarness(test);
    server.lists.push(page([{ name: "bad", version: 3 }, { name: "worse", version: 4 }, { name: "good", version: 5 }], "10"));
    const reflector = start({
      transform: (object) => {
        if (object.metadata.name === "worse") throw new Error("no such shape");
        return { version: object.metadata.resourceVersion, note: "" };
      },
      handlers: {
        onUpsert: (key) => {
          if (key === "ci/bad") throw new Error("handler bug");
          record.push(key);
        },
      },
    });
    await server.received(1, isWatch);
    assert.deepEqual(record.lines, ["ci/good"]);
    assert.equal(reflector.health().handlerErrors, 2);
    assert.deepEqual(log.map((line) => [line.level, line.fields["key"], line.fields["what"]]), [["warn", "ci/bad", "handler"], ["warn", "ci/worse", "transform"]]);
  });
});

describe("reflector: 410 Gone", () => {
  for (const [how, reply] of [
    ["as a status", status(410, "Expired")],
    ["as an ERROR event", stream([errorEvent(410, "Expired")], "end")],
  ] as const) {
    it(`lists again when it comes ${how}, and tells only differences`, async (test) => {
      const { server, clock, record, start } = await reflectorHarness(test);
      server.lists.push(
        page([{ name: "same", version: 3 }, { name: "changed", version: 4 }, { name: "gone", version: 5 }], "10"),
        page([{ name: "same", version: 3 }, { name: "changed", version: 24 }, { name: "new", version: 25 }], "30"),
      );
      server.watches.push(reply);
      const reflector = start();
      await clock.sleeping(firstBackoff);
      clock.advance(250);
      await server.received(2, isWatch);
      assert.deepEqual(record.lines.slice(4), ["upsert ci/changed 24 (was 4)", "upsert ci/new 25", "delete ci/gone 5"]);
      assert.equal(server.requests.filter(isWatch)[1]?.query["resourceVersion"], "30");
      assert.equal(reflector.health().relists, 1);
    });
  }

  it("lists again when the server's version goes back, as after a restore of etcd", async (test) => {
    const { server, record, start } = await reflectorHarness(test);
    server.lists.push(page([{ name: "a", version: 90 }], "100"), page([{ name: "a", version: 7 }], "8"));
    server.watches.push(stream([bookmark(101), bookmark(8)]));
    start();
    assert.deepEqual(await record.reached(3), ["upsert ci/a 90", "synced", "upsert ci/a 7 (was 90)"]);
  });
});

describe("reflector: refusals", () => {
  for (const code of [401, 403, 429, 500, 503]) {
    it(`backs off after ${String(code)} on list and watch, and goes on by itself`, async (test) => {
      const { server, clock, record, log, start } = await reflectorHarness(test);
      server.lists.push(status(code, "Scripted"), page([{ name: "a", version: 3 }], "10"));
      server.watches.push(status(code, "Scripted"), stream([modified({ name: "a", version: 11 })]));
      const reflector = start();
      await clock.sleeping(firstBackoff);
      assert.equal(reflector.health().state, "failing");
      clock.advance(250);
      assert.equal(await clock.sleeping((ms) => ms === 500), 500);
      clock.advance(500);
      assert.deepEqual(await record.reached(3), ["upsert ci/a 3", "synced", "upsert ci/a 11 (was 3)"]);
      assert.equal(server.requests.length, 4);
      assert.deepEqual(log.filter((line) => line.level !== "debug").map((line) => line.message), ["watching failed; trying again", "watching again"]);
      assert.equal(reflector.health().errors, 2);
    });
  }

  it("waits as long as Retry-After asks", async (test) => {
    const { server, clock, start } = await reflectorHarness(test);
    server.lists.push(status(429, "TooManyRequests", { retryAfter: 7 }));
    start();
    await clock.sleeping((ms) => ms === 7_000);
    clock.advance(6_999);
    assert.equal(server.requests.length, 1);
    clock.advance(1);
    await server.received(2);
  });

  it("looks slowly for a kind that is not served, says so once, and picks it up when it is", async (test) => {
    const { server, clock, record, log, start } = await reflectorHarness(test);
    for (let look = 0; look < 5; look += 1) server.lists.push(status(404, "NotFound"));
    server.lists.push(page([{ name: "a", version: 3 }], "10"));
    server.watches.push(stream([modified({ name: "a", version: 11 })]));
    const reflector = start();
    for (let look = 0; look < 5; look += 1) {
      await clock.sleeping((ms) => ms === 30_000);
      assert.equal(reflector.health().state, "absent");
      assert.equal(server.requests.length, look + 1);
      clock.advance(30_000);
    }
    await record.reached(3);
    assert.deepEqual(log.map((line) => line.message), ["this kind is not served; looking again from time to time", "watching again"]);
  });

  it("survives a server that cannot be reached, with ever longer pauses up to the cap", async (test) => {
    const { server, clock, start } = await reflectorHarness(test);
    await server.stopListening();
    const reflector = start();
    const pauses: number[] = [];
    for (let attempt = 0; attempt < 9; attempt += 1) {
      const pause = await clock.sleeping((ms) => ms <= 15_000);
      pauses.push(pause);
      clock.advance(pause);
    }
    assert.deepEqual(pauses, [250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
    assert.equal(reflector.health().errors, 9);
  });
});

describe("reflector: bad bytes", () => {
  it("does not spin when every watch ends at once", async (test) => {
    const { server, clock, start } = await reflectorHarness(test);
    for (let end = 0; end < 4; end += 1) server.watches.push(stream([], "end"));
    start();
    for (const pause of [250, 500, 1000, 2000]) {
      await clock.sleeping((ms) => ms === pause);
      clock.advance(pause);
    }
    await server.received(5, isWatch);
    assert.equal(server.requests.length, 6);
  });

  it("resumes after a line that is not JSON, and lists again when the next one is no better", async (test) => {
    const { server, clock, record, start } = await reflectorHarness(test);
    server.lists.push(page([], "10"), page([{ name: "a", version: 15 }], "20"));
    server.watches.push(stream([added({ name: "b", version: 12 }), "<html>not JSON</html>\n"]), stream(["}{\n"]));
    start();
    await clock.sleeping(firstBackoff);
    clock.advance(250);
    assert.deepEqual(await record.reached(4), ["synced", "upsert ci/b 12", "upsert ci/a 15", "delete ci/b 12"]);
    assert.deepEqual(server.requests.filter(isWatch).slice(0, 2).map((seen) => seen.query["resourceVersion"]), ["10", "12"]);
  });

  it("gives up a line over the bound instead of keeping it, and gets past the object by a list", async (test) => {
    const { server, clock, record, start } = await reflectorHarness(test);
    server.lists.push(page([], "10"), page([{ name: "huge", version: 15 }], "20"));
    server.watches.push(stream([added({ name: "huge", version: 15, note: "x".repeat(5_000) })]));
    start({ settings: { initialState: "pages", maxLineBytes: 4_000 } });
    await clock.sleeping(firstBackoff);
    clock.advance(250);
    assert.deepEqual(await record.reached(2), ["synced", "upsert ci/huge 15"]);
  });

  it("ignores event types it does not know", async (test) => {
    const { server, record, start } = await reflectorHarness(test);
    server.watches.push(stream([`${JSON.stringify({ type: "CHECKPOINT", object: run({ name: "a", version: 5 }) })}\n`, added({ name: "b", version: 12 })]));
    start();
    assert.deepEqual(await record.reached(2), ["synced", "upsert ci/b 12"]);
  });
});
