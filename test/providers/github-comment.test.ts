import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { RunEvent } from "../../src/api/run-event.ts";
import { markerOf } from "../../src/providers/github/comment.ts";
import { gitHubApp, type GitHubNotification } from "../../src/providers/github/config.ts";
import type { Message, SentBefore } from "../../src/providers/provider.ts";
import { ended, runEvent } from "../controller/runs.ts";
import type { GitHubDouble } from "../support/github-double.ts";
import { failureOf } from "./errors.ts";
import { messagesOf, openSender, owner, sha, startDouble, type Opened } from "./github-harness.ts";
import { noTemplates } from "./templates.ts";

const { signal } = new AbortController();
const notification: GitHubNotification = { report: "PullRequestComment" };
const commit = { owner, repo: "crane-console", sha, pullRequest: 42 };
const provider = { appId: 1, privateKey: { secretRef: { name: "app" } } };

const failedRun = ended("Failed", { commit, duration: "192s", url: "https://dash.example.com/#/x", tasks: [{ name: "unit-tests", kind: "TaskRun", status: "Failed", reason: "StepFailed", message: "exit 1", duration: "12s", ignored: false }] });

const first = (messages: readonly Message[]): Message => messages[0] ?? assert.fail("nothing was rendered");
const bodyIn = (message: Message): string => (message.request.body as { body: string }).body;

describe("the comment of a run", () => {
  it("is written on its pull request", () => {
    const message = first(messagesOf(failedRun, provider, notification));
    assert.deepEqual([message.key, message.request.method, message.request.url], ["comment", "POST", `https://api.github.com/repos/${owner}/crane-console/issues/42/comments`]);
    assert.deepEqual(message.target, { owner, repo: "crane-console", pullRequest: "42", context: "tekton: build", report: "PullRequestComment" });
    assert.equal(bodyIn(message), [
      markerOf("tekton: build"),
      "### ❌ `tekton: build`: Failed in 3m12s: unit-tests",
      "PipelineRun `build-1` of `build` in namespace `ci`",
      "`Failed`",
      "#### `unit-tests`: `StepFailed`",
      "```text\nexit 1\n```",
      "| Task | Status | Reason | Duration |\n|---|---|---|---:|\n| `unit-tests` | ❌ Failed | `StepFailed` | 12s |",
      `Commit ${sha} · [Open the run](https://dash.example.com/#/x)`,
    ].join("\n\n"));
  });

  it("is edited from then on, by the id that is on record", () => {
    const message = first(messagesOf(failedRun, provider, notification, { sentCount: 1, sentStatus: "Running", externalRef: "4711" }));
    assert.deepEqual([message.request.method, message.request.url], ["PATCH", `https://api.github.com/repos/${owner}/crane-console/issues/comments/4711`]);
  });

  it("needs no commit, and is none when there is no pull request", () => {
    const reason = (fields: Partial<RunEvent>, section: GitHubNotification = notification): unknown => {
      const rendered = gitHubApp.render({
        event: runEvent(fields), provider, notification: section, notificationName: { namespace: "ci", name: "n" }, providerNamespace: "ci", sentBefore: () => ({ sentCount: 0 }), ...noTemplates,
      });
      return "nothing" in rendered ? rendered.nothing.reason : rendered.messages[0]?.target["pullRequest"];
    };
    assert.equal(reason({ commit: { owner: "o", repo: "r", pullRequest: 7 } }), "7");
    assert.equal(reason({ commit: { owner: "o", repo: "r", sha } }), "NoPullRequest");
    assert.equal(reason({ commit: { pullRequest: 7 } }), "NoCommit");
  });

  for (const value of ["0", "-1", "1e3", "42/comments", "42 ", "", "12345678901", "#42"]) {
    it(`is none for the number ${JSON.stringify(value)}`, () => {
      assert.deepEqual(messagesOf(runEvent({ commit: { owner: "o", repo: "r" }, params: { pr: value } }), provider, { ...notification, pullRequest: "${params.pr}" }), []);
    });
  }

  it("is on the pull request that the Notification names, where it does", () => {
    assert.equal(first(messagesOf(runEvent({ commit, params: { pr: "7" } }), provider, { ...notification, pullRequest: "${params.pr}" })).target["pullRequest"], "7");
  });

  it("is written when a run has ended, unless the Notification says otherwise", () => {
    const counts = [notification, {}, { report: "CheckRun" }].map((section) => gitHubApp.defaultStatusesFor?.(section).length);
    assert.deepEqual(counts, [4, 6, 6]);
  });

  it("is never larger than GitHub takes, and mentions nobody", () => {
    for (const text of ["@octocat ", "🚀", "`", "#1 ", "https://evil.example.com "]) {
      const tasks = Array.from({ length: 512 }, () => ({ name: text.repeat(20), kind: "TaskRun", status: "Failed", reason: text.repeat(40), message: text.repeat(800), ignored: false }) as const);
      const body = bodyIn(first(messagesOf(ended("Failed", { commit, name: text.repeat(25), pipeline: text.repeat(25), reason: text.repeat(100), message: text.repeat(800), tasks, url: `https://dash.example.com/${"x".repeat(2000)}` }), provider, notification)));
      assert.ok(Buffer.byteLength(body) <= 65_536 && body.isWellFormed(), String(Buffer.byteLength(body)));
      const outsideCode = body.replace(/^(`{3,})text\n[^]*?\n\1$/gm, "").replace(/(`+)[^`](?:.*?[^`])?\1(?!`)/g, "");
      assert.doesNotMatch(outsideCode, /@octocat|#1 |:\/\/evil/);
    }
  });
});

interface Setting extends Opened {
  readonly double: GitHubDouble;
  readonly send: (event?: RunEvent, before?: SentBefore, section?: GitHubNotification) => Promise<string>;
  readonly requests: () => readonly string[];
}

async function setting(t: TestContext, double?: GitHubDouble): Promise<Setting> {
  const of = double ?? (await startDouble(t));
  const opened = openSender(t, of);
  return {
    double: of,
    ...opened,
    send: async (event = failedRun, before, section = notification) => (await opened.sender.send(first(messagesOf(event, opened.provider, section, before)), signal)).externalRef ?? assert.fail(),
    requests: () => of.received.filter(({ path }) => path.includes("/comments")).map(({ method, path }) => `${method} ${path.slice(path.indexOf("/issues/") + 8).replace(/comments\/\d+$/, "comments/ID")}`),
  };
}

const other = (body: string, appId: number | null) => ({ appId, owner, repo: "crane-console", issue: 42, body });
const list = (page: number, size = 100): string => `GET 42/comments?per_page=${size}&page=${page}`;

describe("a comment", () => {
  it("is one for a pull request and context, whatever runs there are, and is looked for once", async (t) => {
    const { send, requests, double } = await setting(t);
    const id = await send(runEvent({ commit }));
    assert.equal(await send(failedRun, { sentCount: 1, sentStatus: "Running", externalRef: id }), id);
    assert.equal(await send(ended("Succeeded", { commit: { ...commit, sha: "b".repeat(40) }, uid: "the next run" })), id);
    assert.deepEqual(requests(), [list(1), "POST 42/comments", "PATCH comments/ID", "PATCH comments/ID"]);
    assert.equal(double.comments.length, 1);
    assert.match(double.comments[0]?.body ?? "", /✅ `tekton: build`: Succeeded/);
    assert.deepEqual(double.violations, []);
  });

  it("is another one for another context, and another pull request", async (t) => {
    const { send, double } = await setting(t);
    await send();
    await send(failedRun, undefined, { ...notification, context: "lint" });
    await send(ended("Failed", { commit: { ...commit, pullRequest: 43 } }));
    assert.deepEqual(double.comments.map(({ issue }) => issue), [42, 42, 43]);
  });

  it("is found again by another process", async (t) => {
    const { send, double } = await setting(t);
    const id = await send();
    const second = await setting(t, double);
    assert.equal(await second.send(ended("Succeeded", { commit, uid: "the next run" })), id);
    assert.equal(double.comments.length, 1);
  });

  it("is found again after the answer to its creation was lost", async (t) => {
    const { send, double } = await setting(t);
    double.misbehave(({ method, path }) => (method === "POST" && path.endsWith("/comments") ? { loseAnswer: true } : undefined), 1);
    await failureOf(send());
    await send();
    assert.equal(double.comments.length, 1);
  });

  it("is one when ten runs end at once", async (t) => {
    const { send, double } = await setting(t);
    await Promise.all(Array.from({ length: 10 }, (_, index) => send(ended("Failed", { commit, uid: `run-${index}` }))));
    assert.deepEqual([double.comments.length, double.received.filter(({ method, path }) => method === "GET" && path.includes("/comments")).length], [1, 1]);
  });

  it("is never somebody else's, whoever writes the marker", async (t) => {
    const { send, double } = await setting(t);
    const marker = markerOf("tekton: build");
    double.addComment(other(`${marker} written by a person`, null));
    double.addComment(other(`${marker} written by another App`, 999));
    double.addComment({ ...other("written by this App, for another context", double.appId) });
    await send();
    assert.deepEqual(double.comments.map(({ body }) => body.includes("### ❌")), [false, false, false, true]);
  });

  it("is found among many others, and where they are too long to be read at once", async (t) => {
    for (const [count, length, pages] of [[250, 10, [list(1), list(2), list(3)]], [35, 60_000, [list(1), list(1, 10), list(2, 10), list(3, 10), list(4, 10)]]] as const) {
      const { send, double, requests } = await setting(t);
      for (let index = 0; index < count; index += 1) double.addComment(other("x".repeat(length), null));
      const id = double.addComment(other(`${markerOf("tekton: build")} from before`, double.appId));
      assert.equal(await send(), String(id));
      assert.deepEqual(requests(), [...pages, "PATCH comments/ID"]);
    }
  });

  it("that somebody deleted is written anew", async (t) => {
    const { send, double } = await setting(t);
    const id = await send();
    double.deleteComment(Number(id));
    const next = await send(ended("Succeeded", { commit }), { sentCount: 1, sentStatus: "Failed", externalRef: id });
    assert.deepEqual([double.comments.map((comment) => String(comment.id)), next !== id], [[next], true]);
  });

  for (const [status, says] of [
    [403, /lacks the permission "Pull requests: Read and write" on this repository, or the conversation is locked/],
    [404, /there is no such pull request/],
    [410, /issues are switched off/],
  ] as const) {
    it(`that is refused with ${status} is a matter of the route, and says what to do`, async (t) => {
      const { send, double } = await setting(t);
      double.misbehave(({ path }) => (path.includes("/comments") ? { answer: { status, body: { message: "no" } } } : undefined));
      const error = await failureOf(send());
      assert.deepEqual([error.code, error.class], ["DestinationRefused", "route"]);
      assert.match(error.message, says);
    });
  }

  it("waits for its turn no longer than it may", async (t) => {
    const { provider: section, sender, double } = await setting(t);
    double.misbehave(({ method, path }) => (method === "POST" && path.endsWith("/comments") ? { hang: true } : undefined));
    const controllers = [new AbortController(), new AbortController()] as const;
    const sending = controllers.map(({ signal: of }, index) => failureOf(sender.send(first(messagesOf(ended("Failed", { commit, uid: `run-${index}` }), section, notification)), of)));
    while (!double.received.some(({ outcome }) => outcome === "hang")) await new Promise((resolve) => setImmediate(resolve));
    controllers[1].abort(new DOMException("too slow", "TimeoutError"));
    controllers[0].abort(new DOMException("too slow", "TimeoutError"));
    assert.deepEqual((await Promise.all(sending)).map(({ code }) => code), ["ServiceTimeout", "ServiceTimeout"]);
    assert.equal(double.received.filter(({ method, path }) => method === "POST" && path.endsWith("/comments")).length, 1);
  });
});
