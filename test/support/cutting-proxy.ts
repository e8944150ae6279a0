import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** A TCP proxy whose connections can be cut, and which can be away for a while. */
export interface CuttingProxy {
  /** `https://127.0.0.1:<port>`. */
  readonly url: string;
  /** Resets every connection, in whatever they are. */
  readonly cut: () => void;
  /** How many connections were cut because they had carried what they may. */
  readonly cuts: () => number;
  /** Cuts every connection and takes no new one. */
  readonly goAway: () => Promise<void>;
  /** Listens again on the same port. */
  readonly comeBack: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface CuttingProxyOptions {
  /** Each connection is cut as soon as it has carried so many bytes from the server. */
  readonly cutAfterBytes?: number;
}

/** Starts a proxy in front of a server on this machine. */
export async function startCuttingProxy(target: URL, { cutAfterBytes = Infinity }: CuttingProxyOptions = {}): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  let cuts = 0;
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
    let carried = 0;
    outgoing.on("data", (chunk: Buffer) => {
      carried += chunk.length;
      if (carried < cutAfterBytes || incoming.destroyed) return;
      cuts += 1;
      incoming.resetAndDestroy();
    });
  });
  const listen = (port: number): Promise<void> =>
    new Promise((resolve) => {
      server.listen(port, "127.0.0.1", resolve);
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const goAway = async (): Promise<void> => {
    cut();
    await new Promise<void>((resolve) => {
      server.close(() => {
        resolve();
      });
    });
  };
  return { url: `https://127.0.0.1:${port}`, cut, cuts: () => cuts, goAway, comeBack: () => listen(port), close: goAway };
}
