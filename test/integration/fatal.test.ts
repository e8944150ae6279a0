import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { ownNamespace } from "../support/installation.ts";
import { installedTests } from "../support/installed-tests.ts";

const test = installedTests();

test("a process of which one half cannot run ends as a whole, and says why", async ({ plane }, t) => {
  const taken = createServer().listen(0, "127.0.0.1");
  t.after(() => taken.close());
  await once(taken, "listening");
  const { port } = taken.address() as AddressInfo;
  const flags = ["--kubeconfig", plane.kubeconfig, "--namespace", ownNamespace, "--development", "--bind-address", "127.0.0.1", "--metrics-port", "0", "--webhook-port", String(port)];
  const child = spawn(process.execPath, [join(import.meta.dirname, "../../src/main.ts"), "serve", ...flags], { stdio: ["ignore", "pipe", "pipe"], timeout: 120_000 });
  const [out, err, ended] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit") as Promise<unknown[]>]);
  assert.deepEqual(ended, [1, null]);
  assert.match(`${out}${err}`, new RegExp(`address already in use 127.0.0.1:${port}`));
});
