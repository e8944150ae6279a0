import { appBody, type Body, errorBody, userBody, validationBody } from "./github-answers.ts";
import type { Answer, Received } from "./receivers.ts";

/** A check run that GitHub holds. */
export interface CheckRun {
  readonly id: number;
  readonly appId: number;
  readonly owner: string;
  readonly repo: string;
  readonly sha: string;
  readonly name: string;
  readonly externalId: string | null;
  readonly status: string;
  readonly conclusion: string | null;
  readonly startedAt: string | null;
  readonly completedAt: string | null;
  readonly detailsUrl: string | null;
  readonly title: string | null;
  readonly summary: string | null;
  readonly text: string | null;
}

/** A comment that GitHub holds. */
export interface Comment {
  readonly id: number;
  /** The App that wrote it; null: a person. */
  readonly appId: number | null;
  readonly owner: string;
  readonly repo: string;
  readonly issue: number;
  readonly body: string;
}

/** What the double holds of both. */
export interface Written {
  readonly api: string;
  readonly appId: number;
  readonly checkRuns: CheckRun[];
  readonly comments: Comment[];
  /** Counts both. */
  lastId: number;
}

type Parameters = Readonly<Record<string, string>>;

const moment = "2026-01-01T00:00:00Z";
const notFound: Answer = { status: 404, body: errorBody(404, "Not Found") };
const invalid = (message: string, field?: string): Answer => ({ status: 422, body: validationBody(message, field) });
const refused = (message: string): Answer => ({ status: 422, body: errorBody(422, message) });

function checkRunBody({ api }: Written, run: CheckRun): Body {
  const url = `${api}/repos/${run.owner}/${run.repo}/check-runs/${run.id}`;
  return {
    id: run.id, node_id: `CR_${run.id}`, head_sha: run.sha, external_id: run.externalId, url, html_url: `${api}/html/runs/${run.id}`, details_url: run.detailsUrl,
    status: run.status, conclusion: run.conclusion, started_at: run.startedAt, completed_at: run.completedAt, name: run.name, check_suite: { id: 1 }, app: appBody(api, run.appId), pull_requests: [],
    output: { title: run.title, summary: run.summary, text: run.text, annotations_count: 0, annotations_url: `${url}/annotations` },
  };
}

interface CheckRunRequest {
  readonly name?: string;
  readonly head_sha?: string;
  readonly external_id?: string;
  readonly status?: string;
  readonly conclusion?: string;
  readonly started_at?: string;
  readonly completed_at?: string;
  readonly details_url?: string;
  readonly output?: { readonly title?: string; readonly summary: string; readonly text?: string };
}

/** What GitHub's description does not say, and GitHub refuses; and what is certainly not meant. */
function wrongCheckRun({ status, conclusion, details_url: url, output, name = "x" }: CheckRunRequest): string | undefined {
  if ((status === "completed") !== (conclusion !== undefined)) return "conclusion belongs to completed, and completed to a conclusion";
  if (url !== undefined && !/^https?:\/\//.test(url)) return "details_url must use http(s) scheme";
  if (name.trim() === "" || Buffer.byteLength(name) > 255) return "name must have 1 to 255 characters";
  for (const [field, text] of Object.entries(output ?? {})) if (Buffer.byteLength(text) > 65_535) return `${field} exceeds a maximum bytesize of 65535`;
  return output !== undefined && (output.title ?? "").trim() === "" ? "title is missing" : undefined;
}

function withRequest(run: CheckRun, { name, external_id: externalId, status, conclusion, started_at: startedAt, completed_at: completedAt, details_url: detailsUrl, output }: CheckRunRequest): CheckRun {
  const given = { name, externalId, status, startedAt, completedAt, detailsUrl, title: output?.title, summary: output?.summary, text: output?.text };
  return { ...run, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)), conclusion: conclusion ?? (status === undefined ? run.conclusion : null) };
}

export function createCheckRun({ json }: Received, { owner = "", repo = "" }: Parameters, written: Written): Answer {
  const request = json as CheckRunRequest;
  const { head_sha: sha = "" } = request;
  if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(sha)) return refused(`No commit found for SHA: ${sha}`);
  const wrong = wrongCheckRun(request);
  if (wrong !== undefined) return invalid(wrong);
  written.lastId += 1;
  const blank = { externalId: null, status: "queued", conclusion: null, startedAt: moment, completedAt: null, detailsUrl: null, title: null, summary: null, text: null };
  const run = withRequest({ id: written.lastId, appId: written.appId, owner, repo, sha, name: "", ...blank }, request);
  written.checkRuns.push(run);
  return { status: 201, body: checkRunBody(written, run) };
}

export function updateCheckRun({ json }: Received, { owner = "", repo = "", check_run_id: id = "" }: Parameters, written: Written): Answer {
  const request = json as CheckRunRequest;
  const at = written.checkRuns.findIndex((run) => run.id === Number(id) && run.appId === written.appId && run.owner === owner && run.repo === repo);
  const before = written.checkRuns[at];
  if (before === undefined) return notFound;
  const wrong = wrongCheckRun(request);
  if (wrong !== undefined) return invalid(wrong);
  const run = withRequest(before, request);
  written.checkRuns[at] = run;
  return { status: 200, body: checkRunBody(written, run) };
}

const queryOf = ({ path }: Received): URLSearchParams => new URLSearchParams(path.split("?")[1] ?? "");

/** A page, the first being 1, as the query has it. */
function pageOf<Value>(request: Received, all: readonly Value[]): readonly Value[] {
  const query = queryOf(request);
  const size = Math.min(Number(query.get("per_page") ?? 30), 100);
  const from = (Number(query.get("page") ?? 1) - 1) * size;
  return all.slice(from, from + size);
}

export function listCheckRuns(request: Received, { owner = "", repo = "", ref = "" }: Parameters, written: Written): Answer {
  const query = queryOf(request);
  const of = (run: CheckRun): boolean =>
    run.owner === owner && run.repo === repo && run.sha === ref && run.name === (query.get("check_name") ?? run.name) && run.appId === Number(query.get("app_id") ?? run.appId);
  const all = written.checkRuns.filter(of).toReversed();
  const shown = query.get("filter") === "all" ? all : all.slice(0, 1);
  return { status: 200, body: { total_count: shown.length, check_runs: pageOf(request, shown).map((run) => checkRunBody(written, run)) } };
}

function commentBody({ api }: Written, { id, owner, repo, issue, body, appId }: Comment): Body {
  const repository = `${api}/repos/${owner}/${repo}`;
  return {
    id, node_id: `IC_${id}`, url: `${repository}/issues/comments/${id}`, html_url: `${api}/html/${owner}/${repo}/pull/${issue}#issuecomment-${id}`, issue_url: `${repository}/issues/${issue}`,
    body, user: userBody(api, appId === null ? "octo-dev" : "tekton-integrations[bot]", 2), created_at: moment, updated_at: moment, author_association: "NONE",
    performed_via_github_app: appId === null ? null : appBody(api, appId),
  };
}

const maxComment = 65_536;

const wrongComment = (body: string): Answer | undefined =>
  body.trim() === "" ? invalid("body can't be blank", "body") : Buffer.byteLength(body) > maxComment ? invalid("body is too long (maximum is 65536 characters)", "body") : undefined;

export function createComment({ json }: Received, { owner = "", repo = "", issue_number: issue = "" }: Parameters, written: Written): Answer {
  const { body } = json as { body: string };
  const wrong = wrongComment(body);
  if (wrong !== undefined) return wrong;
  written.lastId += 1;
  const comment = { id: written.lastId, appId: written.appId, owner, repo, issue: Number(issue), body };
  written.comments.push(comment);
  return { status: 201, body: commentBody(written, comment) };
}

export function updateComment({ json }: Received, { owner = "", repo = "", comment_id: id = "" }: Parameters, written: Written): Answer {
  const at = written.comments.findIndex((comment) => comment.id === Number(id) && comment.owner === owner && comment.repo === repo);
  const before = written.comments[at];
  if (before === undefined) return notFound;
  const { body } = json as { body: string };
  const wrong = wrongComment(body);
  if (wrong !== undefined) return wrong;
  const comment = { ...before, body };
  written.comments[at] = comment;
  return { status: 200, body: commentBody(written, comment) };
}

export function listComments(request: Received, { owner = "", repo = "", issue_number: issue = "" }: Parameters, written: Written): Answer {
  const all = written.comments.filter((comment) => comment.owner === owner && comment.repo === repo && comment.issue === Number(issue));
  return { status: 200, body: pageOf(request, all).map((comment) => commentBody(written, comment)) };
}
