/**
 * The load generator of the admission benchmark, in a process of its own: reads one order as JSON from its standard input, and prints what
 * it measured as one line.
 */
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "undici";
import { admissionCases, type Case, type CaseOptions } from "./admission-cases.ts";

export interface Order extends CaseOptions {
  readonly port: number;
  /** PEM. */
  readonly ca: string;
  readonly connections: number;
  /** Requests in a second; undefined: as fast as the connections can. */
  readonly perSecond?: number;
  /** Requests before those that are measured. */
  readonly warmUp: number;
  /** Whether answers are expected to say what the case says; not of the floor, which judges nothing. */
  readonly judged: boolean;
}

export interface Measured {
  /** Milliseconds, from when the request was due; in no order. */
  readonly latencies: readonly number[];
  readonly seconds: number;
  /** Answers with another verdict or uid than that of the case. */
  readonly wrong: number;
}

async function ask(client: Client, { body, uid, allowed }: Case, judged: boolean): Promise<boolean> {
  const answer = await client.request({ method: "POST", path: "/validate?timeout=5s", headers: { "content-type": "application/json" }, body });
  const { response } = (await answer.body.json()) as { response?: { uid: string; allowed: boolean } };
  return answer.statusCode === 200 && response?.uid === uid && (!judged || response.allowed === allowed);
}

interface Tally {
  readonly latencies: number[];
  wrong: number;
}

/** Every request is begun when it is due, whatever became of those before. */
async function constantly(clients: readonly Client[], cases: readonly Case[], { perSecond = 1, judged }: Order): Promise<Tally> {
  const tally: Tally = { latencies: [], wrong: 0 };
  const begun = performance.now();
  const open: Promise<void>[] = [];
  for (const [index, one] of cases.entries()) {
    const due = begun + (index * 1000) / perSecond;
    const wait = due - performance.now();
    if (wait > 0) await sleep(wait);
    const client = clients[index % clients.length];
    if (client === undefined) continue;
    open.push(
      ask(client, one, judged).then((isRight) => {
        tally.latencies.push(performance.now() - due);
        if (!isRight) tally.wrong += 1;
      }),
    );
  }
  await Promise.all(open);
  return tally;
}

/** Each connection has one request under way at a time. */
async function asFastAsCan(clients: readonly Client[], cases: readonly Case[], { judged }: Order): Promise<Tally> {
  const tally: Tally = { latencies: [], wrong: 0 };
  const left = cases[Symbol.iterator]();
  await Promise.all(
    clients.map(async (client) => {
      for (const one of left) {
        const due = performance.now();
        if (!(await ask(client, one, judged))) tally.wrong += 1;
        tally.latencies.push(performance.now() - due);
      }
    }),
  );
  return tally;
}

async function run(order: Order): Promise<Measured> {
  const clients = Array.from({ length: order.connections }, () => new Client(`https://127.0.0.1:${order.port}`, { connect: { ca: order.ca }, pipelining: 1 }));
  try {
    await asFastAsCan(clients, admissionCases({ ...order, count: order.warmUp, salt: `${order.salt}-warm` }), order);
    const cases = admissionCases(order);
    const begun = performance.now();
    const { latencies, wrong } = await (order.perSecond === undefined ? asFastAsCan(clients, cases, order) : constantly(clients, cases, order));
    return { latencies, wrong, seconds: (performance.now() - begun) / 1000 };
  } finally {
    await Promise.all(clients.map((client) => client.destroy()));
  }
}

if (import.meta.main) process.stdout.write(`${JSON.stringify(await run(JSON.parse(await text(process.stdin)) as Order))}\n`);
