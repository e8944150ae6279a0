import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { installation as names } from "../../src/api/installation.ts";
import type { ControlPlane } from "./control-plane.ts";
import { freePort } from "./control-plane/components.ts";
import { type Environment, supervise, type Supervisor } from "./control-plane/supervise.ts";
import { eventually } from "./wait.ts";

const project = join(import.meta.dirname, "../..");
const readyWithin = 60_000;

/** The namespace that `deploy/` installs into. */
export const ownNamespace = "tekton-integrations";

export type RoleName = "controller" | "webhook";

/** A line of a log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly level: string; readonly message: string };

/** One Deployment of `deploy/` as a process on this machine. */
export interface InstalledRole {
  readonly kubeconfig: string;
  /** Where `/metrics`, `/healthz` and `/readyz` are. */
  readonly metricsUrl: string;
  readonly pid: () => number | undefined;
  /** Everything it and those before it wrote to standard output and standard error. */
  readonly log: () => string;
  /** The lines of {@link log} that are JSON, and the others as `{level: "raw", message}`. */
  readonly lines: () => LogLine[];
  /** Ends it; resolves when it has ended. Default: SIGKILL. */
  readonly kill: (signal?: NodeJS.Signals) => Promise<void>;
  /** Starts it again after {@link kill}, with the same flags. Resolves when it is ready. */
  readonly start: () => Promise<void>;
}

/** The product, installed from `deploy/`: its processes run here instead of in Pods, under their own ServiceAccounts' tokens. */
export interface Installation {
  readonly controller: InstalledRole;
  readonly webhook: InstalledRole;
  /** Everything that any of its processes ever wrote. */
  readonly logs: () => string;
  /** Leaves the processes running when this one ends; SIGTERM to the process with this id then ends them. */
  readonly detach: () => Promise<number>;
  /** Ends all processes. Repeatable. */
  readonly stop: () => Promise<void>;
}

export interface InstallationOptions {
  /** The kustomization that is applied, below `deploy/`. Default: that of `deploy/` itself. */
  readonly overlay?: string;
  /** More flags of `serve`, for each role. */
  readonly flags?: Readonly<Partial<Record<RoleName, readonly string[]>>>;
  /** Told what is done, step by step. */
  readonly progress?: (line: string) => void;
  /** Told what kubectl said. */
  readonly applied?: (output: string) => void;
}

function parseLine(line: string): LogLine {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return { level: "raw", message: line };
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false;
  }
}

interface RoleSettings {
  readonly name: RoleName;
  readonly kubeconfig: string;
  readonly metricsPort: number;
  readonly flags: readonly string[];
  readonly env: Environment;
}

function installedRole(supervisor: Supervisor, { name, kubeconfig, metricsPort, flags, env }: RoleSettings): InstalledRole {
  const metricsUrl = `http://127.0.0.1:${metricsPort}`;
  const file = join(supervisor.directory, `${name}.log`);
  const log = (): string => (existsSync(file) ? readFileSync(file, "utf8") : "");
  const common = ["--kubeconfig", kubeconfig, "--namespace", ownNamespace, "--bind-address", "127.0.0.1", "--metrics-port", String(metricsPort), "--development"];
  return {
    kubeconfig,
    metricsUrl,
    pid: () => supervisor.processes.get(name),
    log,
    lines: () => log().split("\n").filter((line) => line !== "").map(parseLine),
    kill: (signal = "SIGKILL") => supervisor.kill(name, signal),
    start: async () => {
      await supervisor.start(name, process.execPath, [join(project, "src/main.ts"), "serve", `--${name}`, ...common, ...flags], env);
      const deadline = performance.now() + readyWithin;
      while (!(await isReady(metricsUrl))) {
        const tail = (): string => log().trim().split("\n").slice(-15).join("\n");
        if (!supervisor.processes.has(name)) throw new Error(`the ${name} ended before it was ready. The end of its log:\n${tail()}`);
        if (performance.now() > deadline) throw new Error(`the ${name} is not ready after ${readyWithin / 1000} s. The end of its log:\n${tail()}`);
        await sleep(25);
      }
    },
  };
}

/** The settings that the applied Deployment has in its environment, as overlays set them. */
async function environmentOf({ client }: ControlPlane, name: RoleName): Promise<Environment> {
  const path = `/apis/apps/v1/namespaces/${ownNamespace}/deployments/${ownNamespace}-${name}`;
  const { spec } = await client.call<{ spec: { template: { spec: { containers: { env?: { name: string; value?: string }[] }[] } } } }>("GET", path);
  const variables = spec.template.spec.containers.flatMap(({ env = [] }) => env);
  return Object.fromEntries(variables.flatMap(({ name: variable, value }) => (variable.startsWith("TEKTON_INTEGRATIONS_") && value !== undefined ? [[variable, value]] : [])));
}

/** A Notification for dry runs. */
function probe(expression: string): unknown {
  const spec = { providerRef: { name: "probe" }, filter: { expression } };
  return { apiVersion: "integrations.tekton.ornew.io/v1alpha1", kind: "Notification", metadata: { name: "probe", namespace: ownNamespace }, spec };
}

/** The API server asks the webhook: it refuses what is wrong, and lets pass what is right. */
async function admits({ client }: ControlPlane): Promise<boolean> {
  const path = `/apis/integrations.tekton.ornew.io/v1alpha1/namespaces/${ownNamespace}/notifications?dryRun=All`;
  const wrong = await client.send("POST", path, { body: probe("status ==") });
  if (wrong.status !== 422 && wrong.status !== 403) return false;
  return (await client.send("POST", path, { body: probe("true") })).status === 201;
}

/**
 * Installs `deploy/` into a control plane as an administrator would, and starts what its Deployments describe as child
 * processes with the tokens of the shipped ServiceAccounts and the settings of their environment. Resolves when both are ready and the API server asks the
 * webhook. Everything ends with this process, or with `stop`.
 *
 * @example
 * const installation = await install(plane);
 * t.after(() => installation.stop());
 */
export async function install(plane: ControlPlane, options: InstallationOptions = {}): Promise<Installation> {
  const progress = options.progress ?? (() => undefined);
  const { stdout } = await plane.kubectl(["apply", "-k", join(project, "deploy", options.overlay ?? "")]);
  options.applied?.(stdout);
  const supervisor = await supervise();
  try {
    const webhookPort = await freePort();
    const webhookUrl = ["--webhook-url", `https://127.0.0.1:${webhookPort}`];
    const roleOf = async (name: RoleName, flags: readonly string[]): Promise<InstalledRole> => {
      const kubeconfig = await plane.kubeconfigFor({ serviceAccount: { namespace: ownNamespace, name: `${ownNamespace}-${name}` } });
      return installedRole(supervisor, { name, kubeconfig, metricsPort: await freePort(), env: await environmentOf(plane, name), flags: [...flags, ...(options.flags?.[name] ?? [])] });
    };
    const controller = await roleOf("controller", webhookUrl);
    const webhook = await roleOf("webhook", [...webhookUrl, "--webhook-port", String(webhookPort)]);
    progress("starting the controller and the webhook under their own ServiceAccounts");
    await Promise.all([controller.start(), webhook.start()]);
    progress(`waiting until the API server trusts the webhook (Secret ${names.leafSecret})`);
    await eventually("the API server asks the webhook", () => admits(plane));
    let stopping: Promise<void> | undefined;
    return {
      controller,
      webhook,
      logs: () => `${controller.log()}${webhook.log()}`,
      detach: async () => {
        await supervisor.detach();
        return supervisor.pid;
      },
      stop: () => {
        stopping ??= supervisor.stop();
        return stopping;
      },
    };
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
}
