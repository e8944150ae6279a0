import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runStatuses, type RunEvent } from "../../src/api/run-event.ts";
import { gitHubApp, type GitHubNotification } from "../../src/providers/github/config.ts";
import { render } from "../../src/providers/github/render.ts";
import { commitState } from "../../src/providers/github/states.ts";
import type { RenderedRequest, SentBefore } from "../../src/providers/provider.ts";
import { deepFreeze, ended, runEvent } from "../controller/runs.ts";
import { messagesOf, sha } from "./github-harness.ts";
import { noTemplates } from "./templates.ts";

const provider = { appId: 1, privateKey: { secretRef: { name: "app" } } };
const contextId = "integrations.tekton.ornew.io/context-id";
const parent = { kind: "PipelineRun", name: "build-1", uid: "1" } as const;

interface Body {
  readonly state: string;
  readonly context: string;
  readonly description: string;
  readonly target_url?: string;
}

function requestOf(event: Partial<RunEvent>, notification: { context?: string } = {}, baseURL?: string): RenderedRequest {
  const [message, ...others] = messagesOf(deepFreeze(runEvent(event)), { ...provider, ...(baseURL !== undefined && { baseURL }) }, notification);
  assert.ok(message !== undefined && others.length === 0);
  return message.request;
}

const bodyOf = (event: Partial<RunEvent>, notification: { context?: string } = {}): Body => requestOf(event, notification).body as Body;

describe("the commit status", () => {
  it("is one request, without its credential", () => {
    const commit = { owner: "o", repo: "r", sha };
    assert.deepEqual(requestOf({ commit, message: "half way", url: "https://dash.example.com/x" }), {
      method: "POST",
      url: `https://api.github.com/repos/o/r/statuses/${sha}`,
      headers: { accept: "application/vnd.github+json", authorization: "[redacted]", "content-type": "application/json; charset=utf-8", "x-github-api-version": "2022-11-28" },
      body: { state: "pending", context: "tekton: build", description: "Running: half way", target_url: "https://dash.example.com/x" },
    });
    assert.equal(requestOf({ commit }, {}, "https://ghe.example.com/api/v3/").url, `https://ghe.example.com/api/v3/repos/o/r/statuses/${sha}`);
  });

  it("says where it went, for the record", () => {
    const [message] = messagesOf(runEvent(), provider);
    assert.deepEqual([message?.key, message?.target["context"], message?.target["repo"]], ["status", "tekton: build", "shop-api"]);
  });

  for (const [status, state] of Object.entries({ Pending: "pending", Running: "pending", Succeeded: "success", Failed: "failure", Cancelled: "error", TimedOut: "failure" })) {
    it(`of a run that is ${status} is ${state}`, () => {
      const known = runStatuses.find((word) => word === status) ?? assert.fail();
      assert.equal(bodyOf({ status: known, reason: status }).state, state);
      assert.equal(commitState(known), state);
      assert.equal(gitHubApp.serviceState(known, {}), state);
    });
  }

  for (const reason of ["CouldntGetPipeline", "InvalidTaskRunSpecs", "ParameterMissing", "ParamArrayIndexingInvalid", "ObjectParameterMissKeys", "RequiredWorkspaceMarkedOptional", "CreateRunFailed", "PipelineValidationFailed", "PipelineInvalidGraph", "TaskRunValidationFailed", "TaskRunResolutionFailed", "ResourceVerificationFailed", "CELEvaluationFailed"]) {
    it(`of a run that could not be run at all (${reason}) is error`, () => {
      assert.equal(bodyOf(ended("Failed", { reason })).state, "error");
    });
  }

  for (const reason of ["Failed", "StepFailed", "StepOOM", "PodEvicted", ""]) {
    it(`of a run that failed at its work (${reason === "" ? "no reason" : reason}) is failure`, () => {
      assert.equal(bodyOf(ended("Failed", { reason })).state, "failure");
    });
  }

  for (const missing of ["owner", "repo", "sha"] as const) {
    it(`is none, with a reason, when the ${missing} is not known`, () => {
      const { [missing]: left, ...commit } = runEvent().commit;
      const rendered = render({ event: runEvent({ commit }), provider, notification: {}, notificationName: { namespace: "ci", name: "n" }, providerNamespace: "ci", sentBefore: () => ({ sentCount: 0 }), ...noTemplates });
      assert.ok("nothing" in rendered && left !== undefined);
      assert.equal(rendered.nothing.reason, "NoCommit");
    });
  }
});

describe("a commit that templates name", () => {
  const hash = "b".repeat(40);
  const place = (notification: GitHubNotification, event: Partial<RunEvent> = {}): unknown => {
    const [message] = messagesOf(runEvent(event), provider, notification);
    const { owner = "", repo = "", sha: commit = "" } = message?.target ?? {};
    return message === undefined ? "none" : `${owner}/${repo}@${commit}`;
  };
  const event = { params: { owner: "o", repo: "r.x", revision: hash } };

  it("wins over the annotations, each part by itself", () => {
    assert.equal(place({ owner: "${params.owner}", repo: "${params.repo}", sha: "${params.revision}" }, event), `o/r.x@${hash}`);
    assert.equal(place({ sha: "${params.revision}" }, event), `example-org/shop-api@${hash}`);
    assert.equal(place({ owner: "fixed", repo: "${params.repo}" }, { ...event, commit: { sha: hash } }), `fixed/r.x@${hash}`);
  });

  for (const [part, value] of [
    ["owner", ""], ["owner", "a/b"], ["owner", "a b"], ["owner", "a".repeat(40)], ["owner", ".."], ["owner", "o\n"],
    ["repo", ".."], ["repo", "."], ["repo", "r/../../x"], ["repo", "r?x"], ["repo", "r#"], ["repo", "r%2f"], ["repo", "x".repeat(101)], ["repo", "x".repeat(5_000)],
    ["sha", "main"], ["sha", "a".repeat(41)], ["sha", `${"a".repeat(40)}/..`], ["sha", "A".repeat(39)], ["sha", " ".repeat(40)],
  ] as const) {
    it(`is none when the ${part} is ${JSON.stringify(value.slice(0, 45))}, though the annotations name one`, () => {
      assert.equal(place({ [part]: "${params.x}" }, { params: { x: value } }), "none");
    });
  }

  it("is none when a part is absent, whatever the annotations say", () => {
    assert.equal(place({ sha: "${results.sha}" }), "none");
  });
});

describe("the end of a run that is gone", () => {
  const target = { owner: "o", repo: "r", sha, context: "ci/before" };
  const place = (event: Partial<RunEvent>, on: Readonly<Record<string, string>>): unknown => {
    const rendered = render({ event: runEvent(event), provider, notification: {}, notificationName: { namespace: "ci", name: "n" }, providerNamespace: "ci", sentBefore: () => ({ sentCount: 1, target: on }), ...noTemplates });
    return "messages" in rendered ? rendered.messages[0]?.target : rendered.nothing.reason;
  };

  it("goes where its beginning went, though nothing else is known of it", () => {
    assert.deepEqual(place({ deleted: true, commit: {}, pipeline: "" }, target), target);
  });

  it("does not go to a place that cannot have been recorded", () => {
    for (const forged of [{ ...target, repo: ".." }, { ...target, owner: "a/b" }, { ...target, sha: "main" }, { ...target, context: "" }, {}]) {
      assert.equal(place({ deleted: true, commit: {} }, forged as Readonly<Record<string, string>>), "NoCommit");
    }
  });

  it("goes to no repository that the run does not name, whatever the record says; its commit and context are those of the record", () => {
    const own = { owner: "Example-org", repo: "shop-api", sha: target.sha, context: "ci/before" };
    assert.deepEqual(place({ deleted: true }, own), own);
    assert.deepEqual(place({ deleted: true }, { ...own, repo: "secrets" }), { owner: "example-org", repo: "shop-api", sha: runEvent().commit.sha, context: "tekton: build" });
  });

  it("is the only message that is placed by the record", () => {
    assert.deepEqual(place({}, target), { owner: "example-org", repo: "shop-api", sha: runEvent().commit.sha, context: "tekton: build" });
  });
});

describe("what was begun with another report", () => {
  const begun = { status: { sentCount: 1, sentStatus: "Running", target: { owner: "example-org", repo: "shop-api", sha, context: "ci/before" } } } as const;
  const rendered = (event: RunEvent, records: Readonly<Record<string, SentBefore>>): readonly (readonly [string, string | undefined])[] => {
    const of = render({
      event, provider, notification: { report: "CheckRun" }, notificationName: { namespace: "ci", name: "n" }, providerNamespace: "ci", sentBefore: (key) => records[key] ?? { sentCount: 0 }, ...noTemplates,
    });
    return "messages" in of ? of.messages.map(({ key, target }) => [key, target["context"]]) : [];
  };

  it("is ended where it was begun, when the Notification reports otherwise by now", () => {
    assert.deepEqual(rendered(ended("Failed"), begun), [["check-run", "tekton: build"], ["status", "ci/before"]]);
    assert.deepEqual(rendered(ended("Failed", { commit: {} }), begun), [["status", "ci/before"]]);
  });

  it("is left alone while the run goes on, once it has ended, and where the run names another repository", () => {
    assert.deepEqual(rendered(runEvent(), begun), [["check-run", "tekton: build"]]);
    assert.deepEqual(rendered(ended("Failed"), { status: { ...begun.status, sentStatus: "Failed" } }), [["check-run", "tekton: build"]]);
    assert.deepEqual(rendered(ended("Failed"), { status: { ...begun.status, target: { ...begun.status.target, repo: "other" } } }), [["check-run", "tekton: build"]]);
  });
});

describe("its description", () => {
  it("is the reason and the message, in one line", () => {
    assert.equal(bodyOf(ended("Failed", { reason: "StepFailed", message: '"step-test"\n  exited\twith code 1\u0000' })).description, 'StepFailed: "step-test" exited with code 1');
    assert.equal(bodyOf({ status: "Pending", reason: "", message: "" }).description, "Pending");
  });

  for (const message of ["x".repeat(8_192), "🚀".repeat(4_000), `a${"e\u0301".repeat(4_000)}`, "\ud83d".repeat(500)]) {
    it(`is never longer than 140 characters (${JSON.stringify(message.slice(0, 4))}...)`, () => {
      const { description } = bodyOf({ reason: "Running", message });
      assert.ok(description.length <= 140 && description.isWellFormed() && description.endsWith("…"));
    });
  }
});

describe("its context", () => {
  for (const [what, event, notification, expected] of [
    ["the pipeline", {}, {}, "tekton: build"],
    ["the run, when the pipeline has no name", { pipeline: "" }, {}, "tekton: build-1"],
    ["the annotation", { annotations: { [contextId]: "unit" } }, {}, "tekton: unit"],
    ["the annotation, in one line", { annotations: { [contextId]: " a\nb " } }, {}, "tekton: a b"],
    ["the pipeline, when the annotation is blank", { annotations: { [contextId]: " \n\u0000" } }, {}, "tekton: build"],
    ["the Notification", { annotations: { [contextId]: "unit" } }, { context: "ci/build" }, "ci/build"],
    ["what its template says, in one line", { params: { x: "a\nb" } }, { context: "ci/${params.x} of ${name}" }, "ci/a b of build-1"],
    ["the pipeline, when its template is empty", {}, { context: "${results.none}" }, "tekton: build"],
    ["what its template says and the task, for a child", { parent, kind: "TaskRun", pipelineTask: "lint" }, { context: "ci/${pipeline}" }, "ci/build / lint"],
    ["pipeline and task, for a child", { parent, kind: "TaskRun", pipelineTask: "lint" }, {}, "tekton: build / lint"],
    ["its own name, for a child that is no task", { parent, name: "build-1-x" }, {}, "tekton: build / build-1-x"],
  ] as const) {
    it(`names ${what}`, () => {
      assert.equal(bodyOf(event, notification).context, expected);
    });
  }

  it("of a child is never its parent's, whose annotations it carries", () => {
    const annotations = { [contextId]: "unit" };
    const contexts = [bodyOf({ annotations }), bodyOf({ annotations, parent, kind: "TaskRun", pipelineTask: "lint" }), bodyOf({ annotations, parent, kind: "TaskRun", pipelineTask: "test" })].map(({ context }) => context);
    assert.equal(new Set(contexts).size, 3);
    assert.ok(contexts.slice(1).every((context) => !context.includes("unit")));
  });

  it("is never the parent's for a child, a chosen one neither", () => {
    const chosen = { context: "ci/build" };
    const contexts = [bodyOf({}, chosen), bodyOf({ parent, kind: "TaskRun", pipelineTask: "lint" }, chosen), bodyOf({ parent, kind: "PipelineRun", name: "nested" }, chosen)];
    assert.deepEqual(contexts.map(({ context }) => context), ["ci/build", "ci/build / lint", "ci/build / nested"]);
  });

  for (const [what, event, notification] of [
    ["annotation", { annotations: { [contextId]: "🚀".repeat(2_000) } }, {}],
    ["child", { parent, pipeline: "ü".repeat(250), pipelineTask: "🚀".repeat(60) }, {}],
    ["Notification", {}, { context: "🚀".repeat(255) }],
    ["template", { message: "🚀".repeat(255) }, { context: "${message}" }],
  ] as const) {
    it(`is never longer than 255 bytes (${what})`, () => {
      const { context } = bodyOf(event, notification);
      assert.ok(Buffer.byteLength(context) <= 255 && Buffer.byteLength(context) > 250 && context.isWellFormed() && !context.includes("\ufffd"), context);
    });
  }
});
