import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runStatuses, type RunEvent, type RunStatus } from "../../src/api/run-event.ts";
import type { Message, SentBefore, Sender } from "../../src/providers/provider.ts";
import type { SlackNotification, SlackProvider } from "../../src/providers/slack/config.ts";
import { slackTypeErrors } from "../support/slack-contract.ts";
import { hurriedClock } from "../support/hurried-clock.ts";
import { manualClock } from "../support/manual-clock.ts";
import { ended, runEvent } from "../controller/runs.ts";
import { allTextOf, failureOf } from "./errors.ts";
import { channel, messagesOf, openSender, startDouble } from "./slack-harness.ts";

const { signal } = new AbortController();

const failedRun = ended("Failed", {
  message: "Tasks Completed: 1",
  duration: "192s",
  url: "https://dash.example.com/#/x|y",
  tasks: [{ name: "unit-tests", kind: "TaskRun", status: "Failed", reason: "StepFailed", message: "exit 1", duration: "3s", ignored: false }],
});

/** A Delivery's record of a run, as the controller keeps it, and a way to send the run's states one by one. */
function ledger(sender: Sender, provider: SlackProvider, notification: SlackNotification = {}) {
  const record: Record<string, SentBefore> = {};
  return {
    record,
    send: async (event: RunEvent) => {
      for (const message of messagesOf({ event, provider, notification, before: structuredClone(record) })) {
        const { externalRef } = await sender.send(message, signal);
        const sentCount = (record[message.key]?.sentCount ?? 0) + 1;
        record[message.key] = { sentCount, sentStatus: event.status, ...(externalRef !== undefined && { externalRef }) };
      }
    },
  };
}

const one = (messages: readonly Message[]): Message => messages[0] ?? assert.fail("nothing was rendered");

describe("a Slack App", () => {
  it("posts a message for every status of a run, by Slack's rules and the types of its SDK", async (t) => {
    const double = await startDouble(t);
    const { sender, provider } = openSender(t, double, { clock: hurriedClock() });
    for (const status of runStatuses) {
      const { externalRef } = await sender.send(one(messagesOf({ event: { ...failedRun, status }, provider })), signal);
      assert.equal(externalRef, double.messages.at(-1)?.ts);
    }
    const edited = ledger(sender, provider, { update: true, thread: "PerRun", blocks: [{ type: "section", text: { type: "mrkdwn", text: "*${name}*" }, fields: [{ type: "plain_text", text: "${status}" }] }, { type: "divider" }] });
    for (const event of [runEvent(), failedRun]) await edited.send(event);
    await sender.verify?.(signal);
    assert.deepEqual(double.violations, []);
    assert.equal(double.calls.length, 10);
    assert.deepEqual(slackTypeErrors(double.calls), []);
    assert.notDeepEqual(slackTypeErrors([{ method: "chat.postMessage", arguments: { channel: 1, text: "x" }, answer: { ok: "yes" } }]), [], "the types refuse what is wrong");
  });

  it("posts exactly the request that was rendered, with its token in the place of the mask", async (t) => {
    const double = await startDouble(t);
    const { sender, provider } = openSender(t, double);
    const message = one(messagesOf({ event: failedRun, provider }));
    await sender.send(message, signal);
    const [posted] = double.received;
    const { authorization, ...headers } = message.request.headers;
    assert.deepEqual([posted?.method, posted?.path, posted?.body, double.received.length], ["POST", "/api/chat.postMessage", message.request.body, 1]);
    assert.deepEqual([authorization, posted?.headers["authorization"]], ["[redacted]", `Bearer ${double.token}`]);
    for (const [name, value] of Object.entries(headers)) assert.equal(posted?.headers[name], value, name);
    assert.equal(posted?.headers["user-agent"], "tekton-integrations");
  });

  it("posts each state as a message of its own, unless the Notification says otherwise", async (t) => {
    const double = await startDouble(t);
    const { sender, provider } = openSender(t, double, { clock: hurriedClock() });
    const { send } = ledger(sender, provider);
    for (const event of [runEvent(), failedRun]) await send(event);
    assert.deepEqual(double.messages.map(({ threadTs, edits, text }) => [threadTs, edits, text]), [[undefined, 0, "build-1.ci: Running"], [undefined, 0, "build-1.ci: Failed"]]);
  });

  it("edits the first message as the run goes on, also after a restart", async (t) => {
    const double = await startDouble(t);
    const first = openSender(t, double, { clock: hurriedClock() });
    const before = ledger(first.sender, first.provider, { update: true });
    await before.send(runEvent({ status: "Pending" }));
    await before.send(runEvent());
    const { sender, provider } = openSender(t, double);
    const after = ledger(sender, provider, { update: true });
    Object.assign(after.record, before.record);
    await after.send(failedRun);
    assert.deepEqual(double.messages.map(({ text, edits }) => [text, edits]), [["build-1.ci: Failed", 2]]);
    assert.deepEqual(after.record, { [channel]: { sentCount: 3, sentStatus: "Failed", externalRef: double.messages[0]?.ts } });
  });

  it("edits by id in a channel that was given by name", async (t) => {
    const double = await startDouble(t);
    const { sender, provider } = openSender(t, double, { clock: hurriedClock(), provider: { channels: [{ name: "#deployments" }] } });
    const { send, record } = ledger(sender, provider, { update: true });
    for (const event of [runEvent(), failedRun]) await send(event);
    assert.deepEqual(double.calls.map(({ method, arguments: args }) => [method, args["channel"]]), [["chat.postMessage", "#deployments"], ["chat.update", channel]]);
    assert.equal(record["#deployments"]?.externalRef, `${channel}/${double.messages[0]?.ts ?? ""}`);
  });

  it("replies in the run's thread, below its first message", async (t) => {
    const double = await startDouble(t);
    const { sender, provider } = openSender(t, double, { clock: hurriedClock() });
    const { send, record } = ledger(sender, provider, { thread: "PerRun" });
    for (const status of ["Pending", "Running", "Succeeded"] as const) await send(runEvent({ status }));
    const [parent] = double.messages;
    assert.deepEqual(double.messages.map(({ threadTs }) => threadTs), [undefined, parent?.ts, parent?.ts]);
    assert.equal(record[channel]?.externalRef, parent?.ts, "the record keeps the message that replies go to");
  });

  it("with update and thread, edits the first message and tells each later state below it, once", async (t) => {
    const double = await startDouble(t);
    const { sender, provider } = openSender(t, double, { clock: hurriedClock() });
    const { send } = ledger(sender, provider, { update: true, thread: "PerRun" });
    for (const status of ["Pending", "Running", "Failed"] as const) await send(runEvent({ status }));
    assert.deepEqual(double.messages.map(({ text, threadTs, edits }) => [text, threadTs === undefined, edits]), [["build-1.ci: Failed", true, 2], ["build-1.ci: Running", false, 0], ["build-1.ci: Failed", false, 0]]);
    const keys = (before: SentBefore, status: RunStatus): string[] =>
      messagesOf({ event: runEvent({ status }), notification: { update: true, thread: "PerRun" }, before: { [channel]: before } }).map(({ key }) => key);
    assert.deepEqual(keys({ sentCount: 1, sentStatus: "Running", externalRef: "1.1" }, "Running"), [channel], "the first message told it already");
    assert.deepEqual(keys({ sentCount: 2, sentStatus: "Failed", externalRef: "1.1" }, "Failed"), [channel, `${channel}/thread`], "the reply may still be owed");
  });

  for (const error of ["message_not_found", "cant_update_message", "edit_window_closed"]) {
    it(`posts anew what cannot be edited: ${error}`, async (t) => {
      const double = await startDouble(t);
      const { sender, provider } = openSender(t, double, { clock: hurriedClock() });
      const { send, record } = ledger(sender, provider, { update: true });
      await send(runEvent());
      double.refuse(error, {}, 1);
      await send(failedRun);
      assert.deepEqual(double.calls.map(({ method }) => method), ["chat.postMessage", "chat.update", "chat.postMessage"]);
      assert.deepEqual(double.messages.map(({ text, attachments }) => [text, attachments.length]), [["build-1.ci: Running", 1], ["build-1.ci: Failed", 1]]);
      assert.equal(record[channel]?.externalRef, double.messages[1]?.ts, "the next edit is of the new message");
      assert.deepEqual(double.violations, []);
    });
  }

  it("posts to every channel, each once", async (t) => {
    const channels = Array.from({ length: 20 }, (_, index) => ({ id: `C${index + 100}`, name: `channel-${index}` }));
    const double = await startDouble(t, { channels });
    const { sender, provider } = openSender(t, double, { provider: { channels: channels.map(({ id }) => ({ id })) } });
    const messages = messagesOf({ event: failedRun, provider });
    await Promise.all(messages.map((message) => sender.send(message, signal)));
    assert.deepEqual(double.messages.map(({ channel: id }) => id).sort(), channels.map(({ id }) => id).sort());
    assert.deepEqual(messages.map(({ lane }) => lane), channels.map(({ id }) => id));
  });

  it("sends one message a second to a channel, and others meanwhile", async (t) => {
    const double = await startDouble(t, { channels: [{ id: channel, name: "a" }, { id: "C2", name: "b" }] });
    const clock = hurriedClock();
    const { sender, provider } = openSender(t, double, { clock });
    const to = (id: string): Promise<unknown> => sender.send(one(messagesOf({ event: failedRun, provider: { ...provider, channels: [{ id }] } })), signal);
    await Promise.all([to(channel), to("C2")]);
    assert.deepEqual(clock.slept, []);
    await to(channel);
    await to(channel);
    assert.deepEqual([clock.slept, double.messages.length], [[1000, 1000], 4]);
  });

  it("keeps no place for a message that would have to wait long: it is told when to come back", async (t) => {
    const double = await startDouble(t);
    const clock = manualClock(Date.now());
    const { sender, provider } = openSender(t, double, { clock });
    const send = (): Promise<unknown> => sender.send(one(messagesOf({ event: failedRun, provider })), signal);
    const waiting = Array.from({ length: 9 }, send);
    const error = await failureOf(send());
    assert.deepEqual([error.code, error.retryAfterMs], ["RateLimited", 9000]);
    for (let second = 0; second < 8; second += 1) clock.advance(1000);
    await Promise.all(waiting);
    assert.equal(double.messages.length, 9);
  });

  it("asks nothing of Slack for a message that is given up while it waits for its turn", async (t) => {
    const double = await startDouble(t);
    const { sender, provider } = openSender(t, double, { clock: manualClock(Date.now()) });
    const message = one(messagesOf({ event: failedRun, provider }));
    await sender.send(message, signal);
    const giveUp = new AbortController();
    const waiting = failureOf(sender.send(message, giveUp.signal));
    giveUp.abort(new DOMException("too slow", "TimeoutError"));
    assert.deepEqual([(await waiting).code, double.received.length], ["RateLimited", 1]);
  });

  it("pauses a channel as long as Slack asks to", async (t) => {
    const double = await startDouble(t);
    const clock = hurriedClock();
    const { sender, provider } = openSender(t, double, { clock });
    double.misbehave({ answer: { status: 429, headers: { "retry-after": "5" } } }, 1);
    const message = one(messagesOf({ event: failedRun, provider }));
    const error = await failureOf(sender.send(message, signal));
    assert.deepEqual([error.code, error.retryAfterMs, double.received.length], ["RateLimited", 5000, 1]);
    await sender.send(message, signal);
    assert.deepEqual([clock.slept, double.messages.length], [[5000], 1]);
  });

  it("uses a token with white space around it, of which the redactor is told both forms", async (t) => {
    const double = await startDouble(t);
    const learnt: string[] = [];
    const { sender, provider } = openSender(t, double, { token: `${double.token}\n`, learnSecret: (secret) => learnt.push(secret) });
    await sender.send(one(messagesOf({ event: failedRun, provider })), signal);
    assert.deepEqual([double.messages.length, learnt], [1, [double.token]]);
  });

  for (const token of ["", "  ", "two words", "s3cret\u0000", "s3crét", "x".repeat(5000)]) {
    it(`refuses to begin with the token ${JSON.stringify(token.slice(0, 12))}`, async (t) => {
      const double = await startDouble(t);
      assert.throws(() => openSender(t, double, { token, learnSecret: () => undefined }), (error) => {
        assert.equal((error as { code?: string }).code, "SecretMalformed");
        assert.doesNotMatch(allTextOf(error), /s3cr/);
        return true;
      });
    });
  }
});

describe("what Slack says no with", () => {
  const table = [
    ["RateLimited", "retryable", ["ratelimited", "rate_limited"]],
    ["ServiceFailed", "retryable", ["internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org", "an_error_of_next_year"]],
    ["CredentialsRefused", "credentials", ["invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "missing_scope", "ekm_access_denied"]],
    ["DestinationRefused", "route", ["channel_not_found", "not_in_channel", "is_archived", "restricted_action", "restricted_action_read_only_channel"]],
    ["MessageRefused", "permanent", ["msg_too_long", "msg_blocks_too_long", "no_text", "invalid_blocks", "invalid_arguments"]],
  ] as const;
  for (const [code, errorClass, errors] of table) {
    for (const said of errors) {
      it(`${said} is ${code}`, async (t) => {
        const double = await startDouble(t);
        const { sender, provider } = openSender(t, double);
        double.refuse(said);
        const error = await failureOf(sender.send(one(messagesOf({ event: failedRun, provider })), signal));
        assert.deepEqual([error.code, error.class, double.received.length], [code, errorClass, 1]);
        assert.ok(error.message.includes(said === "an_error_of_next_year" ? "an error that is not known" : said), error.message);
      });
    }
  }

  it("is shown only where it is a code: an answer may hold anything there", async (t) => {
    const double = await startDouble(t);
    const { sender, provider } = openSender(t, double, { clock: hurriedClock() });
    for (const said of ["<html>s3cret</html>", "s3cret s3cret", "S3CRET", "s3cret".repeat(20), ""]) {
      double.refuse(said, {}, 1);
      const error = await failureOf(sender.send(one(messagesOf({ event: failedRun, provider })), signal));
      assert.equal(error.code, "ServiceFailed");
      assert.doesNotMatch(error.message, /s3cret/i);
    }
  });

  it("with Retry-After is tried again when Slack asks for it", async (t) => {
    const double = await startDouble(t);
    const { sender, provider } = openSender(t, double);
    double.misbehave({ answer: { status: 200, headers: { "retry-after": "30" }, body: { ok: false, error: "ratelimited" } } }, 1);
    const error = await failureOf(sender.send(one(messagesOf({ event: failedRun, provider })), signal));
    assert.deepEqual([error.code, error.retryAfterMs], ["RateLimited", 30_000]);
  });
});
