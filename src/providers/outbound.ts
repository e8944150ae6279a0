import { createHttp, type Http, type HttpOptions, type Transport } from "./http.ts";

/** All that leaves this process for services. */
export interface Outbound {
  /** The client for a Provider's requests, to be closed by whoever asked for it. One transport has one pool of connections, however many ask. */
  readonly client: (transport: Transport) => Http;
  /** The client for endpoints of the platform's own: no rules of Providers concern it. */
  readonly platform: Http;
  /** Closes what is open still. */
  readonly close: () => Promise<void>;
}

interface Shared {
  readonly http: Http;
  users: number;
}

const keyOf = ({ namespace, ca, certificate, proxy }: Transport): string => JSON.stringify([namespace, ca, certificate?.cert, certificate?.key, proxy?.url, proxy?.authorization]);

export function createOutbound(options: HttpOptions): Outbound {
  const pools = new Map<string, Shared>();
  const platform = createHttp({ ...options, policy: undefined, mayBegin: () => true });
  return {
    platform,
    client: (transport) => {
      const key = keyOf(transport);
      const pool = pools.get(key) ?? { http: createHttp(options, transport), users: 0 };
      pools.set(key, pool);
      pool.users += 1;
      let closed = false;
      return {
        fetch: pool.http.fetch,
        close: async () => {
          if (closed) return;
          closed = true;
          pool.users -= 1;
          if (pool.users > 0) return;
          if (pools.get(key) === pool) pools.delete(key);
          await pool.http.close();
        },
      };
    },
    close: async () => {
      const open = [...pools.values()];
      pools.clear();
      await Promise.allSettled([platform, ...open.map(({ http }) => http)].map((http) => http.close()));
    },
  };
}
