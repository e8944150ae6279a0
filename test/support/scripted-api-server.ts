import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { selfSignedCertificate } from "./self-signed-certificate.ts";

/** A request as it arrived. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  /** Distinguishes connections. */
  readonly port: number;
}

/** Plays one answer. */
export type Reply = (response: ServerResponse, seen: Seen) => void;

/** A real HTTPS server on 127.0.0.1 that answers what the test scripted, in order, one script per path and kind of request. */
export interface ScriptedApiServer {
  readonly url: string;
  /** CA, address and the token `test-token`. */
  readonly kubeconfig: string;
  /** The server's certificate, which is its own CA. */
  readonly certificate: string;
  readonly requests: readonly Seen[];
  /** Answers for lists, and for watches; a watch without a script stays open and silent, a list without one is empty. */
  readonly lists: Reply[];
  readonly watches: Reply[];
  /** Answers for everything else. */
  readonly others: Reply[];
  /** Resolves when `count` requests that fit have arrived since the start. */
  received(count: number, fits?: (seen: Seen) => boolean): Promise<Seen[]>;
  /** From now on connections are refused. */
  stopListening(): Promise<void>;
  close(): Promise<void>;
}

export const isWatch = (seen: Seen): boolean => seen.query["watch"] === "true";
export const isList = (seen: Seen): boolean => seen.method === "GET" && !isWatch(seen) && /\/(?:pipelineruns|secrets|configmaps)$/u.test(seen.path);

/** With `clientCa`, only clients that present a certificate of it are let in. */
export async function startScriptedApiServer(options: { readonly clientCa?: string } = {}): Promise<ScriptedApiServer> {
  const certificate = await selfSignedCertificate("127.0.0.1");
  const requests: Seen[] = [];
  const waiting = new Set<() => void>();
  const lists: Reply[] = [];
  const watches: Reply[] = [];
  const others: Reply[] = [];

  const server = createServer({ key: certificate.key, cert: certificate.cert, ...(options.clientCa === undefined ? {} : { ca: options.clientCa, requestCert: true, rejectUnauthorized: true }) }, (request, response) => {
    void readBody(request).then((body) => {
      const url = new URL(request.url ?? "", "https://127.0.0.1");
      const seen: Seen = {
        method: request.method ?? "",
        path: url.pathname,
        query: Object.fromEntries(url.searchParams),
        headers: request.headers,
        body,
        port: request.socket.remotePort ?? 0,
      };
      requests.push(seen);
      const script = isWatch(seen) ? watches : isList(seen) ? lists : others;
      const fallback = isWatch(seen) ? silence : isList(seen) ? page([], "1") : status(404, "NotFound");
      (script.shift() ?? fallback)(response, seen);
      for (const look of waiting) look();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const url = `https://127.0.0.1:${String(port)}`;
  const folder = await mkdtemp(join(tmpdir(), "scripted-api-server-"));
  const kubeconfig = join(folder, "kubeconfig");
  await writeFile(kubeconfig, kubeconfigFor(url, certificate.cert, { token: "test-token" }), { mode: 0o600 });

  const stopListening = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
  return {
    url,
    kubeconfig,
    certificate: certificate.cert,
    requests,
    lists,
    watches,
    others,
    received: (count, fits = () => true) =>
      new Promise((resolve) => {
        const look = (): void => {
          const fitting = requests.filter(fits);
          if (fitting.length < count) return;
          waiting.delete(look);
          resolve(fitting);
        };
        waiting.add(look);
        look();
      }),
    stopListening,
    close: async () => {
      if (server.listening) await stopListening();
      await rm(folder, { recursive: true });
    },
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

export function kubeconfigFor(url: string, ca: string, user: Record<string, unknown>): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    clusters: [{ name: "test", cluster: { server: url, "certificate-authority-data": Buffer.from(ca).toString("base64") } }],
    users: [{ name: "test", user }],
    contexts: [{ name: "test", context: { cluster: "test", user: "test", namespace: "ours" } }],
  });
}

const silence: Reply = (response) => {
  response.writeHead(200, { "content-type": "application/json" });
  response.flushHeaders();
};

export const json =
  (body: unknown, code = 200, headers: Record<string, string> = {}): Reply =>
  (response) => {
    response.writeHead(code, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify(body));
  };

/** An error as the API server words it. */
export const status = (code: number, reason: string, extra: { message?: string; retryAfter?: number } = {}): Reply =>
  json(
    { kind: "Status", apiVersion: "v1", status: "Failure", reason, code, message: extra.message ?? `scripted ${reason}` },
    code,
    extra.retryAfter === undefined ? {} : { "retry-after": String(extra.retryAfter) },
  );

export interface ScriptedObject {
  readonly name: string;
  readonly version: number;
  readonly uid?: string;
  readonly note?: string;
}

/** A PipelineRun of namespace `ci`. */
export const run = ({ name, version, uid, note }: ScriptedObject): Record<string, unknown> => ({
  apiVersion: "tekton.dev/v1",
  kind: "PipelineRun",
  metadata: { name, namespace: "ci", uid: uid ?? `uid-${name}`, resourceVersion: String(version) },
  spec: { note: note ?? "" },
});

export const page = (items: readonly ScriptedObject[], resourceVersion: string, token?: string): Reply =>
  json({
    apiVersion: "tekton.dev/v1",
    kind: "PipelineRunList",
    metadata: { resourceVersion, ...(token === undefined ? {} : { continue: token }) },
    items: items.map(run),
  });

const line = (type: string, object: unknown): string => `${JSON.stringify({ type, object })}\n`;
export const added = (object: ScriptedObject): string => line("ADDED", run(object));
export const modified = (object: ScriptedObject): string => line("MODIFIED", run(object));
export const deleted = (object: ScriptedObject): string => line("DELETED", run(object));
export const errorEvent = (code: number, reason: string): string => line("ERROR", { kind: "Status", code, reason, message: `scripted ${reason}` });
export const bookmark = (version: number, initialEventsEnd = false): string =>
  line("BOOKMARK", {
    kind: "PipelineRun",
    apiVersion: "tekton.dev/v1",
    metadata: { resourceVersion: String(version), ...(initialEventsEnd ? { annotations: { "k8s.io/initial-events-end": "true" } } : {}) },
  });

/** Sends the parts one by one, each as a chunk of its own, and then ends, breaks off or stays. */
export const stream =
  (parts: readonly (string | Buffer)[], then: "end" | "reset" | "stay" = "stay"): Reply =>
  (response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    const send = (index: number): void => {
      const part = parts[index];
      if (part !== undefined) {
        response.write(part, () => setImmediate(send, index + 1));
        return;
      }
      if (then === "end") response.end();
      if (then === "reset") response.socket?.destroy();
    };
    send(0);
  };
