import { createServer } from "node:net";
import { join } from "node:path";
import type { CredentialFiles } from "./credentials.ts";

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => {
      resolve(false);
    });
    probe.listen(port, "127.0.0.1", () => {
      probe.close(() => {
        resolve(true);
      });
    });
  });
}

/**
 * A free port on 127.0.0.1, below those that the kernel hands out to outgoing connections: it is still free when an API server
 * that was ended starts on it again.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await isFree(port)) return port;
  }
}

/** etcd listens on Unix sockets in its folder only: no port to find free, nothing that another user could reach. */
export function etcdArguments(directory: string): string[] {
  const socket = "unix://client:1";
  const peers = "unix://peer:1";
  return [
    `--data-dir=${join(directory, "etcd")}`,
    `--listen-client-urls=${socket}`,
    `--advertise-client-urls=${socket}`,
    `--listen-peer-urls=${peers}`,
    `--initial-advertise-peer-urls=${peers}`,
    `--initial-cluster=default=${peers}`,
    "--unsafe-no-fsync",
    // Room for as much as one cluster has (the benchmark of scale); the file grows with what is stored.
    `--quota-backend-bytes=${8 * 1024 ** 3}`,
    "--log-level=warn",
  ];
}

export function apiServerArguments(directory: string, port: number, files: CredentialFiles): string[] {
  return [
    "--etcd-servers=unix://client:1",
    `--cert-dir=${join(directory, "certificates")}`,
    "--bind-address=127.0.0.1",
    `--secure-port=${port}`,
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-account-key-file=${files.serviceAccountKey}`,
    `--service-account-signing-key-file=${files.serviceAccountKey}`,
    "--service-cluster-ip-range=10.0.0.0/24",
    "--authorization-mode=RBAC",
    `--token-auth-file=${files.tokenFile}`,
    // No controller creates the default ServiceAccount that this plug-in would ask of every Pod.
    "--disable-admission-plugins=ServiceAccount",
    "--profiling=false",
  ];
}

/** Only what tests rely on: ownerReferences collected, namespaces emptied, aggregated ClusterRoles filled. */
export function controllerManagerArguments(kubeconfig: string): string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    "--controllers=garbage-collector-controller,namespace-controller,clusterrole-aggregation-controller",
    "--leader-elect=false",
    "--secure-port=0",
    "--kube-api-qps=500",
    "--kube-api-burst=1000",
    "--profiling=false",
  ];
}
