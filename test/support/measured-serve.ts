/**
 * The shipped program as a child process that tells what it takes: `fork(file, serve-arguments, {execArgv: ["--expose-gc"]})`.
 * All Providers' clients are loaded. Each message from the parent is answered with a {@link Footprint}.
 */
import { serve } from "../../src/cli/serve.ts";
import { readConfig } from "../../src/config.ts";
import { providers } from "../../src/providers/registry.ts";

/** What the process takes now. Bytes, and microseconds of CPU since its start. */
export interface Footprint {
  /** Resident, after a collection. */
  readonly rss: number;
  readonly heap: number;
  /** What the heap has reserved. */
  readonly heapTotal: number;
  /** Outside of the heap, and held by objects in it. */
  readonly external: number;
  /** The most that was resident at any time. */
  readonly peak: number;
  readonly cpu: number;
  /** The same after the collection. */
  readonly cpuAfter: number;
}

const cpu = (): number => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

function footprint(): Footprint {
  const before = cpu();
  for (let round = 0; round < 3; round += 1) globalThis.gc?.();
  const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
  return { rss, heap: heapUsed, heapTotal, external, peak: process.resourceUsage().maxRSS * 1024, cpu: before, cpuAfter: cpu() };
}

process.on("message", () => {
  process.send?.(footprint());
});
const stop = new AbortController();
process.once("SIGTERM", () => {
  stop.abort();
});
await Promise.all(providers.map((provider) => provider.load()));
await serve(readConfig(process.argv.slice(2)), stop.signal);
process.disconnect();
