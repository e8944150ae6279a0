import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { eventually } from "./wait.ts";

/** One request as it arrived, and what became of it. */
export interface Received {
  /** Milliseconds since the epoch when its headers were there. */
  readonly beganAt: number;
  /** Milliseconds since the epoch when its last byte was there. */
  readonly at: number;
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The body as JSON; `undefined` when it is none. */
  readonly json: unknown;
  /** The status that was answered; `reset` and `hang` when none was. A lost answer counts as its status. */
  outcome: number | "reset" | "hang" | "pending";
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON unless it is a string. */
  readonly body?: unknown;
}

/** How a receiver misbehaves. Without `answer`, `reset` or `hang` the request is dealt with as usual, only late or unanswered. */
export interface Fault {
  /** Waits so long before it does anything. */
  readonly delayMs?: number;
  /** Answers this instead of dealing with the request. */
  readonly answer?: Answer;
  /** Closes the connection without an answer, the request being lost. */
  readonly reset?: boolean;
  /** Never answers. */
  readonly hang?: boolean;
  /** Deals with the request, then closes the connection instead of answering. */
  readonly loseAnswer?: boolean;
}

export type FaultSource = Fault | ((request: Received) => Fault | undefined);

/** A local HTTP server that stands for an external service and remembers every request. */
export interface Receiver {
  /** Such as `http://127.0.0.1:31234`. */
  readonly url: string;
  /** In the order in which they arrived; also those that were answered with errors or not at all. */
  readonly received: readonly Received[];
  /** Those that were answered with 2xx, whether or not the answer got through. */
  readonly accepted: () => Received[];
  /** The next `times` requests for which the source has a fault (default: all from now on) meet it. */
  readonly misbehave: (fault: FaultSource, times?: number) => void;
  /** Ends all misbehaviour. */
  readonly behave: () => void;
  /** Resolves with the accepted requests as soon as there are `count`, or as soon as `holds` says so. */
  readonly waitFor: (count: number | ((accepted: readonly Received[]) => boolean)) => Promise<Received[]>;
  /** Stops listening, as a service that is down; open connections are closed. */
  readonly goAway: () => Promise<void>;
  /** Listens again on the same port. */
  readonly comeBack: () => Promise<void>;
  /** Ends it, open connections and requests that hang included. */
  readonly close: () => Promise<void>;
}

export interface ReceiverOptions {
  /** What is answered to a request. Default: 200 without a body. */
  readonly respond?: (request: Received) => Answer;
  /** Default: a free one. */
  readonly port?: number;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function read(request: IncomingMessage): Promise<Received> {
  const beganAt = Date.now();
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString("utf8");
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : (value ?? "")]));
  return { beganAt, at: Date.now(), method: request.method ?? "", path: request.url ?? "", headers, body, json: parseJson(body), outcome: "pending" };
}

function write(response: ServerResponse, { status, headers, body }: Answer): void {
  const isText = typeof body === "string";
  if (body !== undefined && !isText) response.setHeader("content-type", "application/json; charset=utf-8");
  response.writeHead(status, headers);
  response.end(isText ? body : JSON.stringify(body));
}

interface Planned {
  readonly source: FaultSource;
  times: number;
}

function nextFault(planned: Planned[], request: Received): Fault | undefined {
  for (const plan of planned) {
    const fault = typeof plan.source === "function" ? plan.source(request) : plan.source;
    if (fault === undefined || plan.times === 0) continue;
    plan.times -= 1;
    return fault;
  }
  return undefined;
}

/** Starts a receiver on 127.0.0.1. */
export async function startReceiver(options: ReceiverOptions = {}): Promise<Receiver> {
  const respond = options.respond ?? (() => ({ status: 200 }));
  const received: Received[] = [];
  let planned: Planned[] = [];
  const timers = new Set<NodeJS.Timeout>();

  const deal = (request: Received, fault: Fault, response: ServerResponse): void => {
    if (fault.hang === true) {
      request.outcome = "hang";
      return;
    }
    if (fault.reset === true) {
      request.outcome = "reset";
      response.socket?.resetAndDestroy();
      return;
    }
    const answer = fault.answer ?? respond(request);
    request.outcome = answer.status;
    if (fault.loseAnswer === true) response.socket?.resetAndDestroy();
    else write(response, answer);
  };
  const handle = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const request = await read(incoming);
    received.push(request);
    const fault = nextFault(planned, request) ?? {};
    if (fault.delayMs === undefined) {
      deal(request, fault, response);
      return;
    }
    const timer = setTimeout(() => {
      timers.delete(timer);
      deal(request, fault, response);
    }, fault.delayMs);
    timers.add(timer);
  };
  const server = createServer((incoming, response) => {
    // A client that goes away while it is read leaves nothing to record.
    handle(incoming, response).catch(() => response.destroy());
  });
  const listen = (port: number): Promise<number> =>
    new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, "127.0.0.1", () => {
        server.off("error", reject);
        resolve((server.address() as AddressInfo).port);
      });
    });
  const goAway = (): Promise<void> =>
    new Promise((resolve) => {
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
      server.close(() => {
        resolve();
      });
      server.closeAllConnections();
    });
  const port = await listen(options.port ?? 0);
  const accepted = (): Received[] => received.filter(({ outcome }) => typeof outcome === "number" && outcome >= 200 && outcome < 300);
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    accepted,
    misbehave: (source, times = Infinity) => {
      planned.push({ source, times });
    },
    behave: () => {
      planned = [];
    },
    waitFor: (wanted) => {
      const holds = typeof wanted === "number" ? (requests: readonly Received[]) => requests.length >= wanted : wanted;
      const what = typeof wanted === "number" ? `${wanted} accepted requests` : "the wanted requests";
      return eventually(what, () => {
        const requests = accepted();
        return holds(requests) ? requests : undefined;
      });
    },
    goAway,
    comeBack: async () => {
      await listen(port);
    },
    close: goAway,
  };
}
