import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { parse } from "yaml";
import { main } from "../../src/cli/main.ts";
import type { KubeObject } from "../support/kube-client.ts";
import { readRecording } from "../support/replay-recording.ts";
import { requireGoProgram } from "../support/require.ts";
import { triggered, triggersBinary } from "../support/triggers.ts";
import { codeBlocks, pages, type Page } from "./pages.ts";

interface Request {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

interface Line {
  readonly notification: string;
  readonly run: { readonly kind: string; readonly name: string };
  readonly status: string;
  readonly requests: readonly Request[];
}

const guides = pages().filter(({ path }) => path.startsWith("docs/guides/") && !path.endsWith("/README.md"));

/** Recordings as watch events, metadata changed where a guide is about other runs than were recorded. */
const runs = (...names: readonly string[]) => (change: (object: KubeObject) => object = (object) => object): string =>
  names.flatMap((name) => readRecording(name).map((event) => JSON.stringify({ ...event, object: change(event.object) }))).join("\n");

const annotated = (annotations: Readonly<Record<string, string>>) => (object: KubeObject): object => ({
  ...object, metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, ...annotations } },
});

/** What a request says, in a few words: the place, and the fields of its body that people see. */
function shown({ method, url, headers, body }: Request): string {
  const place = url.replace(/^https?:\/\//, "").replace(/[0-9a-f]{40}/, "SHA");
  const form = typeof body === "string" ? Object.fromEntries(new URLSearchParams(body)) : (body as Record<string, unknown>);
  const [message] = (form["messages"] ?? []) as { attributes: Record<string, string> }[];
  const fields = { ...form, ...message?.attributes, ceType: headers["ce-type"], loop: headers["ce-tektonloop"] } as Record<string, string | undefined>;
  const seen = ["context", "state", "name", "conclusion", "channel", "text", "Subject", "team", "status", "ceType", "loop"].flatMap((key) => (fields[key] === undefined || (headers["ce-type"] !== undefined && key === "name") ? [] : [fields[key]]));
  return `${method} ${place} ${[...new Set(seen)].join(", ")}`.trim();
}

const pageOf = (guide: string): Page => guides.find(({ path }) => path === `docs/guides/${guide}.md`) ?? assert.fail(guide);

/** What the manifests of a guide make of these events. */
async function simulate(t: TestContext, guide: string, events: string): Promise<Line[]> {
  const page = pageOf(guide);
  const folder = await mkdtemp(join(tmpdir(), "guide-"));
  t.after(() => rm(folder, { recursive: true }));
  const config = codeBlocks(page, "yaml").filter((block) => /^kind: (Provider|Notification)$/m.test(block));
  await writeFile(join(folder, "config.yaml"), config.join("---\n"));
  await writeFile(join(folder, "runs"), events);
  let out = "";
  let err = "";
  const io = { out: (text: string) => void (out += text), err: (text: string) => void (err += text), stdin: () => Promise.resolve("") };
  const code = await main(["simulate", "-f", join(folder, "config.yaml"), "--runs", join(folder, "runs"), "-o", "json"], new AbortController().signal, io);
  assert.equal(code, 0, err);
  return out.trim().split("\n").map((line) => JSON.parse(line) as Line);
}

async function play(t: TestContext, guide: string, events: string): Promise<string[]> {
  const lines = await simulate(t, guide, events);
  return lines.flatMap(({ notification, run, status, requests }) => requests.map((request) => `${notification} ${run.kind} ${status}: ${shown(request)}`));
}

/** One run of a pipeline that failed before the recorded one, which succeeded, was created. */
function failedBefore(): string {
  const last = readRecording("succeeded-with-results").findLast(({ object }) => object.kind === "PipelineRun");
  assert.ok(last !== undefined);
  const { metadata, status, ...rest } = last.object as KubeObject & { status: object };
  const earlier = "2026-01-01T00:00:00Z";
  const conditions = [{ type: "Succeeded", status: "False", reason: "Failed", message: "broken", lastTransitionTime: earlier }];
  const failed = { ...rest, metadata: { ...metadata, name: "earlier", uid: "00000000-0000-4000-8000-000000000001", creationTimestamp: earlier }, status: { ...status, conditions, startTime: earlier, completionTime: earlier } };
  return JSON.stringify({ type: "ADDED", object: failed });
}

const notifierAnnotations = { "github.integrations.tekton.dev/owner": "example-org", "github.integrations.tekton.dev/repo": "shop-api" };
const trackerAnnotations = { "tekton.dev/git-status": "true", "tekton.dev/status-context": "demo-pipeline", "tekton.dev/status-description": "a test" };
const statuses = (repo: string): string => `POST api.github.com/repos/example-org/${repo}/statuses/SHA`;
const slack = "POST slack.com/api/chat.postMessage C0123456789,";
const sns = "POST sns.eu-central-1.amazonaws.com/";
const pubsub = "POST pubsub.googleapis.com/v1/projects/example-project/topics/tekton-runs:publish";
const listener = "POST el-after-build.ci.svc.cluster.local:8080";
const ofTekton = (state: string): string => `dev.tekton.event.pipelinerun.${state}.v1, 1`;

const played: Readonly<Record<string, readonly [events: string, requests: readonly string[]]>> = {
  "monorepo": [runs("cancelled", "retried-task", "failed-step")(), [
    `ci/components PipelineRun Pending: ${statuses("billing")} billing / billing-ci, pending`,
    `ci/components PipelineRun Cancelled: ${statuses("billing")} billing / billing-ci, error`,
    `ci/components PipelineRun Pending: ${statuses("billing")} billing / billing-nightly, pending`,
    `ci/components PipelineRun Succeeded: ${statuses("billing")} billing / billing-nightly, success`,
  ]],
  "slack-failure-and-recovery": [`${failedBefore()}\n${runs("succeeded-with-results", "retried-task")()}`, [
    `ci/failures PipelineRun Failed: ${slack} earlier.ci: Failed`,
    `ci/recoveries PipelineRun Succeeded: ${slack} shop-api-on-push works again`,
  ]],
  "sns-and-pubsub": [runs("cancelled")(), [
    `ci/ends-to-sns PipelineRun Cancelled: ${sns} billing-ci: Cancelled`,
    `ci/ends-to-pubsub PipelineRun Cancelled: ${pubsub} payments, Cancelled`,
  ]],
  "triggers": [runs("succeeded-with-results", "failed-step")(), [`ci/after-build PipelineRun Succeeded: ${listener} Succeeded, io.ornew.tekton.integrations.pipelinerun.succeeded.v1, 1`]],
  "shared-provider": [runs("cancelled", "failed-step")(), [
    `ci/commit-statuses PipelineRun Pending: ${statuses("shop-api")} tekton: shop-api-on-pull-request, pending`,
    `ci/commit-statuses PipelineRun Failed: ${statuses("shop-api")} tekton: shop-api-on-pull-request, failure`,
    `ci/failures PipelineRun Failed: ${slack} shop-api-on-pull-request-bq8zn.ci: Failed`,
  ]],
  "from-commit-status-tracker": [`${runs("cancelled")(annotated(trackerAnnotations))}\n${runs("failed-step")()}`, [
    `ci/tracked PipelineRun Pending: ${statuses("billing")} demo-pipeline, pending`,
    `ci/tracked PipelineRun Cancelled: ${statuses("billing")} demo-pipeline, error`,
  ]],
  "from-notifiers": [`${runs("standalone-taskrun-failed")(annotated({ ...notifierAnnotations, "github.integrations.tekton.dev/commit": "f".repeat(40) }))}\n${runs("failed-step")()}`, [
    "ci/task-checks TaskRun Pending: POST api.github.com/repos/example-org/shop-api/check-runs tekton: shop-api-scan-z6f2j, queued",
    "ci/task-checks TaskRun Running: PATCH api.github.com/repos/example-org/shop-api/check-runs/[varies] tekton: shop-api-scan-z6f2j, in_progress",
    "ci/task-checks TaskRun Failed: PATCH api.github.com/repos/example-org/shop-api/check-runs/[varies] tekton: shop-api-scan-z6f2j, failure, completed",
    `ci/ends PipelineRun Failed: ${slack} shop-api-on-pull-request Failed`,
  ]],
  "from-cloudevents-and-triggers": [runs("cancelled", "failed-step", "succeeded-with-results")(), [
    `ci/after-build PipelineRun Failed: ${listener} ${ofTekton("failed")}`,
    `ci/after-build PipelineRun Succeeded: ${listener} ${ofTekton("successful")}`,
  ]],
  "from-cloudevents-controller": [runs("deleted-while-running")().split("\n").slice(0, 6).join("\n"), [
    `platform/all-runs PipelineRun Pending: POST events.example.com/tekton ${ofTekton("queued")}`,
    "platform/all-runs TaskRun Pending: POST events.example.com/tekton dev.tekton.event.taskrun.queued.v1, 1",
    `platform/all-runs PipelineRun Running: POST events.example.com/tekton ${ofTekton("running")}`,
  ]],
  "beside-results-and-pipelines-as-code": [runs("cancelled", "failed-step")(), [
    `ci/other-runs PipelineRun Pending: ${statuses("billing")} tekton: ci/billing, pending`,
    `ci/other-runs PipelineRun Cancelled: ${statuses("billing")} tekton: ci/billing, error`,
    `ci/failures PipelineRun Failed: ${slack} shop-api-on-pull-request-bq8zn.ci: Failed`,
  ]],
};

describe("the manifests of a guide send what it says:", () => {
  for (const [guide, [events, requests]] of Object.entries(played)) {
    it(guide, async (t) => {
      assert.deepEqual(await play(t, guide, events), requests);
    });
  }

  it("every guide is played, and is in the list of guides", () => {
    const withManifests = guides.filter((guide) => codeBlocks(guide, "yaml").length > 0);
    assert.deepEqual(withManifests.map(({ path }) => path.slice("docs/guides/".length, -".md".length)).toSorted(), Object.keys(played).toSorted());
    const list = pages().find(({ path }) => path === "docs/guides/README.md")?.text ?? "";
    assert.deepEqual(guides.filter(({ path }) => !list.includes(`(${path.slice("docs/guides/".length)})`)), []);
  });
});

describe("the Trigger of the guide, played by Tekton Triggers' own code", () => {
  const [manifest = ""] = codeBlocks(pageOf("triggers"), "yaml").filter((block) => /^kind: EventListener$/m.test(block));
  const listener = parse(manifest) as { readonly spec: object };

  it("starts a run of what ended well, which is not sent to it again", async (t) => {
    const lines = await simulate(t, "triggers", runs("succeeded-with-results")());
    const [{ request, run }, ...more] = lines.flatMap(({ requests, run }) => requests.map((request) => ({ request, run }))) as [{ request: Request; run: Line["run"] }];
    assert.deepEqual(more, []);
    const other = { ...request, headers: { ...request.headers, "ce-type": "io.ornew.tekton.integrations.pipelinerun.failed.v1" } };
    const program = await requireGoProgram(t, "Triggers", triggersBinary);
    if (program === undefined) return;
    const [{ problems, created } = { created: [] }, unmoved] = await triggered(program, listener, [request, other]);
    assert.deepEqual([problems, unmoved], [undefined, { created: [] }]);
    assert.deepEqual(created?.map(({ kind, metadata, spec }) => [kind, metadata, spec]), [[
      "PipelineRun",
      { generateName: "report-", annotations: { "integrations.tekton.ornew.io/loop": "1" } },
      { pipelineRef: { name: "report" }, params: [{ name: "run", value: run.name }] },
    ]]);
    const { annotations = {} } = created[0]?.metadata ?? {};
    assert.deepEqual(await play(t, "triggers", runs("succeeded-with-results")(annotated(annotations))), []);
  });

  it("has no field that Triggers does not know", async (t) => {
    const program = await requireGoProgram(t, "Triggers", triggersBinary);
    if (program === undefined) return;
    const misspelt = { ...listener, spec: { ...listener.spec, serviceAccount: "typo" } };
    assert.deepEqual(await triggered(program, misspelt, [{ headers: {}, body: {} }]), [{ problems: 'json: unknown field "serviceAccount"', created: null }]);
  });
});
