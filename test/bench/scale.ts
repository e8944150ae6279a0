/**
 * `npm run bench:scale [-- --scale 0.1] [-- --tasks]`: what the controller takes of a cluster with 50,000 PipelineRuns and
 * 150,000 TaskRuns, 1 % of them active, 10,000 Deliveries and 200 Notifications in 20 namespaces, in a real API server; and
 * what client-go's informers take for the same objects (they have the lists then, and have told nothing). The process is the built program with the settings of the image, and
 * with all Providers' clients loaded. With `--tasks` filters ask about tasks, so that TaskRuns are watched. Runs are stored
 * straight into etcd. At full size the API server takes some 7 GB of memory.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startControlPlane } from "../support/control-plane.ts";
import { buildProgram } from "./build.ts";
import { measureInformer, measureScale, prepareScale, type InformerResult } from "./scale-run.ts";

const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(0)} MB`;
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

type Row = readonly [what: string, own: string, peer?: string | undefined];

function print(title: string, rows: readonly Row[]): void {
  console.log(`\n${title.padEnd(40)}${"controller".padStart(14)}${"informers".padStart(14)}`);
  for (const [what, own, peer = "-"] of rows) console.log(`${what.padEnd(40)}${own.padStart(14)}${peer.padStart(14)}`);
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { scale: { type: "string", default: "1" }, tasks: { type: "boolean", default: false }, idle: { type: "string", default: "20" } } });
  const progress = (line: string): void => {
    console.error(line);
  };
  // The API server's memory is what limits the size: it collects its garbage sooner than it would.
  process.env["GOGC"] ??= "30";
  const built = await buildProgram(["test/support/measured-serve.ts"]);
  const plane = await startControlPlane({ tekton: false, crds: [join(import.meta.dirname, "../../crds")] });
  try {
    const scene = await prepareScale(plane, Number(values.scale), values.tasks, progress);
    try {
      const result = await measureScale(scene, built, Number(values.idle) * 1000, progress);
      const peer = await measureInformer(scene, values.tasks ? ["pipelineruns", "taskruns"] : ["pipelineruns"]).catch((error: unknown): InformerResult | undefined => {
        progress(`no peer: ${error instanceof Error ? error.message : String(error)}`);
        return undefined;
      });
      const of = (show: (found: InformerResult) => string): string | undefined => (peer === undefined ? undefined : show(peer));
      print(`${scene.runs.length} PipelineRuns, ${3 * scene.runs.length} TaskRuns${values.tasks ? " (watched)" : ""}`, [
        ["Deliveries, Notifications", `${scene.deliveries}, ${scene.notifications.length}`],
        ["start to what had ended before told", seconds(result.caughtUpMs), of(({ syncedMs }) => `(${seconds(syncedMs)})`)],
        ["start to every status written", seconds(result.shownMs)],
        ["RSS after a collection", megabytes(result.idle.rss), of(({ rss }) => megabytes(rss))],
        ["heap in use", megabytes(result.idle.heap), of(({ heap }) => megabytes(heap))],
        ["RSS at its peak", megabytes(result.idle.peak), of(({ peak }) => megabytes(peak))],
        ["CPU while idle, of one core", `${(result.idleCpu * 100).toFixed(2)} %`],
        ["runs ended, messages sent", `${result.ended}, ${result.sent}`],
        ["reads of the API server for each", result.reads.toFixed(2)],
        ["writes to the API server for each", result.writes.toFixed(2)],
        ["bytes to etcd for each", result.bytes.toFixed(0)],
        ["RSS after those", megabytes(result.after.rss)],
      ]);
    } finally {
      await scene.close();
    }
    return 0;
  } finally {
    await plane.stop();
    await built.remove();
  }
}

process.exitCode = await main();
