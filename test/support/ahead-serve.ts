/** `node test/support/ahead-serve.ts MILLISECONDS serve-arguments...`: the shipped program, for which it is so much later. */
import { serve } from "../../src/cli/serve.ts";
import { readConfig } from "../../src/config.ts";
import { systemClock } from "../../src/telemetry/clock.ts";

const [ahead = "0", ...args] = process.argv.slice(2);
const stop = new AbortController();
process.once("SIGTERM", () => {
  stop.abort();
});
await serve(readConfig(args), stop.signal, { clock: { ...systemClock, now: () => systemClock.now() + Number(ahead) } });
