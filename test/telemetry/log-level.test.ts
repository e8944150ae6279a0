import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { stringify } from "yaml";
import { freePort } from "../support/control-plane/components.ts";
import { eventually } from "../support/wait.ts";

test("SIGUSR2 switches the log of a running process to debug, and the next one back", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "log-level-"));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  // Nobody answers there: what the process says about each attempt is a warning.
  let attempts = 0;
  const nobody = createServer((socket) => {
    attempts += 1;
    socket.destroy();
  });
  t.after(() => nobody.close());
  await once(nobody.listen(0, "127.0.0.1"), "listening");
  const cluster = { server: `https://127.0.0.1:${(nobody.address() as AddressInfo).port}` };
  const kubeconfig = join(folder, "kubeconfig");
  writeFileSync(kubeconfig, stringify({ apiVersion: "v1", kind: "Config", "current-context": "c", contexts: [{ name: "c", context: { cluster: "c", user: "u" } }], clusters: [{ name: "c", cluster }], users: [{ name: "u", user: {} }] }));
  const port = await freePort();
  const flags = ["--controller", "--kubeconfig", kubeconfig, "--bind-address", "127.0.0.1", "--metrics-port", String(port), "--log-level", "error"];
  const child = spawn(process.execPath, [join(import.meta.dirname, "../../src/main.ts"), "serve", ...flags], { stdio: ["ignore", "pipe", "inherit"] });
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  const lines = (): { level: string; message: string; to?: string }[] => out.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as { level: string; message: string; to?: string });
  const changes = (): (string | undefined)[] => lines().filter(({ message }) => message === "the log level was changed").map(({ to }) => to);
  const quiet = (): boolean => lines().every(({ level }) => level === "error");
  try {
    await eventually("it serves", async () => (await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined))?.status === 200, 30_000);
    assert.ok(quiet(), out);
    child.kill("SIGUSR2");
    await eventually("it says more", () => changes().length === 1 && lines().some(({ level }) => level === "warn"), 30_000);
    assert.deepEqual(changes(), ["debug"]);
    child.kill("SIGUSR2");
    await eventually("it is told", () => changes().length === 2);
    assert.deepEqual(changes(), ["debug", "error"]);
    const after = lines().length;
    const before = attempts;
    await eventually("there were more attempts", () => attempts >= before + 2, 60_000);
    assert.deepEqual(lines().slice(after).filter(({ level }) => level !== "error"), []);
  } finally {
    child.kill("SIGTERM");
    if (child.exitCode === null) await once(child, "exit");
  }
  assert.equal(child.exitCode, 0);
});
