import { readBody } from "../body.ts";
import type { Http } from "../http.ts";

/** The parts of the SDK's requests that are read here. */
interface AwsRequest {
  readonly method: string;
  /** With the colon. */
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

interface AwsAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** What the SDK takes for its way to the network. */
export interface AwsRequestHandler {
  readonly metadata: { readonly handlerProtocol: string };
  readonly handle: (request: AwsRequest, options?: { readonly abortSignal?: unknown }) => Promise<{ readonly response: AwsAnswer }>;
  readonly updateHttpClientConfig: () => void;
  readonly httpHandlerConfigs: () => Record<string, never>;
  readonly destroy: () => void;
}

/** Written by the connection itself. */
const written = new Set(["host", "content-length"]);

/** For calls of the SDK's own, which bring no signal. */
const ownTimeoutMs = 10_000;

/** Lets the AWS SDK send through our outbound client, with its egress policy, fence and bounds. */
export function handlerOver(http: Http): AwsRequestHandler {
  return {
    metadata: { handlerProtocol: "http/1.1" },
    handle: async ({ method, protocol, hostname, port, path, headers, body }, { abortSignal } = {}) => {
      const host = `${hostname}${port === undefined ? "" : `:${port}`}`;
      const response = await http.fetch(`${protocol}//${host}${path}`, {
        method,
        headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !written.has(name.toLowerCase()))),
        body: body as string,
        signal: abortSignal instanceof AbortSignal ? abortSignal : AbortSignal.timeout(ownTimeoutMs),
      });
      return { response: { statusCode: response.status, headers: Object.fromEntries(response.headers), body: await readBody(response, host) } };
    },
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
    destroy: () => undefined,
  };
}
