import { connect, type AddressInfo, type Socket } from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import type { Certificate } from "./self-signed-certificate.ts";

export interface TlsFrontOptions extends Certificate {
  /** The port on 127.0.0.1 that what is inside TLS goes to; asked for at each connection. */
  readonly to: () => number;
  /** PEM: clients must show a certificate that this one vouches for. */
  readonly clientCa?: string;
}

/** TLS in front of a server that speaks none. */
export interface TlsFront {
  readonly port: number;
  /** Common names of the clients' certificates, one for each connection that came through. */
  readonly clients: readonly string[];
  readonly close: () => Promise<void>;
}

export async function startTlsFront({ key, cert, to, clientCa }: TlsFrontOptions): Promise<TlsFront> {
  const clients: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ key, cert, ...(clientCa !== undefined && { ca: clientCa, requestCert: true, rejectUnauthorized: true }) }, (socket: TLSSocket) => {
    const { subject } = socket.getPeerCertificate() as Partial<ReturnType<TLSSocket["getPeerCertificate"]>>;
    const name = subject?.CN;
    clients.push(typeof name === "string" ? name : "");
    const inner = connect(to(), "127.0.0.1");
    socket.pipe(inner);
    inner.pipe(socket);
    for (const [one, other] of [[socket, inner], [inner, socket]] as const) {
      sockets.add(one);
      one.on("error", () => undefined);
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  });
  server.on("tlsClientError", () => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    clients,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        for (const socket of sockets) socket.destroy();
      }),
  };
}
