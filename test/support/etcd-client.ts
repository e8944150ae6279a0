import { join } from "node:path";
import { Pool } from "undici";

/** A stored object: its key below `/registry/`, and what etcd holds under it. */
export interface StoredObject {
  readonly key: string;
  readonly value: string;
}

/** Writes into the etcd of a control plane, past its API server. */
export interface EtcdClient {
  /** All of them in one transaction: at most 128, and 1.5 MB. */
  readonly put: (objects: readonly StoredObject[]) => Promise<void>;
  readonly close: () => Promise<void>;
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** `directory`: that of the control plane, where etcd's socket is. */
export function etcdClient(directory: string): EtcdClient {
  const pool = new Pool("http://localhost", { socketPath: join(directory, "client:1"), connections: 4 });
  return {
    put: async (objects) => {
      const success = objects.map(({ key, value }) => ({ requestPut: { key: base64(`/registry/${key}`), value: base64(value) } }));
      const { statusCode, body } = await pool.request({ method: "POST", path: "/v3/kv/txn", headers: { "content-type": "application/json" }, body: JSON.stringify({ success }) });
      const answer = await body.text();
      if (statusCode !== 200) throw new Error(`etcd answered ${statusCode}: ${answer.slice(0, 300)}`);
    },
    close: () => pool.close(),
  };
}
