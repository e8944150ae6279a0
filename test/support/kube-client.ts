import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, request } from "undici";

/** A Kubernetes object, as far as tests look into it without knowing its kind. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
    generation?: number;
    creationTimestamp?: string;
    deletionTimestamp?: string;
    finalizers?: string[];
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: { apiVersion: string; kind: string; name: string; uid: string; controller?: boolean; blockOwnerDeletion?: boolean }[];
    [field: string]: unknown;
  };
  spec?: unknown;
  status?: unknown;
  [field: string]: unknown;
}

/** Objects as kubectl of any version reads them from one file. Those of a List it validates by itself, before defaults are filled in. */
export const documentsOf = (objects: readonly object[]): string => objects.map((object) => JSON.stringify(object)).join("\n");

export interface KubeResponse {
  readonly status: number;
  /** The parsed JSON body; text that is not JSON comes as it is. */
  readonly body: unknown;
}

/** The API server answered with an error status. */
export class KubeError extends Error {
  override readonly name = "KubeError";
  readonly status: number;
  /** The Status object, or whatever else the body was. */
  readonly body: unknown;

  constructor(method: string, path: string, { status, body }: KubeResponse) {
    const message = typeof body === "object" && body !== null && "message" in body ? String(body.message) : JSON.stringify(body);
    super(`${method} ${path}: ${status} ${message}`);
    this.status = status;
    this.body = body;
  }
}

export interface KubeRequest {
  readonly body?: unknown;
  /** Default `application/json`; for PATCH it must be set. */
  readonly contentType?: string;
  readonly accept?: string;
}

/** Plain HTTPS calls with one bearer token. It shares no code with `src/`, so that what it says does not depend on what is tested. */
export interface KubeClient {
  /** Any status is an answer, but for 429, which an API server gives while it starts: then it is asked again for a while. */
  readonly send: (method: string, path: string, options?: KubeRequest) => Promise<KubeResponse>;
  /** The body of a 2xx answer; throws {@link KubeError} for any other. */
  readonly call: <T = KubeObject>(method: string, path: string, options?: KubeRequest) => Promise<T>;
  readonly close: () => Promise<void>;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Ten seconds of asking. */
const maxAttempts = 50;

export function kubeClient(server: string, caFile: string, token: string): KubeClient {
  const dispatcher = new Agent({ connect: { ca: readFileSync(caFile) }, connections: 32 });
  const send = async (method: string, path: string, { body, contentType, accept }: KubeRequest = {}): Promise<KubeResponse> => {
    const headers: Record<string, string> = { authorization: `Bearer ${token}`, accept: accept ?? "application/json" };
    if (body !== undefined) headers["content-type"] = contentType ?? "application/json";
    const payload = body === undefined ? null : JSON.stringify(body);
    for (let attempt = 1; ; attempt += 1) {
      const response = await request(`${server}${path}`, { method: method as "GET", headers, body: payload, dispatcher });
      const answer = { status: response.statusCode, body: parse(await response.body.text()) };
      if (answer.status !== 429 || attempt === maxAttempts) return answer;
      await sleep(200);
    }
  };
  return {
    send,
    call: async <T>(method: string, path: string, options?: KubeRequest) => {
      const response = await send(method, path, options);
      if (response.status < 200 || response.status > 299) throw new KubeError(method, path, response);
      return response.body as T;
    },
    close: () => dispatcher.close(),
  };
}

function plural(kind: string): string {
  const name = kind.toLowerCase();
  if (name.endsWith("s")) return `${name}es`;
  return name.endsWith("y") ? `${name.slice(0, -1)}ies` : `${name}s`;
}

/** The URL path of a kind's collection, such as `/apis/tekton.dev/v1/namespaces/ci/taskruns`. */
export function collectionPath(apiVersion: string, kind: string, namespace?: string): string {
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return namespace === undefined ? `${root}/${plural(kind)}` : `${root}/namespaces/${namespace}/${plural(kind)}`;
}

/** The URL path of an object. */
export function objectPath({ apiVersion, kind, metadata }: Pick<KubeObject, "apiVersion" | "kind" | "metadata">): string {
  return `${collectionPath(apiVersion, kind, metadata.namespace)}/${metadata.name}`;
}
