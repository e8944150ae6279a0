import type { TestContext } from "node:test";
import type { RunEvent } from "../../src/api/run-event.ts";
import { createHttp } from "../../src/providers/http.ts";
import type { Message, Sender, SentBefore } from "../../src/providers/provider.ts";
import { gitHubApp, type GitHubNotification, type GitHubProvider } from "../../src/providers/github/config.ts";
import { render } from "../../src/providers/github/render.ts";
import { open } from "../../src/providers/github/send.ts";
import type { Clock } from "../../src/telemetry/clock.ts";
import { startGitHub, type GitHubDouble, type GitHubOptions } from "../support/github-double.ts";
import { manualClock } from "../support/manual-clock.ts";
import { templatesOn } from "./templates.ts";

export const sha = "dcdb856af5512ff59d4fbe11a353b86d3cf2a75a";
export const owner = "harbour-works";

/** A GitHub with one installation, 77, of the owner. */
export async function startDouble(t: TestContext, options: GitHubOptions = {}): Promise<GitHubDouble> {
  const started = await startGitHub({ installations: [{ id: 77, owner }], ...options });
  t.after(() => started.close());
  return started;
}

export interface Opened {
  readonly sender: Sender;
  readonly provider: GitHubProvider;
  /** Tokens that the redactor was told. */
  readonly learnt: string[];
  /** Whether each request for a token was granted. */
  readonly granted: boolean[];
}

/** A sender for the App of a GitHub, with its real key unless a test says otherwise. */
export function openSender(t: TestContext, { appId, baseURL, privateKey }: GitHubDouble, options: { key?: string; clock?: Clock; installationId?: number } = {}): Opened {
  const http = createHttp({ policy: { development: true } });
  t.after(() => http.close());
  const { key = privateKey, clock = manualClock(Date.now()), installationId } = options;
  const provider: GitHubProvider = { appId, baseURL, privateKey: { secretRef: { name: "app" } }, ...(installationId !== undefined && { installationId }) };
  const learnt: string[] = [];
  const granted: boolean[] = [];
  const sender = open({ provider, secrets: new Map([["app/private-key.pem", key]]), http, clock, learnSecret: (secret) => learnt.push(secret), onTokenRequest: (answer) => granted.push(answer) });
  return { sender, provider, learnt, granted };
}

const notificationName = { namespace: "ci", name: "to-github" };

/** The messages of a state of a run. */
export function messagesOf(event: RunEvent, provider: GitHubProvider, notification: GitHubNotification = {}, before: SentBefore = { sentCount: 0 }): readonly Message[] {
  const rendered = render({ event, provider, notification, notificationName, providerNamespace: "ci", sentBefore: () => before, ...templatesOn(gitHubApp, notification, event) });
  return "messages" in rendered ? rendered.messages : [];
}
