import { createServer, type IncomingMessage } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect, type AddressInfo, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Certificate } from "./self-signed-certificate.ts";

/** What a client asked a proxy for. */
export interface Asked {
  /** `host:port`. */
  readonly target: string;
  readonly authorization: string | undefined;
}

export interface ProxyOptions {
  /** The value of Proxy-Authorization that is wanted; others are answered 407. */
  readonly authorization?: string;
  /** Where a target really is: names need not exist. */
  readonly route?: (target: string) => { readonly host: string; readonly port: number };
  /** Answers this instead of making a connection; `hang`: nothing. */
  readonly answer?: number | "hang";
  /** Spoken to over TLS. */
  readonly certificate?: Certificate;
}

/** A proxy on 127.0.0.1 that makes tunnels and knows no other requests. */
export interface ProxyDouble {
  readonly url: string;
  readonly asked: readonly Asked[];
  /** Connections that clients have open now. */
  readonly open: () => number;
  readonly close: () => Promise<void>;
}

export async function startProxy({ authorization, route, answer, certificate }: ProxyOptions = {}): Promise<ProxyDouble> {
  const asked: Asked[] = [];
  const sockets = new Set<Duplex>();
  const server = certificate === undefined ? createServer() : createTlsServer({ key: certificate.key, cert: certificate.cert });
  const tunnel = (target: string, client: Duplex): void => {
    const [, name = "", port = ""] = /^\[?(.*?)\]?:([0-9]+)$/.exec(target) ?? [];
    const upstream = connect(route?.(target) ?? { host: name, port: Number(port) });
    sockets.add(upstream);
    upstream.once("connect", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      upstream.pipe(client);
      client.pipe(upstream);
    });
    for (const [one, other] of [[client, upstream], [upstream, client]] as const) {
      one.on("error", () => undefined);
      one.on("close", () => other.destroy());
    }
    upstream.on("close", () => sockets.delete(upstream));
  };
  server.on("connect", (request: IncomingMessage, client: Duplex) => {
    const target = request.url ?? "";
    const given = request.headers["proxy-authorization"];
    asked.push({ target, authorization: given });
    client.on("error", () => undefined);
    const status = authorization !== undefined && given !== authorization ? 407 : answer;
    if (status === "hang") return;
    if (status !== undefined && status !== 200) client.end(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`);
    else tunnel(target, client);
  });
  let open = 0;
  server.on("connection", (socket: Socket) => {
    open += 1;
    sockets.add(socket);
    socket.on("close", () => {
      open -= 1;
      sockets.delete(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `${certificate === undefined ? "http" : "https"}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    open: () => open,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        for (const socket of sockets) socket.destroy();
      }),
  };
}
