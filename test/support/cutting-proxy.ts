import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** A TCP proxy whose connections can be cut, and which can be closed for a while. */
export interface CuttingProxy {
  /** `https://127.0.0.1:<port>`. */
  readonly url: string;
  /** Resets every connection, in whatever they are. */
  readonly cut: () => void;
  readonly close: () => Promise<void>;
}

/** Starts a proxy in front of a server on this machine. */
export async function startCuttingProxy(target: URL): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((incoming) => {
    const outgoing = connect(Number(target.port), target.hostname);
    for (const [from, to] of [[incoming, outgoing], [outgoing, incoming]] as const) {
      sockets.add(from);
      from.pipe(to);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    close: async () => {
      cut();
      await new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
      });
    },
  };
}
