import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { test, type TestContext } from "node:test";
import { eventually } from "../wait.ts";
import { processStart } from "./process-identity.ts";
import { supervise } from "./supervise.ts";

interface Left {
  readonly directory: string;
  readonly pids: readonly number[];
}

const isGone = ({ directory, pids }: Left): boolean => !existsSync(directory) && pids.every((pid) => processStart(pid) === undefined);

/** Starts a process that supervises two others and says where. */
async function parent(t: TestContext, then: string): Promise<{ left: Left; child: ReturnType<typeof spawn> }> {
  const program = `
    const { supervise } = await import(${JSON.stringify(import.meta.resolve("./supervise.ts"))});
    const supervisor = await supervise();
    await supervisor.start("one", "sleep", ["600"]);
    await supervisor.start("two", "sleep", ["600"]);
    const pids = [supervisor.pid, ...supervisor.processes.values()];
    process.stdout.write(JSON.stringify({ directory: supervisor.directory, pids }));
    ${then}`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const [chunk] = (await once(child.stdout, "data")) as [Buffer];
  return { left: JSON.parse(chunk.toString("utf8")) as Left, child };
}

test("stop ends every process and removes the folder", async () => {
  const supervisor = await supervise();
  await supervisor.start("one", "sleep", ["600"]);
  await supervisor.start("two", "sleep", ["600"]);
  const left = { directory: supervisor.directory, pids: [supervisor.pid, ...supervisor.processes.values()] };
  assert.equal(left.pids.length, 3);
  assert.equal(left.pids.some((pid) => processStart(pid) === undefined), false);
  await supervisor.stop();
  assert.equal(isGone(left), true);
});

test("a process can be ended and started again under its name", async () => {
  const supervisor = await supervise();
  await supervisor.start("one", "sleep", ["600"]);
  const first = supervisor.processes.get("one") ?? 0;
  await supervisor.kill("one", "SIGTERM");
  assert.equal(processStart(first), undefined);
  assert.equal(supervisor.processes.has("one"), false);
  await supervisor.start("one", "sleep", ["600"]);
  assert.notEqual(processStart(supervisor.processes.get("one") ?? 0), undefined);
  await supervisor.stop();
});

test("a program that does not exist is refused by name", async () => {
  const supervisor = await supervise();
  await assert.rejects(supervisor.start("one", "/nonexistent/program", []), /ENOENT/);
  await supervisor.stop();
});

for (const signal of ["SIGKILL", "SIGTERM", "SIGINT"] as const) {
  test(`nothing is left when the parent is ended by ${signal}`, async (t) => {
    const { left, child } = await parent(t, "setInterval(() => undefined, 1000);");
    child.kill(signal);
    await eventually("everything is gone", () => isGone(left));
  });
}

test("nothing is left when the parent crashes", async (t) => {
  const { left } = await parent(t, "process.exit(3);");
  await eventually("everything is gone", () => isGone(left));
});

test("a parent that forgets to stop ends all the same, and nothing is left", async (t) => {
  const { left, child } = await parent(t, "");
  const [code] = child.exitCode === null ? ((await once(child, "exit")) as [number]) : [child.exitCode];
  assert.equal(code, 0);
  await eventually("everything is gone", () => isGone(left));
});

test("nothing is left when the supervisor itself is killed", async () => {
  const supervisor = await supervise();
  await supervisor.start("one", "sleep", ["600"]);
  const left = { directory: supervisor.directory, pids: [supervisor.pid, ...supervisor.processes.values()] };
  process.kill(supervisor.pid, "SIGKILL");
  await eventually("everything is gone", () => isGone(left));
});

test("what is detached outlives its parent and ends on SIGTERM", async (t) => {
  const { left, child } = await parent(t, "await supervisor.detach(); process.exit(0);");
  if (child.exitCode === null) await once(child, "exit");
  assert.equal(left.pids.some((pid) => processStart(pid) === undefined), false);
  process.kill(left.pids[0] ?? 0, "SIGTERM");
  await eventually("everything is gone", () => isGone(left));
});
