#!/usr/bin/env node
import { main } from "./cli/main.ts";

const stop = new AbortController();
for (const name of ["SIGTERM", "SIGINT"] as const) {
  process.once(name, () => {
    stop.abort();
  });
}
process.exitCode = await main(process.argv.slice(2), stop.signal);
