import { readFile } from "node:fs/promises";
import type { RequestOptions } from "node:https";
import type { Cluster } from "@kubernetes/client-node/dist/config_types.js";
import { ExecAuth } from "@kubernetes/client-node/dist/exec_auth.js";
import { invalid, type Access, type TlsAccess } from "./access.ts";
import { readKubeconfigs, type Kubeconfig, type KubeconfigUser } from "./kubeconfig-files.ts";

/** Reads the kubeconfig on the first call; later calls ask the same configuration for fresh credentials. */
export function kubeconfigReader(paths: string): () => Promise<Access> {
  let loading: Promise<Kubeconfig> | undefined;
  const credentials = createCredentials();
  return async () => {
    loading ??= readKubeconfigs(paths);
    const config = await loading;
    const context = config.contexts.find(({ name }) => name === config.currentContext);
    const cluster = config.clusters.find(({ name }) => name === context?.cluster);
    if (cluster === undefined) throw invalid(`${paths}: the current context names no cluster`);
    const user = config.users.find(({ name }) => name === context?.user);
    const server = parseServer(paths, cluster.server, cluster.skipTLSVerify);
    if (cluster.proxyUrl?.startsWith("socks") === true) throw invalid(`${paths}: proxy-url: SOCKS proxies are not supported`);
    let https: RequestOptions;
    try {
      https = { ...(await authority(cluster)), ...(user !== undefined && (await credentials(config, user))) };
    } catch {
      // The cause may quote what a plugin printed.
      throw invalid(`${paths}: the credentials of the current context cannot be obtained; try \`kubectl auth whoami\` with the same kubeconfig`);
    }
    return {
      server,
      headers: headersOf(https),
      tls: tlsOf(https),
      ...(cluster.proxyUrl !== undefined && { proxy: cluster.proxyUrl }),
      ...(context?.namespace !== undefined && { namespace: context.namespace }),
    };
  };
}

/** @throws CodedError unless it is https, or http with verification switched off on purpose. */
function parseServer(paths: string, text: string, skipTLSVerify: boolean): URL {
  const server = URL.parse(text);
  if (server === null || !["https:", "http:"].includes(server.protocol)) throw invalid(`${paths}: the cluster's server is not an http(s) URL`);
  if (server.protocol === "http:" && !skipTLSVerify) {
    throw invalid(`${paths}: the cluster's server is plain http, which would show the credentials to everyone on the way; use https`);
  }
  return server;
}

/** The contents of the file, or what the text holds in base64; undefined: neither is there. */
async function fileOrData(file: string | undefined, data: string | undefined): Promise<Buffer | undefined> {
  if (file) return readFile(file);
  return data ? Buffer.from(data, "base64") : undefined;
}

async function authority({ caFile, caData, skipTLSVerify, tlsServerName }: Cluster): Promise<RequestOptions> {
  const ca = await fileOrData(caFile, caData);
  return {
    ...(ca !== undefined && { ca }),
    ...(tlsServerName !== undefined && { servername: tlsServerName }),
    ...(skipTLSVerify && { rejectUnauthorized: false }),
  };
}

/** Credentials that are obtained in another way than kubectl itself would; the library knows the ways of the past. */
const byLibrary = async (config: Kubeconfig, user: KubeconfigUser): Promise<(https: RequestOptions) => Promise<void>> => {
  // Loaded on demand: it takes some 70 MB of memory.
  const { KubeConfig } = await import("@kubernetes/client-node");
  const made = new KubeConfig();
  made.loadFromOptions({ clusters: [...config.clusters], users: [user], contexts: [...config.contexts], currentContext: config.currentContext });
  return (https) => made.applyToHTTPSOptions(https);
};

/** Plugins and providers keep their tokens until these end. */
function createCredentials(): (config: Kubeconfig, user: KubeconfigUser) => Promise<RequestOptions> {
  const plugins = new ExecAuth();
  let provider: ReturnType<typeof byLibrary> | undefined;
  return async (config, user) => {
    const [cert, key] = [await fileOrData(user.certFile, user.certData), await fileOrData(user.keyFile, user.keyData)];
    const headers: Record<string, string> = user.impersonateUser ? { "Impersonate-User": user.impersonateUser } : {};
    const https: RequestOptions & { headers: Record<string, string> } = { ...(cert !== undefined && { cert }), ...(key !== undefined && { key }), headers };
    if (plugins.isAuthProvider(user)) await plugins.applyAuthentication(user, https);
    else if (user.authProvider) {
      provider ??= byLibrary(config, user);
      await (await provider)(https);
    }
    const token = user.tokenFile === undefined ? user.token : await readFile(user.tokenFile, "utf8");
    if (token) https.headers["Authorization"] = `Bearer ${token}`;
    if (user.username) https.auth = `${user.username}:${user.password ?? ""}`;
    return https;
  };
}

function headersOf(https: RequestOptions): Record<string, string> {
  const headers: Record<string, string> = {};
  const given: unknown = https.headers;
  if (typeof given === "object" && given !== null) {
    for (const [name, value] of Object.entries(given)) if (typeof value === "string") headers[name.toLowerCase()] = value.trim();
  }
  if (typeof https.auth === "string") headers["authorization"] = `Basic ${Buffer.from(https.auth).toString("base64")}`;
  return headers;
}

function tlsOf(https: RequestOptions): TlsAccess {
  const material = (value: unknown): string | Buffer | undefined => (typeof value === "string" || Buffer.isBuffer(value) ? value : undefined);
  const ca = material(https.ca);
  const cert = material(https.cert);
  const key = material(https.key);
  const servername = typeof https.servername === "string" ? https.servername : undefined;
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(servername === undefined ? {} : { servername }),
    ...(https.rejectUnauthorized === false ? { rejectUnauthorized: false } : {}),
  };
}
