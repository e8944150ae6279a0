import { generateKeyPairSync, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The users of the token file. `admin` is in `system:masters`; the tenants have no rights but those a test gives them. */
export const users = ["admin", "tenant-a", "tenant-b"] as const;
export type UserName = (typeof users)[number];

export interface CredentialFiles {
  readonly tokens: Readonly<Record<UserName, string>>;
  readonly tokenFile: string;
  readonly serviceAccountKey: string;
}

/** Writes the API server's token file and the key of its service account tokens into `directory`. */
export function writeCredentials(directory: string): CredentialFiles {
  const token = (): string => randomBytes(24).toString("hex");
  const tokens = { admin: token(), "tenant-a": token(), "tenant-b": token() };
  const tokenFile = join(directory, "tokens.csv");
  const lines = users.map((user) => `${tokens[user]},${user},${user},"${user === "admin" ? "system:masters" : "tenants"}"`);
  writeFileSync(tokenFile, `${lines.join("\n")}\n`, { mode: 0o600 });
  const serviceAccountKey = join(directory, "service-account.key");
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  writeFileSync(serviceAccountKey, privateKey.export({ type: "sec1", format: "pem" }), { mode: 0o600 });
  return { tokens, tokenFile, serviceAccountKey };
}

/** Writes a kubeconfig with one context and returns its path. JSON is YAML, so every reader of kubeconfig files takes it. */
export function writeKubeconfig(path: string, cluster: { server: string; caFile: string }, token: string): string {
  const ca = readFileSync(cluster.caFile).toString("base64");
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "local", cluster: { server: cluster.server, "certificate-authority-data": ca } }],
    users: [{ name: "user", user: { token } }],
    contexts: [{ name: "local", context: { cluster: "local", user: "user" } }],
    "current-context": "local",
  };
  writeFileSync(path, `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 });
  return path;
}

/** The API server signs its own certificate and appends the authority's: the last one in `certificate` is the CA to trust. */
export function writeAuthority(certificate: string, path: string): string {
  const blocks = readFileSync(certificate, "utf8").match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  writeFileSync(path, `${blocks.at(-1) ?? ""}\n`);
  return path;
}
