/**
 * `npm run bench:latency`: 200 updates of runs' status at 50 per second; from each update at the API server to the request at
 * a CloudEvents receiver. Control plane, controller and receiver share this machine's cores.
 */
import { cpus } from "node:os";
import { startControlPlane } from "../support/control-plane.ts";
import { install } from "../support/installation.ts";
import { measureLatency, type Measured } from "./latency-run.ts";

const updates = 200;
const perSecond = 50;

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

function row(name: string, measured: readonly Measured[], from: (one: Measured) => number): string {
  const sorted = measured.map((one) => one.arrivedAt - from(one)).sort((a, b) => a - b);
  const values = [0.5, 0.95, 0.99, 1].map((share) => percentile(sorted, share).toFixed(1).padStart(8));
  return `${name.padEnd(40)}${values.join("")}`;
}

async function main(): Promise<number> {
  const plane = await startControlPlane();
  try {
    const installation = await install(plane);
    try {
      const { measured, requests, rate } = await measureLatency(plane, { updates, perSecond });
      console.log(`${updates} updates at ${rate.toFixed(1)} per second, ${cpus().length} cores, Kubernetes ${plane.version}\n`);
      console.log(`${"milliseconds until the request".padEnd(40)}${["p50", "p95", "p99", "max"].map((head) => head.padStart(8)).join("")}`);
      console.log(row("from sending the update", measured, ({ sentAt }) => sentAt));
      console.log(row("from the API server's answer to it", measured, ({ storedAt }) => storedAt));
      const equal = measured.length === updates && requests === updates;
      console.log(`\n${updates} updates, ${requests} requests, ${measured.length} runs told: ${equal ? "equal" : "NOT EQUAL"}`);
      return equal ? 0 : 1;
    } finally {
      await installation.stop();
    }
  } finally {
    await plane.stop();
  }
}

process.exitCode = await main();
