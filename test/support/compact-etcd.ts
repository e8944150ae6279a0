import { request } from "node:http";
import { join } from "node:path";
import type { ControlPlane } from "./control-plane.ts";

/** One call to etcd's HTTP gateway, over the socket in the control plane's folder. */
function call({ directory }: ControlPlane, path: string, body: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: join(directory, "client:1"), path, method: "POST", headers: { "content-type": "application/json" } }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      answer.on("end", () => {
        if (answer.statusCode === 200) resolve(JSON.parse(text));
        else reject(new Error(`etcd answered ${answer.statusCode ?? 0}: ${text}`));
      });
    });
    asked.on("error", reject);
    asked.end(JSON.stringify(body));
  });
}

/** Forgets every revision before the newest, as an API server does every five minutes; resolves with that revision. */
export async function compactEtcd(plane: ControlPlane): Promise<number> {
  const { header } = (await call(plane, "/v3/kv/range", { key: Buffer.from("x").toString("base64") })) as { header: { revision: string } };
  await call(plane, "/v3/kv/compaction", { revision: header.revision, physical: true });
  return Number(header.revision);
}
