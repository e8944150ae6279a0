import type { RequestListener } from "node:http";
import { createServer, type Server, type ServerOptions } from "node:https";
import type { Socket } from "node:net";
import type { ServingCertificate } from "./certificates.ts";
import type { ServerLimits } from "./limits.ts";

/** Forward secrecy and authenticated encryption only, for both kinds of keys; API servers of all supported versions know them. */
const tls: ServerOptions = {
  minVersion: "TLSv1.2",
  ciphers: [
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
  ].join(":"),
  honorCipherOrder: true,
};

/** A server over TLS that gives nobody more than the limits allow. It has no certificate yet: {@link useCertificate}. */
export function createListener(limits: ServerLimits, handle: RequestListener): Server {
  const server = createServer(
    {
      ...tls,
      handshakeTimeout: limits.handshakeMs,
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.idleMs,
      connectionsCheckingInterval: limits.lookEveryMs,
      maxHeaderSize: limits.headerBytes,
    },
    handle,
  );
  boundConnections(server, limits.connections);
  return server;
}

/** New connections are served with this certificate; those that are open stay as they are. */
export function useCertificate(server: Server, certificate: ServingCertificate): void {
  server.setSecureContext({ ...tls, ...certificate });
}

/** The same for a connection and for the one that TLS lays over it, which do not know each other. */
const nameOf = ({ remoteAddress, remotePort, localAddress }: Socket): string => `${String(remoteAddress)} ${String(remotePort)} ${String(localAddress)}`;

/**
 * Keeps at most so many connections. One more ends the one that has been without a request longest, in the middle of a TLS
 * handshake or after it, so that nobody shuts out the API server by holding connections; when all are at work it is ended itself.
 */
function boundConnections(server: Server, most: number): void {
  /** The one that was busy least lately comes first. */
  const open = new Map<string, { readonly socket: Socket; busy: boolean }>();
  const touch = (name: string, busy: boolean): void => {
    const connection = open.get(name);
    if (connection === undefined) return;
    connection.busy = busy;
    open.delete(name);
    open.set(name, connection);
  };
  const idlest = (): Socket | undefined => {
    for (const { busy, socket } of open.values()) if (!busy) return socket;
    return undefined;
  };
  server.on("connection", (socket: Socket) => {
    const name = nameOf(socket);
    if (open.size >= most) (idlest() ?? socket).destroy();
    if (socket.destroyed) return;
    open.set(name, { socket, busy: false });
    socket.once("close", () => open.delete(name));
  });
  server.on("request", ({ socket }, response) => {
    const name = nameOf(socket);
    touch(name, true);
    response.once("close", () => {
      touch(name, false);
    });
  });
}
