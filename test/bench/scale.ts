/**
 * `npm run bench:scale [-- --scale 0.1] [-- --no-tasks]`: what the controller takes of a cluster with 50,000 PipelineRuns and
 * 150,000 TaskRuns, 1 % of them active, 10,000 Deliveries and 200 Notifications in 20 namespaces, in a real API server. The
 * process has the settings of the image (Dockerfile). Filling the API server takes most of the time: about 25 PipelineRuns a
 * second on two shared cores.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startControlPlane } from "../support/control-plane.ts";
import { measureScale } from "./scale-run.ts";

const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(0)} MB`;

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { scale: { type: "string", default: "1" }, "no-tasks": { type: "boolean", default: false }, idle: { type: "string", default: "20" } } });
  const plane = await startControlPlane({ crds: [join(import.meta.dirname, "../../crds")] });
  try {
    const result = await measureScale(plane, {
      scale: Number(values.scale),
      tasks: !values["no-tasks"],
      idleMs: Number(values.idle) * 1000,
      progress: (line) => {
        console.error(line);
      },
    });
    const rows: readonly (readonly [string, string])[] = [
      ["PipelineRuns, TaskRuns", `${result.pipelineRuns}, ${3 * result.pipelineRuns}`],
      ["Deliveries, Notifications", `${result.deliveries}, ${result.notifications}`],
      ["TaskRuns are needed", values["no-tasks"] ? "no" : "yes"],
      ["start to caught up", `${(result.caughtUpMs / 1000).toFixed(1)} s`],
      ["RSS after a collection", megabytes(result.idle.rss)],
      ["heap in use", megabytes(result.idle.heap)],
      ["RSS at its peak", megabytes(result.idle.peak)],
      ["CPU while idle, of one core", `${(result.idleCpu * 100).toFixed(2)} %`],
      ["runs ended, messages sent", `${result.ended}, ${result.sent}`],
      ["writes to the API server for each", result.requests.toFixed(2)],
      ["bytes to etcd for each, about", result.bytes.toFixed(0)],
      ["RSS after those", megabytes(result.after.rss)],
    ];
    for (const [what, value] of rows) console.log(`${what.padEnd(36)}${value}`);
    return 0;
  } finally {
    await plane.stop();
  }
}

process.exitCode = await main();
