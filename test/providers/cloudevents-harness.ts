import type { TestContext } from "node:test";
import type { CloudEventsProvider } from "../../src/providers/cloudevents/config.ts";
import { open } from "../../src/providers/cloudevents/send.ts";
import { createHttp, type Http } from "../../src/providers/http.ts";
import type { Sender } from "../../src/providers/provider.ts";
import type { Clock } from "../../src/telemetry/clock.ts";
import { systemClock } from "../../src/telemetry/clock.ts";
import { startCloudEventsSink, type CloudEventsSink } from "../support/receivers-cloudevents.ts";

export interface Bench {
  readonly sink: CloudEventsSink;
  readonly provider: CloudEventsProvider;
  readonly sender: Sender;
  readonly http: Http;
  /** Secrets that the sender has told of. */
  readonly learnt: readonly string[];
  /** The sender of another connection. */
  readonly again: () => Sender;
}

/** A sink, and a sender to it. Secrets are by `<name>/<key>`. */
export async function sendingTo(t: TestContext, section: Partial<CloudEventsProvider>, { secrets = {}, clock = systemClock }: { secrets?: Readonly<Record<string, string>>; clock?: Clock } = {}): Promise<Bench> {
  const sink = await startCloudEventsSink();
  const http = createHttp({ policy: { development: true } });
  t.after(async () => {
    await http.close();
    await sink.close();
  });
  const learnt: string[] = [];
  const provider = { url: `${sink.url}/tekton`, ...section };
  const make = (): Sender => open({ provider, secrets: new Map(Object.entries(secrets)), http, clock, learnSecret: (secret) => learnt.push(secret) });
  return { sink, provider, http, learnt, sender: make(), again: make };
}
