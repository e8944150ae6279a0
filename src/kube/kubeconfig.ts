import { readFile } from "node:fs/promises";
import type { RequestOptions } from "node:https";
import { delimiter } from "node:path";
import type { KubeConfig } from "@kubernetes/client-node";
import { parseDocument } from "yaml";
import { errnoOf, invalid, type Access, type TlsAccess } from "./access.ts";
import { isRecord } from "./kube-error.ts";

/** Reads the kubeconfig on the first call; later calls ask the same configuration for fresh credentials. */
export function kubeconfigReader(paths: string): () => Promise<Access> {
  let loading: ReturnType<typeof loadKubeconfig> | undefined;
  return async () => {
    loading ??= loadKubeconfig(paths);
    const config = await loading;
    const cluster = config.getCurrentCluster();
    if (cluster === null) throw invalid(`${paths}: the current context names no cluster`);
    const server = parseServer(paths, cluster.server, cluster.skipTLSVerify);
    if (cluster.proxyUrl?.startsWith("socks") === true) throw invalid(`${paths}: proxy-url: SOCKS proxies are not supported`);
    const https: RequestOptions = {};
    try {
      await config.applyToHTTPSOptions(https);
    } catch {
      // The cause may quote what a plugin printed.
      throw invalid(`${paths}: the credentials of the current context cannot be obtained; try \`kubectl auth whoami\` with the same kubeconfig`);
    }
    const namespace = config.getContextObject(config.getCurrentContext())?.namespace;
    return {
      server,
      headers: headersOf(https),
      tls: tlsOf(https),
      ...(cluster.proxyUrl === undefined ? {} : { proxy: cluster.proxyUrl }),
      ...(namespace === undefined ? {} : { namespace }),
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

// Loaded on demand: in a Pod, where memory counts, nothing of the library is needed.
async function loadKubeconfig(paths: string): Promise<KubeConfig> {
  const library = await import("@kubernetes/client-node");
  const merged = new library.KubeConfig();
  for (const [index, path] of paths.split(delimiter).filter((part) => part !== "").entries()) {
    const text = await readFile(path, "utf8").catch((error: unknown) => {
      throw invalid(`${path}: the kubeconfig cannot be read (${errnoOf(error)})`);
    });
    const tokenFiles = readTokenFiles(path, text);
    const config = new library.KubeConfig();
    try {
      config.loadFromFile(path);
      const users = config.getUsers().map((user) => {
        const tokenFile = tokenFiles.get(user.name);
        return tokenFile === undefined ? user : { ...user, authProvider: { name: "tokenFile", config: { tokenFile } } };
      });
      config.loadFromOptions({ clusters: config.getClusters(), users, contexts: config.getContexts(), currentContext: config.getCurrentContext() });
      merged.mergeConfig(config, index > 0);
    } catch (error) {
      const known = error instanceof Error && /^(?:clusters|users|contexts)\[\d+\]\.[a-z.]+ is missing$|^Duplicate /u.test(error.message);
      throw invalid(`${path}: not a usable kubeconfig${known ? `: ${error.message}` : ""}`);
    }
  }
  return merged;
}

/** `tokenFile` of each user by name: kubectl reads this field, the library does not. */
function readTokenFiles(path: string, text: string): Map<string, string> {
  const found = new Map<string, string>();
  const document = parseDocument(text);
  const [problem] = document.errors;
  // Not the parser's own message: it quotes the line, which may be a credential.
  if (problem !== undefined) throw invalid(`${path}: not YAML (line ${problem.linePos?.[0].line ?? 0})`);
  const config: unknown = document.toJS();
  const users: unknown = isRecord(config) ? config["users"] : undefined;
  for (const entry of Array.isArray(users) ? (users as unknown[]) : []) {
    if (!isRecord(entry) || typeof entry["name"] !== "string" || !isRecord(entry["user"])) continue;
    const { tokenFile } = entry["user"];
    if (typeof tokenFile === "string") found.set(entry["name"], tokenFile);
  }
  return found;
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
