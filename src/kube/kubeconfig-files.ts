import { readFile } from "node:fs/promises";
import { delimiter, dirname, resolve } from "node:path";
// The library as a whole takes some 70 MB of memory; what reads kubeconfigs is one of its smaller parts.
import { newClusters, newContexts, newUsers, type Cluster, type Context, type User } from "@kubernetes/client-node/dist/config_types.js";
import { parseDocument } from "yaml";
import { errnoOf, invalid } from "./access.ts";
import { isRecord } from "./kube-error.ts";

/** The user of a kubeconfig, with the field that kubectl reads and the library does not. */
export interface KubeconfigUser extends User {
  readonly tokenFile?: string;
}

/** What one or several kubeconfigs say; file names are absolute. */
export interface Kubeconfig {
  readonly clusters: readonly Cluster[];
  readonly users: readonly KubeconfigUser[];
  readonly contexts: readonly Context[];
  readonly currentContext: string;
}

/**
 * Reads kubeconfigs as the variable KUBECONFIG lists them; where two say something of one name, the first is right.
 * @throws CodedError that quotes nothing of them
 */
export async function readKubeconfigs(paths: string): Promise<Kubeconfig> {
  const all: Kubeconfig[] = [];
  for (const path of paths.split(delimiter).filter((part) => part !== "")) all.push(await readOne(path));
  return {
    clusters: all.flatMap(({ clusters }) => clusters),
    users: all.flatMap(({ users }) => users),
    contexts: all.flatMap(({ contexts }) => contexts),
    currentContext: all.map(({ currentContext }) => currentContext).find((name) => name !== "") ?? "",
  };
}

async function readOne(path: string): Promise<Kubeconfig> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw invalid(`${path}: the kubeconfig cannot be read (${errnoOf(error)})`);
  });
  const config = parse(path, text);
  const absolute = (file: string): string => resolve(dirname(path), file);
  try {
    return {
      clusters: newClusters(config["clusters"]).map((cluster) => ({ ...cluster, ...(cluster.caFile && { caFile: absolute(cluster.caFile) }) })),
      users: newUsers(config["users"]).map((user, index) => withFiles(user, tokenFileOf(config["users"], index), absolute)),
      contexts: newContexts(config["contexts"]),
      currentContext: typeof config["current-context"] === "string" ? config["current-context"] : "",
    };
  } catch (error) {
    const known = error instanceof Error && /^(?:clusters|users|contexts)\[\d+\]\.[a-z.]+ is missing$/u.test(error.message);
    throw invalid(`${path}: not a usable kubeconfig${known ? `: ${error.message}` : ""}`);
  }
}

function parse(path: string, text: string): Record<string, unknown> {
  const document = parseDocument(text);
  const [problem] = document.errors;
  // Not the parser's own message: it quotes the line, which may be a credential.
  if (problem !== undefined) throw invalid(`${path}: not YAML (line ${problem.linePos?.[0].line ?? 0})`);
  const config: unknown = document.toJS();
  return isRecord(config) ? config : {};
}

function tokenFileOf(users: unknown, index: number): string | undefined {
  const entry: unknown = Array.isArray(users) ? users[index] : undefined;
  const user = isRecord(entry) ? entry["user"] : undefined;
  return isRecord(user) && typeof user["tokenFile"] === "string" ? user["tokenFile"] : undefined;
}

const withFiles = (user: User, tokenFile: string | undefined, absolute: (file: string) => string): KubeconfigUser => ({
  ...user,
  ...(user.certFile && { certFile: absolute(user.certFile) }),
  ...(user.keyFile && { keyFile: absolute(user.keyFile) }),
  ...(tokenFile !== undefined && { tokenFile: absolute(tokenFile) }),
});
