import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { runStatuses, type RunEvent, type RunEventTask } from "../../src/api/run-event.ts";
import { checkState } from "../../src/providers/github/states.ts";
import { gitHubApp, type GitHubNotification } from "../../src/providers/github/config.ts";
import type { Message, SentBefore } from "../../src/providers/provider.ts";
import { ended, runEvent } from "../controller/runs.ts";
import type { GitHubDouble } from "../support/github-double.ts";
import { manualClock } from "../support/manual-clock.ts";
import { failureOf } from "./errors.ts";
import { messagesOf, openSender, owner, sha, startDouble, type Opened } from "./github-harness.ts";

const { signal } = new AbortController();
const notification: GitHubNotification = { report: "CheckRun" };
const commit = { owner, repo: "crane-console", sha };

const task = (name: string, status: RunEventTask["status"], fields: Partial<RunEventTask> = {}): RunEventTask => ({ name, kind: "TaskRun", status, reason: status, message: "", duration: "12s", ignored: false, ...fields });

const failedRun = ended("Failed", {
  commit, reason: "Failed", message: "Tasks Completed: 2 (Failed: 1, Cancelled 0), Skipped: 0", startTime: "2026-01-01T00:06:48Z", duration: "192s", url: "https://dash.example.com/#/x",
  tasks: [task("lint", "Succeeded"), task("unit-tests", "Failed", { reason: "StepFailed", message: '"step-test" exited with code 1\nsee @octocat' }), task("docs", "Failed", { ignored: true, reason: "FailureIgnored" })],
});

interface Body {
  readonly external_id: string;
  readonly output: { readonly title: string; readonly summary: string; readonly text?: string };
}

const bodyOf = (event: RunEvent, before?: SentBefore): Body => {
  const [message] = messagesOf(event, { appId: 1, privateKey: { secretRef: { name: "app" } } }, notification, before);
  return (message ?? assert.fail("nothing was rendered")).request.body as Body;
};

describe("the check run of a run", () => {
  it("is created once, with all that is known", () => {
    const [message, ...others] = messagesOf(failedRun, { appId: 1, privateKey: { secretRef: { name: "app" } } }, notification);
    const { external_id: externalId, output, ...body } = message?.request.body as Record<string, unknown> & Body;
    assert.deepEqual([message?.key, message?.request.method, message?.request.url, others.length], ["check-run", "POST", `https://api.github.com/repos/${owner}/crane-console/check-runs`, 0]);
    assert.deepEqual(message?.target, { owner, repo: "crane-console", sha, context: "tekton: build", report: "CheckRun" });
    assert.deepEqual(body, {
      name: "tekton: build", head_sha: sha, status: "completed", conclusion: "failure", started_at: "2026-01-01T00:06:48Z", completed_at: "2026-01-01T00:10:00Z", details_url: "https://dash.example.com/#/x",
    });
    assert.match(externalId, /^[0-9a-f]{32}$/);
    assert.equal(output.title, "Failed in 3m12s: unit-tests");
    assert.equal(output.summary, [
      "PipelineRun `build-1` of `build` in namespace `ci`",
      "`Failed`: `Tasks Completed: 2 (Failed: 1, Cancelled 0), Skipped: 0`",
      "#### `unit-tests`: `StepFailed`",
      '```text\n"step-test" exited with code 1\nsee @octocat\n```',
    ].join("\n\n"));
    assert.equal(output.text, [
      "| Task | Status | Reason | Duration |", "|---|---|---|---:|", "| `lint` | ✅ Succeeded |  | 12s |", "| `unit-tests` | ❌ Failed | `StepFailed` | 12s |", "| `docs` | ❌ Failed (ignored) | `FailureIgnored` | 12s |",
    ].join("\n"));
  });

  it("is updated from then on, by the id that is on record", () => {
    const [message] = messagesOf(failedRun, { appId: 1, privateKey: { secretRef: { name: "app" } } }, notification, { sentCount: 1, sentStatus: "Running", externalRef: "4711" });
    assert.deepEqual([message?.request.method, message?.request.url, message?.placeOfItsOwn], ["PATCH", `https://api.github.com/repos/${owner}/crane-console/check-runs/4711`, true]);
    assert.ok(!("head_sha" in (message?.request.body as object)));
    for (const forged of ["", "0", "47/../1", "https://x.example.com/1", "1e3"]) {
      assert.equal(messagesOf(failedRun, { appId: 1, privateKey: { secretRef: { name: "app" } } }, notification, { sentCount: 1, externalRef: forged })[0]?.request.method, "POST", forged);
    }
  });

  for (const [status, state] of Object.entries({
    Pending: { status: "queued" }, Running: { status: "in_progress" }, Succeeded: { status: "completed", conclusion: "success" }, Failed: { status: "completed", conclusion: "failure" },
    Cancelled: { status: "completed", conclusion: "cancelled" }, TimedOut: { status: "completed", conclusion: "timed_out" },
  })) {
    it(`of a run that is ${status} is ${Object.values(state).join(", ")}`, () => {
      assert.deepEqual(checkState(runStatuses.find((word) => word === status) ?? assert.fail()), state);
    });
  }

  it("tells Pending from Running, and reads tasks, which a commit status does not", () => {
    assert.notEqual(gitHubApp.serviceState("Pending", notification), gitHubApp.serviceState("Running", notification));
    assert.deepEqual([gitHubApp.reads(notification), gitHubApp.reads({}), gitHubApp.reads({ report: "CommitStatus" })], [["tasks"], [], []]);
  });

  it("is the same for all states of a run, and another for another run or Notification", () => {
    const ids = [runEvent({ commit }), failedRun, ended("Failed", { commit, uid: "another" })].map((event) => bodyOf(event).external_id);
    assert.equal(ids[0], ids[1]);
    assert.notEqual(ids[1], ids[2]);
  });

  it("has no times that GitHub would not take", () => {
    const body = (fields: Partial<RunEvent>): unknown => {
      const { started_at: started, completed_at: completed } = bodyOf(ended("Failed", { commit, ...fields })) as { started_at?: string; completed_at?: string };
      return [started, completed];
    };
    assert.deepEqual(body({ startTime: "2026-01-01T00:11:00Z", completionTime: "2026-01-01T00:10:00Z" }), ["2026-01-01T00:11:00Z", "2026-01-01T00:11:00Z"]);
    assert.deepEqual(body({ startTime: "yesterday", completionTime: "2026-01-01T01:10:00.123+01:00" }), [undefined, "2026-01-01T00:10:00Z"]);
    assert.deepEqual(bodyOf(runEvent({ commit, startTime: "2026-01-01T00:00:00Z", completionTime: "2026-01-01T00:00:00Z" }))["completed_at" as keyof Body], undefined);
  });

  it("has a title that says the most in a line", () => {
    const title = (event: RunEvent): string => bodyOf(event).output.title;
    assert.equal(title(runEvent({ commit, status: "Pending", reason: "", terminal: false })), "Pending");
    assert.equal(title(runEvent({ commit, status: "Pending", reason: "ExceededResourceQuota" })), "Pending: ExceededResourceQuota");
    assert.equal(title(ended("Succeeded", { commit, duration: "60s" })), "Succeeded in 1m");
    assert.equal(title(ended("TimedOut", { commit, reason: "PipelineRunTimeout", duration: "3600s" })), "Timed out in 1h");
    assert.equal(title(ended("Failed", { commit, reason: "CouldntGetPipeline" })), "Failed: CouldntGetPipeline");
    const many = Array.from({ length: 7 }, (_, index) => task(`t${index}`, "Failed"));
    assert.equal(title(ended("Failed", { commit, tasks: [...many, task("t0", "Failed")] })), "Failed: t0, t1, t2, t3, t4, 2 more");
    assert.ok(title(ended("Failed", { commit, tasks: many.map(({ name, ...rest }) => ({ ...rest, name: `${name}${"🚀".repeat(126)}` })) })).length <= 255);
  });

  it("is never larger than GitHub takes, nor cut in the middle of anything, whatever the tasks say", () => {
    for (const text of ["x", "é", "🚀", "`", "|", "<", "\u202e@"]) {
      const tasks = Array.from({ length: 512 }, (_, index) => task(`${index}-${text.repeat(120)}`.slice(0, 250), "Failed", { reason: text.repeat(250), message: text.repeat(8_192 / text.length) }));
      const { output } = bodyOf(ended("Failed", { commit, name: text.repeat(120), pipeline: text.repeat(120), reason: text.repeat(500), message: text.repeat(4_000), tasks }));
      for (const said of [output.summary, output.text ?? assert.fail()]) {
        assert.ok(Buffer.byteLength(said) <= 32_768 && said.isWellFormed() && !said.includes("\ufffd"), `${text}: ${Buffer.byteLength(said)}`);
        assert.match(said, /\n\nand \d+ more (failed )?tasks$/);
      }
      const shown = (output.text ?? "").split("\n").filter((line) => line.startsWith("| `")).length;
      assert.equal(shown + Number(/and (\d+) more tasks$/.exec(output.text ?? "")?.[1]), 512, "each task is shown or counted");
    }
  });
});

interface Setting extends Opened {
  readonly double: GitHubDouble;
  /** A run that was made so long after the connection was opened. */
  readonly messageOf: (event: RunEvent, afterMs: number, before?: SentBefore) => Message;
  readonly requests: () => readonly string[];
}

const started = Date.parse("2026-01-01T00:00:00Z");

async function setting(t: TestContext, double?: GitHubDouble): Promise<Setting> {
  const of = double ?? (await startDouble(t));
  // JWTs are of the system's time; what is asked here is only how old runs are.
  const opened = openSender(t, of, { clock: manualClock(started) });
  return {
    double: of,
    ...opened,
    messageOf: (event, afterMs, before) => {
      const metadata = { name: event.name, namespace: event.namespace, uid: event.uid, labels: {}, annotations: {}, creationTimestamp: new Date(started + afterMs).toISOString() };
      return messagesOf({ ...event, run: { metadata } }, opened.provider, notification, before)[0] ?? assert.fail("nothing was rendered");
    },
    requests: () => of.received.map(({ method, path }) => `${method} ${(path.split("?")[0] ?? "").replace(/^.*\/(?=check-runs|installation|access_tokens)/, "").replace(/\d+$/, "ID")}`),
  };
}

const running = runEvent({ commit });
const young = 90_000;

describe("a check run", () => {
  it("takes one request for each state of a run that was made since: one POST, then PATCHes", async (t) => {
    const { sender, messageOf, requests, double } = await setting(t);
    const { externalRef = "" } = await sender.send(messageOf(running, young), signal);
    assert.match(externalRef, /^\d+$/);
    const before = { sentCount: 1, sentStatus: "Running", externalRef } as const;
    assert.deepEqual(await sender.send(messageOf(failedRun, young, before), signal), { externalRef });
    assert.deepEqual(requests(), ["GET installation", "POST access_tokens", "POST check-runs", "PATCH check-runs/ID"]);
    assert.deepEqual(double.checkRuns.map(({ status, conclusion, title, text }) => [status, conclusion, title, text?.includes("unit-tests")]), [["completed", "failure", "Failed in 3m12s: unit-tests", true]]);
    assert.deepEqual(double.violations, []);
  });

  it("is found again after the answer to its creation was lost: never are there two", async (t) => {
    const { sender, messageOf, requests, double } = await setting(t);
    double.misbehave(({ method, path }) => (method === "POST" && path.endsWith("/check-runs") ? { loseAnswer: true } : undefined), 1);
    assert.equal((await failureOf(sender.send(messageOf(running, young), signal))).code, "ServiceUnreachable");
    const { externalRef } = await sender.send(messageOf(failedRun, young), signal);
    assert.deepEqual(double.checkRuns.map(({ id, status }) => [String(id), status]), [[externalRef, "completed"]]);
    assert.deepEqual(requests().slice(2), ["POST check-runs", "GET check-runs", "PATCH check-runs/ID"]);
  });

  it("is found again by another process, which knows nothing of the first", async (t) => {
    const first = await setting(t);
    await first.sender.send(first.messageOf(running, young), signal);
    const second = await setting(t, first.double);
    // Its run is older than the second connection.
    await second.sender.send(second.messageOf(failedRun, -1000), signal);
    assert.deepEqual(first.double.checkRuns.map(({ status }) => status), ["completed"]);
  });

  it("is looked for unless the run is younger than the connection by more than clocks differ", async (t) => {
    for (const [afterMs, looked] of [[-86_400_000, true], [0, true], [59_000, true], [61_000, false]] as const) {
      const { sender, messageOf, requests } = await setting(t);
      await sender.send(messageOf(running, afterMs), signal);
      assert.equal(requests().includes("GET check-runs"), looked, String(afterMs));
    }
  });

  it("is not taken for another App's with the same external id, nor for one of another run with the same name", async (t) => {
    const { sender, messageOf, double } = await setting(t);
    const message = messageOf(running, 0);
    const { external_id: externalId } = message.request.body as Body;
    const blank = { owner, repo: "crane-console", sha, name: "tekton: build", status: "queued", conclusion: null, startedAt: null, completedAt: null, detailsUrl: null, title: null, summary: null, text: null };
    double.addCheckRun({ ...blank, appId: 999, externalId });
    for (let other = 0; other < 25; other += 1) double.addCheckRun({ ...blank, appId: double.appId, externalId: `other-${other}` });
    await sender.send(message, signal);
    const own = double.checkRuns.filter(({ externalId: of, appId }) => of === externalId && appId === double.appId);
    assert.deepEqual([own.length, double.checkRuns.length, double.violations], [1, 27, []]);
    assert.ok(double.checkRuns.slice(0, 26).every(({ status }) => status === "queued"), "the others were left alone");
    const lists = double.received.filter(({ path }) => path.includes("/commits/"));
    assert.deepEqual(lists.map(({ path }) => /page=(\d+)$/.exec(path)?.[1]), ["1", "2", "3"]);
  });

  it("that GitHub has thrown away is created anew", async (t) => {
    const { sender, messageOf, requests, double } = await setting(t);
    const { externalRef } = await sender.send(messageOf(failedRun, young, { sentCount: 1, sentStatus: "Running", externalRef: "999999" }), signal);
    assert.deepEqual(double.checkRuns.map(({ id, sha: at }) => [String(id), at]), [[externalRef, sha]]);
    assert.deepEqual(requests().filter((request) => request.includes("check-runs")), ["PATCH check-runs/ID", "GET check-runs", "POST check-runs"]);
  });

  it("of the same state again is the same one", async (t) => {
    const { sender, messageOf, double } = await setting(t);
    for (let times = 0; times < 3; times += 1) await sender.send(messageOf(running, young), signal);
    assert.equal(double.checkRuns.length, 1);
  });

  for (const [what, body] of [["a list that is none", { check_runs: "none" }], ["a page of HTML", "<html>"], ["null", null]] as const) {
    it(`is not written twice for ${what}`, async (t) => {
      const { sender, messageOf, double } = await setting(t);
      double.misbehave(({ method, path }) => (method === "GET" && path.includes("check-runs") ? { answer: { status: 200, body } } : undefined));
      const error = await failureOf(sender.send(messageOf(running, 0), signal));
      assert.deepEqual([error.code, double.checkRuns.length], ["ServiceFailed", 0]);
      assert.match(error.message, /^could not look for the check run: /);
    });
  }

  for (const [status, says] of [[403, /lacks the permission "Checks: Read and write"/], [404, /the repository does not exist, or the App may not see it/], [422, /the commit does not exist there/]] as const) {
    it(`that is refused with ${status} says what to do`, async (t) => {
      const { sender, messageOf, double } = await setting(t);
      double.misbehave(({ method, path }) => (method === "POST" && path.endsWith("/check-runs") ? { answer: { status, body: { message: "no" } } } : undefined));
      assert.match((await failureOf(sender.send(messageOf(running, young), signal))).message, says);
    });
  }
});
