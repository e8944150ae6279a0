import type { TestContext } from "node:test";
import type { RunEvent } from "../../src/api/run-event.ts";
import type { EgressPolicy } from "../../src/providers/egress.ts";
import { createHttp, type Http } from "../../src/providers/http.ts";
import type { Message, Rendered, Sender } from "../../src/providers/provider.ts";
import { awsSns, type SnsNotification, type SnsProvider } from "../../src/providers/sns/config.ts";
import { render } from "../../src/providers/sns/render.ts";
import { open } from "../../src/providers/sns/send.ts";
import type { Clock } from "../../src/telemetry/clock.ts";
import { deepFreeze, runEvent } from "../controller/runs.ts";
import type { KnownKey } from "../support/aws-signature.ts";
import { manualClock } from "../support/manual-clock.ts";
import { awsAt, startSns, type SnsDouble, type SnsOptions } from "../support/sns-double.ts";
import { templatesOn } from "./templates.ts";

export const topicARN = "arn:aws:sns:eu-central-1:123456789012:tekton-runs";
export const fifoARN = `${topicARN}.fifo`;
export const roleARN = "arn:aws:iam::123456789012:role/tekton-runs-publisher";

export interface Case {
  readonly event?: RunEvent;
  readonly provider?: Partial<SnsProvider>;
  readonly notification?: SnsNotification;
  readonly name?: string;
  readonly sentCount?: number;
}

/** What is rendered for a state of a run. */
export function rendered({ event = runEvent(), provider = {}, notification = {}, name = "to-sns", sentCount = 0 }: Case): Rendered {
  const section = { topicARN, credentials: { secretRef: { name: "aws" } }, ...provider };
  return render({ event: deepFreeze(event), provider: section, notification, notificationName: { namespace: "ci", name }, providerNamespace: "ci", sentBefore: () => ({ sentCount }), ...templatesOn(awsSns, notification, event) });
}

/** The one message of a state of a run. */
export function messageOf(of: Case): Message {
  const result = rendered(of);
  const [message, ...others] = "messages" in result ? result.messages : [];
  if (message === undefined || others.length > 0) throw new Error("not one message was rendered");
  return message;
}

/** A double, ended with the test. */
export async function startDouble(t: TestContext, options: SnsOptions = {}): Promise<SnsDouble> {
  const double = await startSns(options);
  t.after(() => double.close());
  return double;
}

export interface OpenOptions {
  readonly key?: KnownKey;
  readonly clock?: Clock;
  readonly policy?: EgressPolicy;
  /** Whether requests may be begun. Default: yes. */
  readonly mayBegin?: () => boolean;
  /** Values of the Secret, instead of the double's key. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** The Provider names no Secret, and may use the controller's own identity, which is found through this client. */
  readonly platform?: Http;
}

/** The values of a Secret with the key. */
export const secretsOf = ({ id, secret, token }: KnownKey): Record<string, string> => ({ "access-key-id": id, "secret-access-key": secret, ...(token !== undefined && { "session-token": token }) });

/** A sender for the double's topic, for which the double is AWS. */
export function openSender(t: TestContext, double: SnsDouble, provider: Partial<SnsProvider> = {}, options: OpenOptions = {}): { readonly sender: Sender; readonly learnt: string[]; readonly granted: boolean[] } {
  const http = createHttp({ policy: options.policy ?? { development: true }, mayBegin: options.mayBegin ?? (() => true) });
  t.after(() => http.close());
  const { clock = manualClock(Date.now()) } = options;
  const secrets = new Map(Object.entries(options.secrets ?? secretsOf(options.key ?? double.key)).map(([name, value]) => [`aws/${name}`, value]));
  const learnt: string[] = [];
  const granted: boolean[] = [];
  const { platform } = options;
  const section: SnsProvider = { topicARN: double.topicArn, ...(platform === undefined && { credentials: { secretRef: { name: "aws" } } }), ...provider };
  const sender = open({ provider: section, providerName: { namespace: "ci", name: "runs" }, secrets, http: awsAt(double, http), ...(platform !== undefined && { platform }), clock, learnSecret: (secret) => learnt.push(secret), onTokenRequest: (answer) => granted.push(answer) });
  t.after(() => sender.close());
  return { sender, learnt, granted };
}
