import { CodedError } from "../errors.ts";

/** What the API server is reached with. Holds secrets: never log it. */
export interface Access {
  /** Base URL, possibly with a path. */
  readonly server: URL;
  /** Sent with every request: the bearer token, impersonation. */
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsAccess;
  /** An http(s) proxy between us and the API server. */
  readonly proxy?: string;
  /** The namespace we run in, or the context's. */
  readonly namespace?: string;
}

export interface TlsAccess {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

/** Gives access data that is at most some seconds old, so that rotated tokens and certificates are taken up. */
export interface AccessSource {
  /** @throws CodedError `KubernetesConfigurationInvalid` */
  current(): Promise<Access>;
  /** Forgets what is known, because the API server refused it (401). */
  refresh(): void;
}

export interface AccessOptions {
  /** Path of a kubeconfig, or several as in the variable KUBECONFIG. Absent: the Pod's own ServiceAccount. */
  readonly kubeconfig?: string | undefined;
  /** The API server's address within a cluster, when not `kubernetes.default.svc:443`. */
  readonly inCluster?: { readonly host: string; readonly port: string } | undefined;
  /** Where a Pod finds its ServiceAccount. */
  readonly serviceAccountFolder?: string | undefined;
}

/** The error about a configuration that cannot be used. */
export const invalid = (message: string): CodedError => new CodedError("KubernetesConfigurationInvalid", message);

/** `ENOENT`, say: a file error without the path. */
export const errnoOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "code" in error && typeof error.code === "string" ? error.code : "unreadable";
