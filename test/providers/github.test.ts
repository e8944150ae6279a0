import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runStatuses, type RunStatus } from "../../src/api/run-event.ts";
import type { Message } from "../../src/providers/provider.ts";
import type { GitHubProvider } from "../../src/providers/github/config.ts";
import { manualClock } from "../support/manual-clock.ts";
import { runEvent } from "../controller/runs.ts";
import { messagesOf, openSender, owner, sha, startDouble } from "./github-harness.ts";

const { signal } = new AbortController();

/** The message of a status for a repository. */
function message(provider: GitHubProvider, status: RunStatus = "Running", repo = "crane-console"): Message {
  const [rendered] = messagesOf(runEvent({ status, reason: status, commit: { owner, repo, sha }, url: "https://dash.example.com/#/x" }), provider);
  return rendered ?? assert.fail("nothing was rendered");
}

describe("a GitHub App", () => {
  it("sets a status for every status of a run, as GitHub's description has it", async (t) => {
    const double = await startDouble(t);
    const { sender, provider } = openSender(t, double);
    for (const status of runStatuses) {
      const { externalRef } = await sender.send(message(provider, status), signal);
      assert.match(externalRef ?? "", /\/statuses\//);
    }
    assert.deepEqual(double.statuses.map(({ state }) => state), ["pending", "pending", "success", "failure", "error", "failure"]);
    assert.deepEqual(double.statuses.map(({ targetUrl }) => targetUrl), Array.from({ length: 6 }, () => "https://dash.example.com/#/x"));
    assert.deepEqual(double.violations, []);
  });

  it("posts exactly the request that was rendered, with its token in the place of the mask", async (t) => {
    const double = await startDouble(t);
    const { sender, provider, learnt } = openSender(t, double);
    const { request } = message(provider, "Failed");
    await sender.send(message(provider, "Failed"), signal);
    const posted = double.received.at(-1);
    const { authorization, ...headers } = request.headers;
    assert.deepEqual([posted?.method, posted?.path, posted?.json], [request.method, new URL(request.url).pathname, request.body]);
    assert.equal(authorization, "[redacted]");
    assert.equal(posted?.headers["authorization"], `token ${learnt[0]}`);
    for (const [name, value] of Object.entries(headers)) assert.equal(posted.headers[name], value, name);
  });

  it("asks for one token for a hundred statuses in five repositories at once", async (t) => {
    const double = await startDouble(t);
    const { sender, provider, granted } = openSender(t, double);
    const repositories = Array.from({ length: 100 }, (_, index) => `repo-${index % 5}`);
    await Promise.all(repositories.map((repo) => sender.send(message(provider, "Succeeded", repo), signal)));
    const requests = (end: string): number => double.received.filter(({ path }) => path.endsWith(end)).length;
    assert.deepEqual([double.statuses.length, double.tokensIssued(), requests("/access_tokens"), requests("/installation"), granted], [100, 1, 1, 5, [true]]);
  });

  it("asks for one token for each installation over a thousand messages about five repositories", async (t) => {
    const double = await startDouble(t, { installations: [{ id: 77, owner }, { id: 78, owner: "other-org" }] });
    const { sender, provider } = openSender(t, double);
    const places = [[owner, "a"], [owner, "b"], [owner, "c"], ["other-org", "a"], ["other-org", "b"]] as const;
    for (let count = 0; count < 1000; count += 8) {
      const batch = Array.from({ length: 8 }, (_, index) => places[(count + index) % 5] ?? assert.fail());
      const messages = batch.map(([of, repo], index) => messagesOf(runEvent({ commit: { owner: of, repo, sha }, pipeline: `build-${count + index}` }), provider));
      await Promise.all(messages.flat().map((each) => sender.send(each, signal)));
    }
    const requests = (end: string): number => double.received.filter(({ path }) => path.endsWith(end)).length;
    assert.deepEqual([double.statuses.length, requests("/access_tokens"), requests("/installation"), double.received.length], [1000, 2, 5, 1007]);
    assert.deepEqual(double.violations, []);
  });

  it("looks up no installation that the Provider names", async (t) => {
    const double = await startDouble(t);
    const { sender, provider } = openSender(t, double, { installationId: 77 });
    await sender.send(message(provider), signal);
    assert.deepEqual(double.received.map(({ path }) => path.replace(/^\/api\/v3/, "")), ["/app/installations/77/access_tokens", `/repos/${owner}/crane-console/statuses/${sha}`]);
  });

  it("never shares a token with another App on another server that has the same installation id", async (t) => {
    const doubles = [await startDouble(t), await startDouble(t)] as const;
    const opened = doubles.map((double) => openSender(t, double));
    await Promise.all(opened.flatMap(({ sender, provider }) => Array.from({ length: 5 }, () => sender.send(message(provider), signal))));
    assert.deepEqual(doubles.map((double) => [double.statuses.length, double.tokensIssued(), double.violations.length]), [[5, 1, 0], [5, 1, 0]]);
    const used = doubles.map((double) => new Set(double.received.map(({ headers }) => headers["authorization"]).filter((value) => value?.startsWith("token "))));
    assert.equal(new Set(used.flatMap((tokens) => [...tokens])).size, 2);
  });

  it("renews a token a minute before it ends, once for all who need it", async (t) => {
    const double = await startDouble(t, { tokenLifeMs: 3_600_000 });
    const clock = manualClock(Date.now());
    const { sender, provider } = openSender(t, double, { clock });
    const sendAll = (): Promise<unknown> => Promise.all(Array.from({ length: 10 }, () => sender.send(message(provider), signal)));
    await sendAll();
    clock.advance(3_530_000);
    await sendAll();
    assert.equal(double.tokensIssued(), 1);
    clock.advance(20_000);
    await sendAll();
    assert.deepEqual([double.tokensIssued(), double.statuses.length], [2, 30]);
  });

  it("tries once with a fresh token when one was revoked before its time", async (t) => {
    const double = await startDouble(t);
    const { sender, provider, learnt } = openSender(t, double);
    await sender.send(message(provider), signal);
    double.revokeTokens();
    await Promise.all(Array.from({ length: 8 }, () => sender.send(message(provider, "Failed"), signal)));
    assert.deepEqual([double.statuses.length, double.tokensIssued(), learnt.length], [9, 2, 2]);
  });

  it("finds a repository's installation again when the App was installed anew", async (t) => {
    const double = await startDouble(t);
    const { sender, provider } = openSender(t, double);
    await sender.send(message(provider), signal);
    double.uninstall(77);
    double.revokeTokens();
    await assert.rejects(sender.send(message(provider), signal), { code: "DestinationRefused" });
    double.install({ id: 78, owner });
    await sender.send(message(provider), signal);
    assert.equal(double.statuses.length, 2);
  });

  it("finds it at once, with the same message, when the App was installed anew meanwhile", async (t) => {
    const double = await startDouble(t);
    const { sender, provider } = openSender(t, double);
    await sender.send(message(provider), signal);
    for (const before of [77, 78, 79]) {
      double.uninstall(before);
      double.install({ id: before + 1, owner });
      await sender.send(message(provider), signal);
    }
    assert.deepEqual([double.statuses.length, double.tokensIssued()], [4, 4]);
  });

  it("looks for the installation once more, and no oftener, when a repository is not found", async (t) => {
    const double = await startDouble(t);
    const { sender, provider } = openSender(t, double);
    double.misbehave(({ path }) => (path.includes("/statuses/") ? { answer: { status: 404, body: { message: "Not Found" } } } : undefined));
    await assert.rejects(sender.send(message(provider), signal), { code: "DestinationRefused", status: 404 });
    const requests = (end: RegExp): number => double.received.filter(({ path }) => end.test(path)).length;
    assert.deepEqual([requests(/\/installation$/), requests(/\/statuses\//)], [2, 1]);
  });

  it("takes keys with line breaks written as two characters, and in PKCS#1 or PKCS#8", async (t) => {
    const double = await startDouble(t);
    const { createPrivateKey } = await import("node:crypto");
    const pkcs8 = createPrivateKey(double.privateKey).export({ type: "pkcs8", format: "pem" }).toString();
    for (const key of [double.privateKey, pkcs8, double.privateKey.replaceAll("\n", "\\n"), `\n  ${pkcs8}\n\n`]) {
      const { sender, provider } = openSender(t, double, { key });
      await sender.send(message(provider), signal);
    }
    assert.equal(double.statuses.length, 4);
  });
});
