/**
 * `npm run bench:providers -- [--count 1000] [--json]`: messages a second, CPU of this process for each, and requests at the service for each
 * message, for every provider against an implementation of its service in another process (test/counterparts; needs Go). The floor is a plain
 * POST of the same size through the HTTP client alone. Providers take turns, so that a busy machine is busy for all of them.
 */
import { parseArgs } from "node:util";
import { Agent, request } from "undici";
import type { RunEvent } from "../../src/api/run-event.ts";
import { createHttp, type Http } from "../../src/providers/http.ts";
import type { Message } from "../../src/providers/provider.ts";
import { providers } from "../../src/providers/registry.ts";
import { ended } from "../controller/runs.ts";
import { templatesOn } from "../providers/templates.ts";
import { counterpartsBinary, runCounterpart, type CounterpartName, type RunningCounterpart } from "../support/counterpart.ts";
import { hurriedClock } from "../support/hurried-clock.ts";

const rounds = 5;
const atOnce = 8;
const never = new AbortController().signal;

const { values } = parseArgs({ options: { count: { type: "string", default: "1000" }, json: { type: "boolean", default: false } } });
const perRound = Math.ceil(Number(values.count) / rounds);

type Ready = Readonly<Record<string, unknown>>;

interface Contender {
  readonly name: string;
  readonly counterpart: RunningCounterpart;
  readonly send: (index: number) => Promise<unknown>;
  readonly close: () => Promise<void>;
}

/** A failed run of one of five repositories, of about two kilobytes as JSON. */
const eventOf = (index: number): RunEvent =>
  ended("Failed", {
    uid: `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`,
    name: `shop-api-${index}`,
    message: "step test: exit code 1. ".repeat(10),
    params: { note: "x".repeat(1_000) },
    commit: { owner: "example-org", repo: `repo-${index % 5}`, sha: "0f98b1f7eda33a4e9cfaab09506aa8094044085f" },
  });

const settings: readonly { readonly type: string; readonly counterpart: CounterpartName; readonly section: (ready: Ready) => unknown; readonly secrets: (ready: Ready) => ReadonlyMap<string, string> }[] = [
  { type: "CloudEvents", counterpart: "cloudevents", section: ({ url }) => ({ url }), secrets: () => new Map() },
  {
    type: "GitHubApp",
    counterpart: "github",
    section: ({ appId, baseURL }) => ({ appId, baseURL, privateKey: { secretRef: { name: "s" } } }),
    secrets: ({ privateKey }) => new Map([["s/private-key.pem", String(privateKey)]]),
  },
  {
    type: "SlackApp",
    counterpart: "slack",
    section: ({ baseURL }) => ({ baseURL, accessToken: { secretRef: { name: "s" } }, channels: [{ id: "C024BE91L" }] }),
    secrets: ({ token }) => new Map([["s/access-token", String(token)]]),
  },
  {
    type: "AWSSNS",
    counterpart: "sns",
    section: ({ topicARN, endpoint }) => ({ region: "eu-central-1", topicARN, endpoint, credentials: { secretRef: { name: "s" } } }),
    secrets: ({ accessKeyId, secretAccessKey }) => new Map([["s/access-key-id", String(accessKeyId)], ["s/secret-access-key", String(secretAccessKey)]]),
  },
  {
    type: "GCPPubSub",
    counterpart: "pubsub",
    section: ({ endpoint }) => ({ projectId: "example-project", topic: "tekton-runs", endpoint, credentials: { secretRef: { name: "s" } } }),
    secrets: ({ serviceAccount }) => new Map([["s/service-account.json", JSON.stringify(serviceAccount)]]),
  },
];

async function contenderOf(binary: string, http: Http, { type, counterpart: name, section: sectionOf, secrets }: (typeof settings)[number]): Promise<Contender> {
  const definition = providers.find((provider) => provider.type === type);
  if (definition === undefined) throw new Error(`there is no provider ${type}`);
  const counterpart = await runCounterpart(binary, name);
  const section = sectionOf(counterpart.ready);
  const { open } = await definition.load();
  // Slack's pace of one message a second and channel is not what is measured.
  const sender = open({ provider: section, secrets: secrets(counterpart.ready), http, clock: hurriedClock(), learnSecret: () => undefined, providerName: { namespace: "ci", name: "bench" } });
  const messagesOf = (event: RunEvent): readonly Message[] => {
    const names = { notificationName: { namespace: "ci", name: "bench" }, providerNamespace: "ci" };
    const rendered = definition.render({ event, provider: section, notification: {}, ...names, sentBefore: () => ({ sentCount: 0 }), ...templatesOn(definition, {}, event) });
    if (!("messages" in rendered)) throw new Error(rendered.nothing.message);
    return rendered.messages;
  };
  return {
    name: type,
    counterpart,
    send: async (index) => {
      for (const message of messagesOf(eventOf(index))) await sender.send(message, never);
    },
    close: async () => {
      await sender.close();
      await counterpart.stop();
    },
  };
}

async function floorOf(binary: string): Promise<Contender> {
  const counterpart = await runCounterpart(binary, "cloudevents");
  const agent = new Agent({ connections: 32 });
  const headers = { "content-type": "application/cloudevents+json" };
  return {
    name: "plain POST",
    counterpart,
    send: async (index) => {
      const body = JSON.stringify({ specversion: "1.0", id: String(index), source: "/bench", type: "bench", datacontenttype: "application/json", data: eventOf(index) });
      const answer = await request(String(counterpart.ready["url"]), { method: "POST", headers, body, dispatcher: agent });
      await answer.body.dump();
      if (answer.statusCode !== 202) throw new Error(`answered ${answer.statusCode}`);
    },
    close: async () => {
      await agent.close();
      await counterpart.stop();
    },
  };
}

interface Round {
  readonly perSecond: number;
  readonly cpuMicros: number;
}

async function round({ send }: Contender, first: number): Promise<Round> {
  const cpu = process.cpuUsage();
  const begun = performance.now();
  let next = first;
  const work = async (): Promise<void> => {
    while (next < first + perRound) await send(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  const seconds = (performance.now() - begun) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: perRound / seconds, cpuMicros: (user + system) / perRound };
}

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;

const http = createHttp({ policy: { development: true } });
const contenders: Contender[] = [];
try {
  const binary = await counterpartsBinary();
  contenders.push(await floorOf(binary));
  for (const setting of settings) contenders.push(await contenderOf(binary, http, setting));
  // The first messages load what is loaded once.
  for (const { send } of contenders) await send(0);
  const measured = new Map(contenders.map(({ name }): [string, Round[]] => [name, []]));
  for (let at = 0; at < rounds; at += 1) {
    for (const contender of contenders) measured.get(contender.name)?.push(await round(contender, 1 + at * perRound));
  }
  const sent = 1 + rounds * perRound;
  const rows = await Promise.all(
    contenders.map(async ({ name, counterpart }) => {
      const results = measured.get(name) ?? [];
      const requests = await counterpart.requests();
      if (requests < sent) throw new Error(`${name}: ${requests} requests for ${sent} messages`);
      return { name, perSecond: Math.round(median(results.map(({ perSecond }) => perSecond))), cpuMicros: Math.round(median(results.map(({ cpuMicros }) => cpuMicros))), requestsPerMessage: Number((requests / sent).toFixed(4)) };
    }),
  );
  if (values.json) console.log(JSON.stringify(rows));
  else {
    console.log(`${sent} messages each, ${atOnce} at a time, medians of ${rounds} interleaved rounds`);
    console.log("provider      messages/s  CPU us/message  requests/message");
    for (const { name, perSecond, cpuMicros, requestsPerMessage } of rows) console.log(`${name.padEnd(12)}  ${String(perSecond).padStart(10)}  ${String(cpuMicros).padStart(14)}  ${String(requestsPerMessage).padStart(16)}`);
  }
} finally {
  for (const { close } of contenders) await close();
  await http.close();
}
