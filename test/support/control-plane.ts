import { spawn } from "node:child_process";
import { join } from "node:path";
import { type Binaries, ControlPlaneUnavailable, findBinaries } from "./control-plane/binaries.ts";
import { applyCrds, readCrds } from "./control-plane/crds.ts";
import { type UserName, writeKubeconfig } from "./control-plane/credentials.ts";
import { launch, type Launched } from "./control-plane/launch.ts";
import { oldestTektonModule, tektonModule } from "./control-plane/pinned.ts";
import { tektonCrds } from "./control-plane/tekton-crds.ts";
import { type KubeClient } from "./kube-client.ts";

export { ControlPlaneUnavailable };

export interface ControlPlaneOptions {
  /** Whether Tekton's CRDs (PipelineRun, TaskRun, CustomRun) are installed, or those of the oldest Tekton that is supported. Default true. */
  readonly tekton?: boolean | "oldest";
  /** More CRDs to install before kube-controller-manager starts: YAML files or folders of them. */
  readonly crds?: readonly string[];
  /** More flags for kube-apiserver, such as those of an audit log. */
  readonly apiServerArguments?: readonly string[];
  /** Told, line by line, how a build goes. Default: standard error. */
  readonly progress?: (line: string) => void;
}

/** Whom a kubeconfig speaks for: a user of the token file, the bearer of a token, or a ServiceAccount, which must exist. */
export type Identity =
  | { readonly user: UserName }
  | { readonly token: string }
  | { readonly serviceAccount: { readonly namespace: string; readonly name: string } };

export interface KubectlOptions {
  /** Given to kubectl's standard input. */
  readonly input?: string;
  /** Default: the administrator's. */
  readonly kubeconfig?: string;
  /** Return the result of a failed command too, instead of rejecting. */
  readonly allowFailure?: boolean;
}

export interface KubectlResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A real etcd, kube-apiserver and kube-controller-manager of its own on 127.0.0.1. */
export interface ControlPlane {
  /** Such as `https://127.0.0.1:20443`. */
  readonly server: string;
  readonly caFile: string;
  /** The administrator's (`system:masters`). */
  readonly kubeconfig: string;
  readonly kubectlPath: string;
  /** The API server's, such as `v1.36.3`. */
  readonly version: string;
  readonly source: Binaries["source"];
  /** The temporary folder with everything of this control plane; `kube-apiserver.log` and the other logs are in it. */
  readonly directory: string;
  /** Process ids by name, the supervisor's among them. */
  readonly processes: ReadonlyMap<string, number>;
  /** Bearer tokens by user. */
  readonly tokens: Readonly<Record<UserName, string>>;
  /** Plain calls to the API server as the administrator. */
  readonly client: KubeClient;
  /** Runs the kubectl that belongs to the server. Rejects with kubectl's own words unless failure is allowed. */
  readonly kubectl: (args: readonly string[], options?: KubectlOptions) => Promise<KubectlResult>;
  /** The path of a kubeconfig file that speaks for somebody. Each call writes a new one. */
  readonly kubeconfigFor: (identity: Identity) => Promise<string>;
  /** Installs CRDs from YAML files or folders and waits until they are served. */
  readonly applyCrds: (paths: readonly string[]) => Promise<void>;
  /** Ends the API server and starts it again on the same port and data; resolves when it is ready. Default signal: SIGKILL. */
  readonly restartApiServer: (signal?: NodeJS.Signals) => Promise<void>;
  /** The two halves of a restart, for tests of an API server that is away for a while. */
  readonly stopApiServer: (signal?: NodeJS.Signals) => Promise<void>;
  readonly startApiServer: () => Promise<void>;
  /** Makes kube-controller-manager see CRDs at once that were installed after the start; else it takes up to 30 s. */
  readonly restartControllerManager: () => Promise<void>;
  /** Ends kube-controller-manager, for measurements that its garbage collector would be part of. */
  readonly stopControllerManager: () => Promise<void>;
  /** Leaves it running when this process ends; SIGTERM to the process `supervisor` then ends it. */
  readonly detach: () => Promise<void>;
  /** Ends every process and removes every file. Repeatable. */
  readonly stop: () => Promise<void>;
}

function runKubectl(path: string, cache: string, args: readonly string[], { input, kubeconfig, allowFailure }: KubectlOptions): Promise<KubectlResult> {
  return new Promise((resolve, reject) => {
    // kubectl caches what a server serves by its address, and addresses are used again.
    const env = { ...process.env, KUBECONFIG: kubeconfig, KUBECACHEDIR: cache };
    const child = spawn(path, args, { env, stdio: ["pipe", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
    child.stdin.on("error", () => undefined);
    child.stdin.end(input ?? "");
    child.on("error", reject);
    child.on("close", (exitCode) => {
      const code = exitCode ?? -1;
      if (code === 0 || allowFailure === true) resolve({ code, stdout, stderr });
      else reject(new Error(`kubectl ${args.join(" ")} ended with ${code}: ${stderr.trim()}`));
    });
  });
}

async function tokenOf(client: KubeClient, tokens: Launched["tokens"], identity: Identity): Promise<string> {
  if ("token" in identity) return identity.token;
  if ("user" in identity) return tokens[identity.user];
  const { namespace, name } = identity.serviceAccount;
  const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: { expirationSeconds: 86_400 } };
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
  return (await client.call<{ status: { token: string } }>("POST", path, { body })).status.token;
}

/**
 * Starts a control plane that shares nothing with any other. It ends with {@link ControlPlane.stop}, and by itself when this
 * process ends in whatever way. The first call on a machine may build the binaries, which takes minutes.
 * Throws {@link ControlPlaneUnavailable} with the reason where none can be had.
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const progress = options.progress ?? ((line: string) => process.stderr.write(`control plane: ${line}\n`));
  const binaries = await findBinaries(progress);
  const crds = [...(options.tekton === false ? [] : await tektonCrds(options.tekton === "oldest" ? oldestTektonModule : tektonModule)), ...readCrds(options.crds ?? [])];
  const launched = await launch(binaries, { crds, apiServerArguments: options.apiServerArguments ?? [] });
  const { supervisor, server, caFile, client, tokens, kubeconfigs } = launched;
  const version = (await client.call<{ gitVersion: string }>("GET", "/version")).gitVersion;
  const kubectlPath = binaries.paths.kubectl;
  let written = 0;
  let stopping: Promise<void> | undefined;
  const stopApiServer = (signal: NodeJS.Signals = "SIGKILL"): Promise<void> => supervisor.kill("kube-apiserver", signal);
  const stopControllerManager = (): Promise<void> => supervisor.kill("kube-controller-manager", "SIGKILL");
  return {
    server,
    caFile,
    kubeconfig: kubeconfigs.admin,
    kubectlPath,
    version,
    source: binaries.source,
    directory: supervisor.directory,
    get processes() {
      return new Map([...supervisor.processes, ["supervisor", supervisor.pid]]);
    },
    tokens,
    client,
    kubectl: (args, kubectlOptions = {}) =>
      runKubectl(kubectlPath, join(supervisor.directory, "kubectl-cache"), args, { kubeconfig: kubeconfigs.admin, ...kubectlOptions }),
    kubeconfigFor: async (identity) => {
      const token = await tokenOf(client, tokens, identity);
      written += 1;
      return writeKubeconfig(join(supervisor.directory, `${written}.kubeconfig`), { server, caFile }, token);
    },
    applyCrds: (paths) => applyCrds(client, readCrds(paths)),
    stopApiServer,
    startApiServer: () => launched.startApiServer(),
    restartApiServer: async (signal) => {
      await stopApiServer(signal);
      await launched.startApiServer();
    },
    stopControllerManager,
    restartControllerManager: async () => {
      await stopControllerManager();
      await launched.startControllerManager();
    },
    detach: () => supervisor.detach(),
    stop: () => {
      stopping ??= Promise.all([supervisor.stop(), client.close()]).then(() => undefined);
      return stopping;
    },
  };
}
