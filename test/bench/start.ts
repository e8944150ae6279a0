/** `npm run bench:start`: how long each role takes from its start to being ready, built and set up as in the image. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { installation } from "../../src/api/installation.ts";
import { startControlPlane, type ControlPlane } from "../support/control-plane.ts";
import { freePort } from "../support/control-plane/components.ts";
import { ownNamespace } from "../support/installation.ts";
import { eventually } from "../support/wait.ts";
import { buildProgram } from "./build.ts";
import { imageEnvironment } from "./image-environment.ts";

const rounds = 5;
const targetMs = 3_000;
const roles = ["controller", "webhook"] as const;

/** From the start of the process to `/readyz`. It is ended when there is the certificate that webhooks wait for, which the first controller makes. */
async function startToReady(plane: ControlPlane, program: string, role: (typeof roles)[number]): Promise<number> {
  const kubeconfig = await plane.kubeconfigFor({ serviceAccount: { namespace: ownNamespace, name: `${ownNamespace}-${role}` } });
  const port = await freePort();
  const flags = [`--${role}`, "--kubeconfig", kubeconfig, "--namespace", ownNamespace, "--bind-address", "127.0.0.1", "--metrics-port", String(port), "--webhook-port", String(await freePort()), "--log-level", "error"];
  const started = performance.now();
  const child = spawn(process.execPath, [program, "serve", ...flags], { env: { ...process.env, ...imageEnvironment(() => undefined) }, stdio: ["ignore", "ignore", "inherit"] });
  try {
    await eventually(`the ${role} is ready`, async () => (await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined))?.status === 200);
    const took = performance.now() - started;
    const secret = `/api/v1/namespaces/${ownNamespace}/secrets/${installation.leafSecret}`;
    await eventually("there is a certificate", async () => (await plane.client.send("GET", secret)).status === 200);
    return took;
  } finally {
    child.kill("SIGTERM");
    await once(child, "exit");
  }
}

/** The middle one. */
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

const [built, plane] = await Promise.all([buildProgram([]), startControlPlane()]);
try {
  await plane.kubectl(["apply", "-k", join(import.meta.dirname, "../../deploy")]);
  const times = new Map(roles.map((role) => [role, [] as number[]]));
  for (let round = 0; round < rounds; round += 1) {
    for (const role of roles) times.get(role)?.push(await startToReady(plane, built.path("src/main.ts"), role));
  }
  for (const [role, values] of times) {
    console.log(`${role.padEnd(10)} ready after ${Math.round(median(values))} ms (median of ${rounds}; ${Math.round(Math.min(...values))} to ${Math.round(Math.max(...values))}); target: below ${targetMs} ms`);
  }
  process.exitCode = [...times.values()].every((values) => median(values) < targetMs) ? 0 : 1;
} finally {
  await Promise.all([plane.stop(), built.remove()]);
}
