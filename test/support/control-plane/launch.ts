import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type KubeClient, kubeClient } from "../kube-client.ts";
import type { Binaries } from "./binaries.ts";
import { apiServerArguments, controllerManagerArguments, etcdArguments, freePort } from "./components.ts";
import { applyCrds } from "./crds.ts";
import { type UserName, users, writeAuthority, writeCredentials, writeKubeconfig } from "./credentials.ts";
import { type Supervisor, supervise } from "./supervise.ts";
import type { Crd } from "./tekton-crds.ts";

const readyWithin = 60_000;

/** The running processes of a control plane and what it takes to talk to them. */
export interface Launched {
  readonly supervisor: Supervisor;
  readonly server: string;
  readonly caFile: string;
  readonly tokens: Readonly<Record<UserName, string>>;
  readonly kubeconfigs: Readonly<Record<UserName, string>>;
  /** As `admin`. */
  readonly client: KubeClient;
  readonly startApiServer: () => Promise<void>;
  readonly startControllerManager: () => Promise<void>;
}

/** A process that ended before it was ready; the message holds the end of its log. */
class EndedEarly extends Error {
  constructor(name: string, log: string) {
    super(`${name} ended before it was ready. The end of its log:\n${log}`);
  }
}

function logTail(supervisor: Supervisor, name: string): string {
  const path = join(supervisor.directory, `${name}.log`);
  return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n").slice(-15).join("\n") : "(no log)";
}

/** Polls until `ready` holds. Throws when a process has ended meanwhile or a minute has passed. */
async function until(supervisor: Supervisor, name: string, ready: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + readyWithin;
  while (!(await ready())) {
    for (const process of new Set([name, "etcd"])) {
      if (!supervisor.processes.has(process)) throw new EndedEarly(process, logTail(supervisor, process));
    }
    if (performance.now() > deadline) throw new Error(`${name} is not ready after ${readyWithin / 1000} s. The end of its log:\n${logTail(supervisor, name)}`);
    await sleep(50);
  }
}

async function isReady(client: KubeClient): Promise<boolean> {
  try {
    return (await client.send("GET", "/readyz")).status === 200;
  } catch {
    return false;
  }
}

/** The role `view` has no rules of its own: once it has some, kube-controller-manager is at work. */
async function aggregates(client: KubeClient): Promise<boolean> {
  const view = await client.call<{ rules?: unknown[] | null }>("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/view");
  return (view.rules ?? []).length > 0;
}

export interface LaunchOptions {
  readonly crds: readonly Crd[];
  readonly apiServerArguments: readonly string[];
}

async function begin(supervisor: Supervisor, { paths }: Binaries, options: LaunchOptions): Promise<Launched> {
  const { directory } = supervisor;
  const files = writeCredentials(directory);
  const certificates = join(directory, "certificates");
  mkdirSync(certificates);
  await supervisor.start("etcd", paths.etcd, etcdArguments(directory));
  const port = await freePort();
  const server = `https://127.0.0.1:${port}`;
  const apiServer = [...apiServerArguments(directory, port, files), ...options.apiServerArguments];
  await supervisor.start("kube-apiserver", paths["kube-apiserver"], apiServer);
  const certificate = join(certificates, "apiserver.crt");
  await until(supervisor, "kube-apiserver", () => Promise.resolve(existsSync(certificate) && existsSync(join(certificates, "apiserver.key"))));
  const caFile = writeAuthority(certificate, join(directory, "ca.crt"));
  const client = kubeClient(server, caFile, files.tokens.admin);
  await until(supervisor, "kube-apiserver", () => isReady(client));
  const kubeconfigs = Object.fromEntries(users.map((user) =>
    [user, writeKubeconfig(join(directory, `${user}.kubeconfig`), { server, caFile }, files.tokens[user])])) as Record<UserName, string>;
  // kube-controller-manager comes after the CRDs: it looks for new kinds to collect only every 30 s.
  await applyCrds(client, options.crds);
  const startControllerManager = async (): Promise<void> => {
    const name = "kube-controller-manager";
    await supervisor.start(name, paths[name], controllerManagerArguments(kubeconfigs.admin));
    await until(supervisor, name, () => aggregates(client));
  };
  await startControllerManager();
  return {
    supervisor,
    server,
    caFile,
    tokens: files.tokens,
    kubeconfigs,
    client,
    startControllerManager,
    startApiServer: async () => {
      await supervisor.start("kube-apiserver", paths["kube-apiserver"], apiServer);
      await until(supervisor, "kube-apiserver", () => isReady(client));
    },
  };
}

/** Starts etcd, kube-apiserver and kube-controller-manager; resolves when the CRDs are served. Leaves nothing behind when it fails. */
export async function launch(binaries: Binaries, options: LaunchOptions): Promise<Launched> {
  for (let attempt = 1; ; attempt += 1) {
    const supervisor = await supervise();
    try {
      return await begin(supervisor, binaries, options);
    } catch (error) {
      await supervisor.stop();
      // Another process may have taken the port between the look and the start.
      const taken = error instanceof EndedEarly && error.message.includes("address already in use");
      if (!taken || attempt === 3) throw error;
    }
  }
}
