import { spawnSync } from "node:child_process";
import { after, test, type TestContext } from "node:test";
import { type ControlPlane, type ControlPlaneOptions, ControlPlaneUnavailable, startControlPlane } from "./control-plane.ts";

/** Skips the running test with the reason, so that the runner counts it; with `REQUIRE_ALL=1` fails it instead. */
export function lacking(t: TestContext, reason: string): void {
  if (process.env["REQUIRE_ALL"] === "1") throw new Error(`REQUIRE_ALL is set, and ${reason}`);
  t.skip(reason);
}

async function available(t: TestContext, plane: Promise<ControlPlane>): Promise<ControlPlane | undefined> {
  try {
    return await plane;
  } catch (error) {
    if (!(error instanceof ControlPlaneUnavailable)) throw error;
    lacking(t, `no control plane can be had: ${error.message}`);
    return undefined;
  }
}

/** A test that is given a running control plane. */
export type ControlPlaneTest = (name: string, body: (plane: ControlPlane, t: TestContext) => Promise<void> | void) => void;

/**
 * The `test` of a file whose tests share one control plane: started by the first of them, ended after the last.
 *
 * @example
 * const test = controlPlaneTests({ crds: ["crds"] });
 * test("a Notification is accepted", async (plane) => { await plane.kubectl(["apply", "-f", "examples/"]); });
 */
export function controlPlaneTests(options: ControlPlaneOptions = {}): ControlPlaneTest {
  let plane: Promise<ControlPlane> | undefined;
  after(async () => {
    await (await plane?.catch(() => undefined))?.stop();
  });
  return (name, body) => {
    test(name, async (t) => {
      plane ??= startControlPlane(options);
      const running = await available(t, plane);
      if (running !== undefined) await body(running, t);
    });
  };
}

/**
 * A control plane for one test, ended with it. `undefined`: the test has been marked as skipped and has nothing more to do.
 *
 * @example
 * const plane = await requireControlPlane(t);
 * if (plane === undefined) return;
 */
export async function requireControlPlane(t: TestContext, options: ControlPlaneOptions = {}): Promise<ControlPlane | undefined> {
  const plane = await available(t, startControlPlane(options));
  if (plane !== undefined) t.after(() => plane.stop());
  return plane;
}

/** Whether the command can be run with these arguments; if not, the test has been marked as skipped. */
export function requireTool(t: TestContext, command: string, versionArguments: readonly string[] = ["--version"]): boolean {
  const probe = spawnSync(command, versionArguments, { stdio: "ignore" });
  if (probe.error === undefined && probe.status === 0) return true;
  lacking(t, `\`${command} ${versionArguments.join(" ")}\` does not work on this machine`);
  return false;
}

/** A program in Go, by what builds it; if it cannot be built, the test has been marked as skipped. */
export async function requireGoProgram(t: TestContext, name: string, build: () => Promise<string>): Promise<string | undefined> {
  if (!requireTool(t, "go", ["version"])) return undefined;
  try {
    return await build();
  } catch (error) {
    lacking(t, `${name} cannot be built: ${(error as Error).message}`);
    return undefined;
  }
}
