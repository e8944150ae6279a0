import assert from "node:assert/strict";
import { createSign, generateKeyPairSync } from "node:crypto";
import { test, type TestContext } from "node:test";
import { App } from "@octokit/app";
import { Octokit } from "@octokit/core";
import { type GitHubDouble, type GitHubOptions, startGitHub } from "./github-double.ts";

const sha = "dcdb856af5512ff59d4fbe11a353b86d3cf2a75a";
const commit = { owner: "harbour-works", repo: "crane-console", sha };

async function github(t: TestContext, options: GitHubOptions = {}): Promise<GitHubDouble> {
  const started = await startGitHub({ installations: [{ id: 77, owner: "harbour-works", repositories: ["crane-console"] }], ...options });
  t.after(() => started.close());
  return started;
}

/** GitHub's own client, as an App. */
function app({ appId, privateKey, baseURL }: GitHubDouble, key = privateKey): App {
  return new App({ appId, privateKey: key, Octokit: Octokit.defaults({ baseUrl: baseURL }) });
}

function jwt(claims: Record<string, unknown>, key: string): string {
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${encode({ alg: "RS256", typ: "JWT" })}.${encode(claims)}`;
  return `${signed}.${createSign("RSA-SHA256").update(signed).sign(key).toString("base64url")}`;
}

async function token({ baseURL, privateKey, appId }: GitHubDouble): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const headers = { authorization: `Bearer ${jwt({ iss: appId, iat: now, exp: now + 300 }, privateKey)}` };
  const response = await fetch(`${baseURL}/app/installations/77/access_tokens`, { method: "POST", headers });
  return ((await response.json()) as { token: string }).token;
}

async function setStatus({ baseURL }: GitHubDouble, bearer: string, body: unknown, { owner, repo, sha: ref } = commit): Promise<{ status: number; body: Record<string, unknown> }> {
  const headers = { authorization: `token ${bearer}`, "content-type": "application/json" };
  const response = await fetch(`${baseURL}/repos/${owner}/${repo}/statuses/${ref}`, { method: "POST", headers, body: JSON.stringify(body) });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

for (const prefix of ["/api/v3", ""]) {
  test(`GitHub's own client finds the installation, gets a token and sets statuses under "${prefix}"`, async (t) => {
    const double = await github(t, { prefix });
    const client = app(double);
    assert.equal((await client.octokit.request("GET /app")).data?.id, double.appId);
    const installation = await client.octokit.request("GET /repos/{owner}/{repo}/installation", commit);
    assert.equal(installation.data.id, 77);
    const octokit = await client.getInstallationOctokit(77);
    for (const state of ["pending", "failure"] as const) {
      const { status } = await octokit.request("POST /repos/{owner}/{repo}/statuses/{sha}", { ...commit, state, context: "ci/build", description: "Failed" });
      assert.equal(status, 201);
    }
    assert.deepEqual(double.statuses.map(({ state, context }) => [state, context]), [["pending", "ci/build"], ["failure", "ci/build"]]);
    assert.deepEqual(double.latest("harbour-works", "crane-console", sha), { "ci/build": "failure" });
    assert.equal(double.tokensIssued(), 1);
    assert.deepEqual(double.violations, []);
  });
}

test("another App's key is refused", async (t) => {
  const double = await github(t);
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const client = app(double, privateKey.export({ type: "pkcs1", format: "pem" }).toString());
  await assert.rejects(client.octokit.request("GET /repos/{owner}/{repo}/installation", commit), /A JSON web token could not be decoded/);
});

const now = Math.floor(Date.now() / 1000);
const badClaims: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
  ["another issuer", { iss: 1, iat: now, exp: now + 300 }, /'Issuer' claim/],
  ["an issue in the future", { iss: 123456, iat: now + 3600, exp: now + 3900 }, /'Issued at' claim/],
  ["an end in the past", { iss: 123456, iat: now - 600, exp: now - 1 }, /'Expiration time' claim/],
  ["more than ten minutes", { iss: 123456, iat: now, exp: now + 3600 }, /too far in the future/],
];
for (const [name, claims, message] of badClaims) {
  test(`a JWT with ${name} is refused`, async (t) => {
    const double = await github(t);
    const response = await fetch(`${double.baseURL}/app`, { headers: { authorization: `Bearer ${jwt(claims, double.privateKey)}` } });
    assert.equal(response.status, 401);
    assert.match(((await response.json()) as { message: string }).message, message);
  });
}

test("a token is good until it ends, is revoked, or its installation goes", async (t) => {
  const double = await github(t);
  const first = await token(double);
  assert.equal((await setStatus(double, first, { state: "success" })).status, 201);
  double.revokeTokens();
  assert.deepEqual((await setStatus(double, first, { state: "success" })).body["message"], "Bad credentials");
  const second = await token(double);
  double.uninstall(77);
  assert.equal((await setStatus(double, second, { state: "success" })).status, 404);
  double.install({ id: 77, owner: "harbour-works" });
  assert.equal((await setStatus(double, second, { state: "success" })).status, 201);
  assert.equal((await setStatus(await github(t, { tokenLifeMs: 0 }), second, { state: "success" })).status, 401);
});

test("a repository that the App may not see is not found", async (t) => {
  const double = await github(t);
  const bearer = await token(double);
  assert.equal((await setStatus(double, bearer, { state: "success" }, { ...commit, repo: "other" })).status, 404);
  assert.equal((await setStatus(double, bearer, { state: "success" }, { ...commit, owner: "other" })).status, 404);
  assert.deepEqual(double.statuses, []);
});

const badStatuses: readonly (readonly [string, unknown, RegExp])[] = [
  ["no state", { context: "x" }, /required property 'state'/],
  ["a state that is none of GitHub's", { state: "running" }, /state must be equal to one of the allowed values/],
  ["a misspelt field", { state: "success", targetUrl: "https://example.com" }, /unknown fields targetUrl/],
  ["a description over 140 characters", { state: "success", description: "x".repeat(141) }, /description is too long/],
  ["a target that is no web address", { state: "success", target_url: "javascript:alert(1)" }, /http\(s\) scheme/],
];
for (const [name, body, violation] of badStatuses) {
  test(`a status with ${name} is refused and noted`, async (t) => {
    const double = await github(t);
    assert.equal((await setStatus(double, await token(double), body)).status, 422);
    assert.deepEqual(double.statuses, []);
    assert.equal(double.violations.length, 1);
    assert.match(double.violations[0] ?? "", violation);
  });
}

test("a call that GitHub does not have is not found and noted", async (t) => {
  const double = await github(t);
  assert.equal((await fetch(`${double.url}/repos/a/b/installation`)).status, 404);
  assert.match(double.violations[0] ?? "", /no such operation under \/api\/v3/);
});

test("a lost answer leaves an accepted status", async (t) => {
  const double = await github(t);
  const bearer = await token(double);
  double.misbehave(({ path }) => (path.includes("/statuses/") ? { loseAnswer: true } : undefined), 1);
  await assert.rejects(setStatus(double, bearer, { state: "success" }));
  assert.equal((await setStatus(double, bearer, { state: "success" })).status, 201);
  assert.equal(double.statuses.length, 2);
});

/** Requests of an installation's token; the answer with its body. */
async function as({ baseURL }: GitHubDouble, bearer: string, method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  const headers = { authorization: `token ${bearer}`, "content-type": "application/json" };
  const response = await fetch(`${baseURL}${path}`, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
  return { status: response.status, body: await response.json() };
}

const repository = "/repos/harbour-works/crane-console";
const check = { name: "build", head_sha: sha, external_id: "e1", status: "in_progress", output: { title: "Running", summary: "s" } };

test("a check run is created, updated and listed, as GitHub's description has it", async (t) => {
  const double = await github(t);
  const bearer = await token(double);
  const created = await as(double, bearer, "POST", `${repository}/check-runs`, check);
  const { id } = created.body as { id: number };
  assert.equal(created.status, 201);
  assert.equal((await as(double, bearer, "PATCH", `${repository}/check-runs/${id}`, { status: "completed", conclusion: "failure", output: { title: "Failed", summary: "s", text: "t" } })).status, 200);
  assert.equal((await as(double, bearer, "PATCH", `${repository}/check-runs/1`, { status: "queued" })).status, 404);
  await as(double, bearer, "POST", `${repository}/check-runs`, { ...check, external_id: "e2" });
  double.addCheckRun({ ...(double.checkRuns[0] ?? assert.fail()), appId: 999 });
  const listed = async (query: string): Promise<unknown> => ((await as(double, bearer, "GET", `${repository}/commits/${sha}/check-runs?${query}`)).body as { check_runs: { external_id: string }[] }).check_runs.map(({ external_id: of }) => of);
  assert.deepEqual(await listed(`check_name=build&filter=all&app_id=${double.appId}`), ["e2", "e1"]);
  assert.deepEqual(await listed(`check_name=build&app_id=${double.appId}`), ["e2"], "the latest only, unless all are asked for");
  assert.deepEqual(await listed(`filter=all&app_id=${double.appId}&per_page=1&page=2`), ["e1"]);
  assert.deepEqual(await listed("check_name=other&filter=all"), []);
  assert.deepEqual(double.checkRuns.map(({ status, conclusion }) => [status, conclusion]), [["completed", "failure"], ["in_progress", null], ["completed", "failure"]]);
  assert.deepEqual(double.violations, []);
});

const badChecks: readonly (readonly [string, unknown, RegExp])[] = [
  ["no commit", { ...check, head_sha: "main" }, /No commit found/],
  ["a completion without a conclusion", { ...check, status: "completed" }, /conclusion belongs to completed/],
  ["a conclusion before it is completed", { ...check, conclusion: "success" }, /conclusion belongs to completed/],
  ["a conclusion that is none of GitHub's", { ...check, status: "completed", conclusion: "cancelled_by_us" }, /conclusion must be equal to one of the allowed values/],
  ["a summary of too many bytes", { ...check, output: { title: "x", summary: "é".repeat(40_000) } }, /summary exceeds a maximum/],
  ["no title", { ...check, output: { title: " ", summary: "x" } }, /title is missing/],
  ["a field of another operation", { ...check, sha }, /unknown fields sha/],
];
for (const [name, body, violation] of badChecks) {
  test(`a check run with ${name} is refused and noted`, async (t) => {
    const double = await github(t);
    assert.equal((await as(double, await token(double), "POST", `${repository}/check-runs`, body)).status, 422);
    assert.equal(double.checkRuns.length, 0);
    assert.match(double.violations.join(), violation);
  });
}

test("a comment is written, edited, listed and deleted, as GitHub's description has it", async (t) => {
  const double = await github(t);
  const bearer = await token(double);
  const { id } = (await as(double, bearer, "POST", `${repository}/issues/42/comments`, { body: "first" })).body as { id: number };
  double.addComment({ appId: null, owner: "harbour-works", repo: "crane-console", issue: 42, body: "a person's" });
  assert.equal((await as(double, bearer, "PATCH", `${repository}/issues/comments/${id}`, { body: "second" })).status, 200);
  const listed = async (query = ""): Promise<unknown> =>
    ((await as(double, bearer, "GET", `${repository}/issues/42/comments${query}`)).body as { body: string; performed_via_github_app: { id: number } | null }[]).map(({ body, performed_via_github_app: app }) => [body, app?.id]);
  assert.deepEqual(await listed(), [["second", double.appId], ["a person's", undefined]]);
  assert.deepEqual(await listed("?per_page=1&page=2"), [["a person's", undefined]]);
  double.deleteComment(id);
  assert.equal((await as(double, bearer, "PATCH", `${repository}/issues/comments/${id}`, { body: "third" })).status, 404);
  assert.deepEqual(double.violations, []);
  assert.equal((await as(double, bearer, "POST", `${repository}/issues/42/comments`, { body: " " })).status, 422);
  assert.match(double.violations.join(), /body can't be blank/);
});

test("check runs and comments are those of the installation's repositories", async (t) => {
  const double = await github(t);
  const bearer = await token(double);
  for (const path of ["/repos/harbour-works/other", "/repos/other/crane-console"]) {
    assert.equal((await as(double, bearer, "POST", `${path}/check-runs`, check)).status, 404);
    assert.equal((await as(double, bearer, "POST", `${path}/issues/1/comments`, { body: "x" })).status, 404);
    assert.equal((await as(double, "none", "GET", `${path}/issues/1/comments`)).status, 401);
  }
});
