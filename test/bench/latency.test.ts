import assert from "node:assert/strict";
import { installedTests } from "../support/installed-tests.ts";
import { measureLatency } from "./latency-run.ts";

const test = installedTests();

test("the latency benchmark measures every update once", async ({ plane }) => {
  const { measured, requests } = await measureLatency(plane, { updates: 20, perSecond: 50 });
  assert.equal(requests, 20);
  assert.equal(measured.length, 20);
  assert.deepEqual(measured.filter(({ sentAt, storedAt, arrivedAt }) => storedAt < sentAt || arrivedAt < sentAt), []);
});
