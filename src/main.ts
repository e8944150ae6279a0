#!/usr/bin/env node
import { main } from "./cli/main.ts";

// A reader that has seen enough (`| head`) is no fault.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

const stop = new AbortController();
for (const name of ["SIGTERM", "SIGINT"] as const) {
  process.once(name, () => {
    stop.abort();
  });
}
process.exitCode = await main(process.argv.slice(2), stop.signal);
