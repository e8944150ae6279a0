import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createDeniedRanges, type DeniedRanges } from "../../src/controller/denied-ranges.ts";
import { KubeError } from "../../src/kube/kube-error.ts";
import type { KubeObject } from "../../src/kube/resources.ts";
import { recordingLogger, type LogLine } from "../kube/reflector-harness.ts";
import { manualClock, type ManualClock } from "../support/manual-clock.ts";

const never = new AbortController().signal;
const cidr = (...cidrs: string[]): KubeObject => ({ apiVersion: "networking.k8s.io/v1", kind: "ServiceCIDR", metadata: { name: "kubernetes" }, spec: { cidrs } });
const refusal = (status: number): KubeError => new KubeError("KubernetesRequestFailed", `no: ${status}`, { status });

interface Setting {
  readonly ranges: DeniedRanges;
  readonly clock: ManualClock;
  readonly log: LogLine[];
  readonly reads: () => number;
  /** What the next reads give; the last one for good. */
  answers: (readonly KubeObject[] | Error)[];
}

function setting(cidrs: readonly string[], ...answers: Setting["answers"]): Setting {
  const clock = manualClock();
  const log: LogLine[] = [];
  let reads = 0;
  const listAll = ({ plural }: { plural: string }): Promise<{ items: KubeObject[]; resourceVersion: string }> => {
    assert.equal(plural, "servicecidrs");
    reads += 1;
    const answer = (self.answers.length > 1 ? self.answers.shift() : self.answers[0]) ?? [];
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve({ items: [...answer], resourceVersion: "1" });
  };
  const self: Setting = { clock, log, reads: () => reads, answers, ranges: createDeniedRanges({ kube: { listAll }, cidrs, telemetry: { clock, log: recordingLogger(log) } }) };
  return self;
}

const denied = ({ ranges }: Setting, ...addresses: string[]): boolean[] => addresses.map((address) => ranges.current().check(address, address.includes(":") ? "ipv6" : "ipv4"));

describe("ranges that are denied", () => {
  it("are those of all ServiceCIDR objects, and those that the installation names", async () => {
    const self = setting(["192.168.0.0/16"], [cidr("10.96.0.0/12", "fd00:10::/108"), cidr("10.200.0.0/24")]);
    await self.ranges.known(never);
    assert.deepEqual(denied(self, "10.96.0.1", "fd00:10::1", "10.200.0.9", "192.168.4.4", "10.201.0.1"), [true, true, true, true, false]);
    assert.deepEqual(self.log, []);
  });

  for (const status of [404, 403]) {
    it(`are only those that the installation names where the API server answers ${status}, which is warned about where there are none`, async () => {
      for (const [cidrs, warnings] of [[[], 1], [["10.96.0.0/12"], 0]] as const) {
        const self = setting(cidrs, refusal(status));
        await self.ranges.known(never);
        await self.ranges.known(never);
        assert.deepEqual([denied(self, "10.96.0.1"), self.log.length], [[cidrs.length > 0], warnings]);
        if (warnings > 0) assert.match(JSON.stringify(self.log), /--egress-deny-cidrs should name them/);
      }
    });
  }

  it("are asked for until the API server answers: nothing is sent before", async () => {
    const self = setting([], refusal(500), refusal(0), [cidr("10.96.0.0/12")]);
    const known = self.ranges.known(never);
    for (let times = 0; times < 2; times += 1) {
      await self.clock.sleeping(() => true);
      self.clock.advance(10_000);
    }
    await known;
    assert.deepEqual([self.reads(), denied(self, "10.96.0.1")], [3, [true]]);
  });

  it("are asked for no more once the process stops", async () => {
    const self = setting([], refusal(500));
    const stop = new AbortController();
    const known = self.ranges.known(stop.signal);
    await self.clock.sleeping(() => true);
    stop.abort(new Error("stop"));
    await assert.rejects(known, /stop/);
  });

  it("are read again now and then, and kept when that fails", async () => {
    const self = setting([], [cidr("10.96.0.0/12")]);
    await self.ranges.known(never);
    const stop = new AbortController();
    self.answers = [refusal(500), [cidr("10.96.0.0/12"), cidr("10.200.0.0/24")]];
    const following = self.ranges.follow(stop.signal);
    for (const expected of [[true, false], [true, true]]) {
      await self.clock.sleeping(() => true);
      self.clock.advance(600_000);
      await self.clock.sleeping(() => true);
      assert.deepEqual(denied(self, "10.96.0.1", "10.200.0.1"), expected);
    }
    stop.abort();
    await following;
  });
});
