import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import { recheckMs } from "../../src/controller/connections.ts";
import { createCredentialChecks, type CredentialChecks } from "../../src/controller/credential-checks.ts";
import { DeliveryError } from "../../src/providers/delivery-error.ts";
import type { Sender } from "../../src/providers/provider.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { createRedactor } from "../../src/telemetry/redact.ts";
import { manualClock, type ManualClock } from "../support/manual-clock.ts";

const key = "ci/service";

interface Setting {
  readonly clock: ManualClock;
  readonly checks: CredentialChecks;
  readonly over: AbortController;
  readonly begin: (sender: Sender) => void;
  /** `True Verified`, say. */
  readonly found: (sender: Sender) => string | undefined;
  /** What was told since this was last read. */
  readonly told: () => string[];
}

function setting(): Setting {
  const clock = manualClock();
  const log: string[] = [];
  const over = new AbortController();
  const checks = createCredentialChecks({
    telemetry: { clock, log: silentLogger, redactor: createRedactor(), metrics: createMetrics() },
    signal: over.signal,
    onFinding: (about) => log.push(`finding ${about}`),
    onRefused: (about, { code }) => log.push(`refused ${about} ${code}`),
  });
  return {
    clock,
    checks,
    over,
    begin: (sender) => {
      checks.begin(key, { ready: true, sender, timeoutMs: 15_000 });
    },
    found: (sender) => {
      const finding = checks.finding(key, sender);
      return finding === undefined ? undefined : `${finding.status} ${finding.reason}`;
    },
    told: () => log.splice(0),
  };
}

const plain = (): Sender => ({ send: () => Promise.resolve({}), close: () => Promise.resolve() });

/** A sender whose service is asked with the given function. */
function asked(verify: (signal: AbortSignal) => Promise<void>): Sender & { count: number } {
  const sender = {
    ...plain(),
    count: 0,
    verify: (signal: AbortSignal) => {
      sender.count += 1;
      return verify(signal);
    },
  };
  return sender;
}

describe("the check of credentials", () => {
  it("asks once for each connection, and again when ten minutes are over", async () => {
    const { clock, begin, found, told } = setting();
    const sender = asked(() => Promise.resolve());
    for (let index = 0; index < 5; index += 1) begin(sender);
    assert.equal(found(sender), undefined);
    await setImmediate();
    assert.deepEqual([sender.count, found(sender), told()], [1, "True Verified", ["finding ci/service"]]);
    clock.advance(recheckMs - 1);
    begin(sender);
    assert.equal(sender.count, 1);
    clock.advance(1);
    begin(sender);
    assert.deepEqual([sender.count, found(sender)], [2, "True Verified"]);
    const next = asked(() => Promise.resolve());
    begin(next);
    assert.deepEqual([next.count, found(next)], [1, undefined]);
  });

  it("has the connection refused when the service refuses the credentials", async () => {
    const { begin, told } = setting();
    begin(asked(() => Promise.reject(new DeliveryError("CredentialsRefused", "answered 401"))));
    await setImmediate();
    assert.deepEqual(told()[0], "refused ci/service CredentialsRefused");
  });

  it("says that it does not know when the service cannot be asked, unless it knew before", async () => {
    const { clock, begin, found, told } = setting();
    const down = new DeliveryError("ServiceUnreachable", "no answer");
    const answers = [Promise.reject(down), Promise.resolve(), Promise.reject(down)];
    for (const answer of answers) answer.catch(() => undefined);
    const sender = asked(() => answers.shift() ?? assert.fail());
    for (const expected of ["Unknown ServiceUnreachable", "True Verified", "True Verified"]) {
      begin(sender);
      await setImmediate();
      assert.equal(found(sender), expected);
      clock.advance(recheckMs);
    }
    assert.deepEqual(told(), Array.from({ length: 3 }, () => "finding ci/service"));
  });

  it("gives up at the Provider's timeout", async () => {
    const { clock, begin, found } = setting();
    const sender = asked((signal) => new Promise((_, reject) => {
      signal.addEventListener("abort", () => { reject(new DeliveryError("ServiceTimeout", (signal.reason as Error).name)); });
    }));
    begin(sender);
    clock.advance(15_000);
    await setImmediate();
    assert.equal(found(sender), "Unknown ServiceTimeout");
  });

  it("lets nobody know of a connection that is no longer there, nor of its own end", async () => {
    const { checks, over, begin, told, found } = setting();
    const refusing = (): Sender => asked((signal) => new Promise((_, reject) => {
      signal.addEventListener("abort", () => { reject(new DeliveryError("CredentialsRefused", "late")); });
    }));
    const first = refusing();
    begin(first);
    const next = asked(() => Promise.resolve());
    begin(next);
    await setImmediate();
    checks.begin("ci/other", { ready: true, sender: refusing(), timeoutMs: 15_000 });
    over.abort();
    await setImmediate();
    assert.deepEqual(told(), ["finding ci/service"]);
    assert.deepEqual([found(first), found(next)], [undefined, "True Verified"]);
  });

  it("takes an accepted message for an answer, where there is no other", async () => {
    const { checks, begin, found } = setting();
    const first = plain();
    begin(first);
    assert.equal(found(first), undefined);
    checks.accepted(key);
    assert.equal(found(first), "True Accepted");
    begin(first);
    assert.equal(found(first), "True Accepted");
    const second = plain();
    begin(second);
    assert.equal(found(second), "Unknown NotChecked");
    const third = asked(() => Promise.resolve());
    begin(third);
    await setImmediate();
    checks.accepted(key);
    assert.equal(found(third), "True Verified");
  });
});
