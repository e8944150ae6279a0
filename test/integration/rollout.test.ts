import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { connect as tlsConnect } from "node:tls";
import { setTimeout as sleep } from "node:timers/promises";
import { installation } from "../../src/api/installation.ts";
import type { ControlPlane } from "../support/control-plane.ts";
import { freePort } from "../support/control-plane/components.ts";
import { supervise, type Supervisor } from "../support/control-plane/supervise.ts";
import { controlPlaneTests } from "../support/require.ts";
import { eventually } from "../support/wait.ts";

const test = controlPlaneTests();
const project = join(import.meta.dirname, "../..");
const own = "tekton-integrations";
const perSecond = 200;
const path = "/apis/integrations.tekton.ornew.io/v1alpha1/namespaces/default/notifications?dryRun=All";

/** A process of the product. */
interface Replica {
  readonly name: string;
  readonly port: number;
  readonly isReady: () => Promise<boolean>;
  /** What a rolling update does to a Pod. Resolves when the process has ended by itself. */
  readonly terminate: () => Promise<void>;
}

interface Starting {
  readonly supervisor: Supervisor;
  readonly name: string;
  readonly kubeconfig: string;
  /** How much later it is for the process. Default: 0. */
  readonly aheadMs?: number;
  readonly flags: readonly string[];
}

async function start({ supervisor, name, kubeconfig, aheadMs, flags }: Starting): Promise<Replica> {
  const [port, metricsPort] = [await freePort(), await freePort()];
  const common = ["--kubeconfig", kubeconfig, "--namespace", own, "--bind-address", "127.0.0.1", "--development", "--log-level", "warn", "--metrics-port", String(metricsPort), "--webhook-port", String(port)];
  const program = aheadMs === undefined ? ["src/main.ts", "serve"] : ["test/support/ahead-serve.ts", String(aheadMs)];
  await supervisor.start(name, process.execPath, [join(project, program[0] ?? ""), ...program.slice(1), ...common, ...flags]);
  return {
    name,
    port,
    isReady: async () => (await fetch(`http://127.0.0.1:${metricsPort}/readyz`, { signal: AbortSignal.timeout(1_000) }).catch(() => undefined))?.status === 200,
    terminate: () => supervisor.kill(name, "SIGTERM"),
  };
}

/**
 * Plays Service and kubelet: it looks at the readiness of all replicas twice a second, and a new connection goes to one that was
 * ready then. Connections that are open stay where they are.
 */
async function startBalancer(t: TestContext) {
  const replicas = new Set<Replica>();
  let ready: readonly Replica[] = [];
  let turn = 0;
  const sockets = new Set<Socket>();
  const server = createServer((incoming) => {
    const target = ready[turn++ % Math.max(1, ready.length)];
    if (target === undefined) {
      incoming.destroy();
      return;
    }
    const outgoing = connect(target.port, "127.0.0.1");
    for (const [from, to] of [[incoming, outgoing], [outgoing, incoming]] as const) {
      sockets.add(from);
      from.setNoDelay().pipe(to);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const over = new AbortController();
  const looking = (async () => {
    while (!over.signal.aborted) {
      const states = await Promise.all([...replicas].map(async (replica) => [replica, await replica.isReady()] as const));
      ready = states.flatMap(([replica, is]) => (is ? [replica] : []));
      await sleep(500);
    }
  })();
  t.after(async () => {
    over.abort();
    await looking;
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, replicas, ready: () => ready };
}

const notification = (index: number, expression: string) => ({
  apiVersion: "integrations.tekton.ornew.io/v1alpha1",
  kind: "Notification",
  metadata: { name: `n-${index}` },
  spec: { providerRef: { name: "p" }, filter: { expression } },
});

/** Dry-run creates at a steady pace, one in ten of them wrong, until it is ended; `failures` holds every answer that is not what the webhook says to it. */
function load({ client }: ControlPlane, t: TestContext) {
  const failures: string[] = [];
  const under = new Set<Promise<void>>();
  let answered = 0;
  let sent = 0;
  const one = async (index: number): Promise<void> => {
    const wrong = index % 10 === 0;
    const { status, body } = await client.send("POST", path, { body: notification(index, wrong ? "nope" : `name == "run-${index}"`) });
    answered += 1;
    if (status !== (wrong ? 422 : 201)) failures.push(`${status} ${JSON.stringify(body).slice(0, 300)}`);
  };
  const stop = new AbortController();
  const sending = (async () => {
    const begun = performance.now();
    while (!stop.signal.aborted) {
      const due = Math.floor(((performance.now() - begun) / 1000) * perSecond);
      // When the machine lags, what is missed is not sent all at once.
      for (let burst = 0; sent < due && burst < 20; burst += 1) {
        const request = one(sent++).catch((error: unknown) => {
          failures.push(String(error));
        });
        under.add(request);
        void request.finally(() => under.delete(request));
      }
      await sleep(5);
    }
    await Promise.all(under);
  })();
  const end = async (): Promise<void> => {
    stop.abort();
    await sending;
  };
  t.after(end);
  return { end, failures, sent: () => sent, answered: () => answered };
}

/** The certificate that a replica shows to who connects now. */
const servedBy = ({ port }: Replica): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = tlsConnect({ port, host: "127.0.0.1", rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()?.fingerprint256 ?? "");
      socket.destroy();
    });
    socket.once("error", reject);
  });

test("no call fails while both replicas are rolled, their certificate is made anew and its authority replaced", async (plane, t) => {
  const { client } = plane;
  const stored = async (name: string): Promise<string | undefined> => {
    const { status, body } = await client.send("GET", `/api/v1/namespaces/${own}/secrets/${name}`);
    const pem = status === 200 ? (body as { data?: Record<string, string> }).data?.["tls.crt"] : undefined;
    return pem === undefined ? undefined : new X509Certificate(Buffer.from(pem, "base64")).fingerprint256;
  };
  const another = (name: string, before: string | undefined): Promise<string> =>
    eventually(`${name} holds another certificate`, async () => {
      const now = await stored(name);
      return now !== before && now;
    });
  await plane.kubectl(["apply", "-k", join(project, "deploy")]);
  const supervisor = await supervise();
  t.after(() => supervisor.stop());
  const balancer = await startBalancer(t);
  const account = (name: string): Promise<string> => plane.kubeconfigFor({ serviceAccount: { namespace: own, name } });
  const [controller, webhook] = [await account(`${own}-controller`), await account(`${own}-webhook`)];
  /** A leader of the controllers; each looks at the certificates as soon as it leads. */
  const lead = (name: string, aheadMs?: number): Promise<Replica> =>
    start({ supervisor, name, kubeconfig: controller, flags: ["--controller", "--webhook-url", balancer.url], ...(aheadMs !== undefined && { aheadMs }) });
  const replica = async (name: string): Promise<Replica> => {
    const started = await start({ supervisor, name, kubeconfig: webhook, flags: ["--webhook"] });
    balancer.replicas.add(started);
    await eventually(`${name} is ready`, () => balancer.ready().includes(started));
    return started;
  };
  const [leader, ...first] = await Promise.all([lead("controller-1"), replica("webhook-1"), replica("webhook-2")]);
  await eventually("the API server asks the webhook", async () => (await client.send("POST", path, { body: notification(0, "nope") })).status === 422);
  const { end, failures, sent, answered } = load(plane, t);
  const during: Record<string, number> = {};
  /** Notes how many calls were answered meanwhile, none of which may have failed. */
  const under = async (what: string, work: () => Promise<void>): Promise<void> => {
    const before = answered();
    await work();
    during[what] = answered() - before;
    assert.deepEqual(failures, [], what);
  };

  const now: Replica[] = [];
  await under("rolling update", async () => {
    for (const old of first) {
      now.push(await replica(`${old.name}-new`));
      await old.terminate();
      balancer.replicas.delete(old);
    }
  });

  const served = async (fingerprint: string): Promise<void> => {
    for (const one of now) await eventually(`${one.name} serves it`, async () => (await servedBy(one)) === fingerprint);
  };
  const [authority, leaf] = [await stored(installation.authoritySecret), await stored(installation.leafSecret)];
  const remove = (name: string): Promise<unknown> => client.call("DELETE", `/api/v1/namespaces/${own}/secrets/${name}`);
  await leader.terminate();
  await under("another leaf", async () => {
    await remove(installation.leafSecret);
    const second = await lead("controller-2");
    await served(await another(installation.leafSecret, leaf));
    await second.terminate();
  });
  const secondLeaf = await stored(installation.leafSecret);
  await under("another authority", async () => {
    await remove(installation.authoritySecret);
    const third = await lead("controller-3");
    await another(installation.authoritySecret, authority);
    assert.equal(await stored(installation.leafSecret), secondLeaf, "no leaf of an authority that is not trusted everywhere yet");
    await third.terminate();
    await lead("controller-4", 6 * 60_000);
    await served(await another(installation.leafSecret, secondLeaf));
  });
  await end();
  t.diagnostic(`${sent()} calls: ${JSON.stringify(during)}`);
  assert.equal(answered(), sent());
  assert.ok(Object.values(during).every((calls) => calls > perSecond), JSON.stringify(during));
  assert.deepEqual(failures, []);
});
