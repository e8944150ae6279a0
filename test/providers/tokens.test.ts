import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createTokens, type Issued, type Tokens } from "../../src/providers/tokens.ts";
import { manualClock, type ManualClock } from "../support/manual-clock.ts";

const { signal } = new AbortController();

interface Setting {
  readonly tokens: Tokens<string>;
  readonly clock: ManualClock;
  readonly asked: { readonly signal: AbortSignal; readonly answer: PromiseWithResolvers<Issued<string>> }[];
}

function setting(): Setting {
  const clock = manualClock();
  const asked: Setting["asked"] = [];
  const request = (given: AbortSignal): Promise<Issued<string>> => {
    const answer = Promise.withResolvers<Issued<string>>();
    asked.push({ signal: given, answer });
    return answer.promise;
  };
  return { clock, asked, tokens: createTokens({ request, clock, renewBeforeMs: 60_000 }) };
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("tokens", () => {
  it("are told of, granted or not, and not when whoever asked went away", async () => {
    const granted: boolean[] = [];
    const clock = manualClock();
    const answers = [Promise.resolve({ token: "a", expiresAt: 0 }), Promise.reject(new Error("no")), new Promise<never>(() => undefined)];
    const tokens = createTokens({ request: () => answers.shift() ?? assert.fail(), clock, renewBeforeMs: 0, onRequest: (answer) => granted.push(answer) });
    await tokens.current(signal);
    await assert.rejects(tokens.current(signal), /no/);
    const gone = new AbortController();
    const waiting = tokens.current(gone.signal);
    gone.abort();
    await assert.rejects(waiting);
    assert.deepEqual(granted, [true, false]);
  });

  it("are asked for once, however many wait, and kept until shortly before their end", async () => {
    const { tokens, clock, asked } = setting();
    const waiting = [tokens.current(signal), tokens.current(signal), tokens.current(signal)];
    asked[0]?.answer.resolve({ token: "a", expiresAt: clock.now() + 600_000 });
    assert.deepEqual(await Promise.all(waiting), ["a", "a", "a"]);
    clock.advance(539_999);
    assert.deepEqual([await tokens.current(signal), asked.length], ["a", 1]);
    clock.advance(1);
    const renewed = tokens.current(signal);
    asked[1]?.answer.resolve({ token: "b", expiresAt: clock.now() + 600_000 });
    assert.deepEqual([await renewed, asked.length], ["b", 2]);
  });

  it("that were refused are forgotten, newer ones are not", async () => {
    const { tokens, clock, asked } = setting();
    const first = tokens.current(signal);
    asked[0]?.answer.resolve({ token: "a", expiresAt: clock.now() + 600_000 });
    await first;
    tokens.refused("an older one");
    assert.equal(await tokens.current(signal), "a");
    tokens.refused("a");
    const second = tokens.current(signal);
    asked[1]?.answer.resolve({ token: "b", expiresAt: clock.now() + 600_000 });
    assert.equal(await second, "b");
  });

  it("are asked for anew after a failure, which everybody who waited is told", async () => {
    const { tokens, asked } = setting();
    const waiting = [tokens.current(signal), tokens.current(signal)];
    asked[0]?.answer.reject(new Error("not today"));
    for (const each of waiting) await assert.rejects(each, /not today/);
    const again = tokens.current(signal);
    asked[1]?.answer.resolve({ token: "a", expiresAt: Infinity });
    assert.equal(await again, "a");
  });

  it("are asked for once more by those who wait on, when whoever asked first goes away, even if the request never ends", async () => {
    const { tokens, asked } = setting();
    const first = new AbortController();
    const failing = assert.rejects(tokens.current(first.signal), /gone/);
    const waiting = tokens.current(signal);
    first.abort(new Error("gone"));
    await failing;
    await nextTurn();
    assert.deepEqual(asked.map((request) => request.signal.aborted), [true, false]);
    asked[1]?.answer.resolve({ token: "a", expiresAt: Infinity });
    assert.equal(await waiting, "a");
  });

  it("are no longer waited for by those whose time is over, whatever the others do", async () => {
    const { tokens, asked } = setting();
    const second = new AbortController();
    const waiting = tokens.current(signal);
    const failing = assert.rejects(tokens.current(second.signal), /gone/);
    second.abort(new Error("gone"));
    await failing;
    await assert.rejects(tokens.current(AbortSignal.abort(new Error("over"))), /over/);
    asked[0]?.answer.resolve({ token: "a", expiresAt: Infinity });
    assert.deepEqual([await waiting, asked.length], ["a", 1]);
  });
});
