import { generateKeyPairSync, type KeyObject, randomBytes, verify } from "node:crypto";
import { appBody, type Body, type CommitStatus, errorBody, installationBody, statusBody, tokenBody, validationBody } from "./github-answers.ts";
import { createCheckRun, createComment, listCheckRuns, listComments, updateCheckRun, updateComment, type CheckRun, type Comment, type Written } from "./github-checks.ts";
import { gitHubContract } from "./github-contract.ts";
import { type Answer, type Received, type Receiver, startReceiver } from "./receivers.ts";

export interface GitHubInstallation {
  readonly id: number;
  readonly owner: string;
  /** Names of the repositories that the App may see. Default: all of the owner's. */
  readonly repositories?: readonly string[];
}

export interface GitHubOptions {
  /** Default 123456. */
  readonly appId?: number;
  /** Default: none; add them here or later. */
  readonly installations?: readonly GitHubInstallation[];
  /** What precedes the paths: `/api/v3` (default) as on GitHub Enterprise Server, or "". */
  readonly prefix?: string;
  /** How long an installation token lives, in milliseconds. Default: an hour. */
  readonly tokenLifeMs?: number;
  readonly port?: number;
}

/**
 * GitHub's REST API as far as an App needs it to set commit statuses and to write check runs and comments. It checks the App's JWT and the installation tokens, and
 * holds every request and every answer of its own against GitHub's published description.
 */
export interface GitHubDouble extends Receiver {
  readonly appId: number;
  /** The App's private key, PKCS#1 in PEM as GitHub hands it out. */
  readonly privateKey: string;
  /** What belongs into a Provider's `baseURL`. */
  readonly baseURL: string;
  /** The accepted commit statuses, in the order of their arrival. */
  readonly statuses: readonly CommitStatus[];
  /** The check runs as they are now, in the order in which they were created. */
  readonly checkRuns: readonly CheckRun[];
  /** The comments as they are now, in the order in which they were written. */
  readonly comments: readonly Comment[];
  /** Somebody else writes a comment: a person, or another App. Gives its id. */
  readonly addComment: (comment: Omit<Comment, "id">) => number;
  readonly deleteComment: (id: number) => void;
  /** Another App creates a check run. */
  readonly addCheckRun: (run: Omit<CheckRun, "id">) => void;
  /** The last status of each context of a commit. */
  readonly latest: (owner: string, repo: string, sha: string) => Record<string, CommitStatus["state"]>;
  /** How many installation tokens were handed out. */
  readonly tokensIssued: () => number;
  /** Makes every token that was handed out invalid. */
  readonly revokeTokens: () => void;
  readonly install: (installation: GitHubInstallation) => void;
  readonly uninstall: (id: number) => void;
  /** What was wrong with requests by GitHub's description or rules, and with answers of this double. */
  readonly violations: readonly string[];
}

interface Token {
  readonly installation: number;
  readonly expiresAt: number;
}

interface State extends Written {
  readonly publicKey: KeyObject;
  readonly tokenLifeMs: number;
  readonly installations: Map<number, GitHubInstallation>;
  readonly tokens: Map<string, Token>;
  readonly statuses: CommitStatus[];
  issued: number;
}

const fail = (status: number, message: string): Answer => ({ status, body: errorBody(status, message) });
const invalid = (message: string, field?: string): Answer => ({ status: 422, body: validationBody(message, field) });
const notFound = fail(404, "Not Found");

function bearer({ headers }: Received): string {
  return /^(?:bearer|token) (.+)$/i.exec(headers["authorization"] ?? "")?.[1] ?? "";
}

function part(text: string | undefined): Body {
  try {
    return JSON.parse(Buffer.from(text ?? "", "base64url").toString("utf8")) as Body;
  } catch {
    return {};
  }
}

/** Why an App's JWT is refused, in GitHub's words where they are known. */
function refusedJwt(jwt: string, { publicKey, appId }: State): string | undefined {
  const [header, payload, signature] = jwt.split(".");
  if (header === undefined || payload === undefined || signature === undefined || part(header)["alg"] !== "RS256") return "A JSON web token could not be decoded";
  if (!verify("RSA-SHA256", Buffer.from(`${header}.${payload}`), publicKey, Buffer.from(signature, "base64url"))) return "A JSON web token could not be decoded";
  const { iss, iat, exp } = part(payload);
  const now = Math.floor(Date.now() / 1000);
  if (String(iss) !== String(appId)) return "'Issuer' claim ('iss') must be an Integer";
  if (typeof iat !== "number" || iat > now) return "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued";
  if (typeof exp !== "number" || exp <= now) return "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires";
  return exp > now + 600 ? "'Expiration time' claim ('exp') is too far in the future" : undefined;
}

function covers(installation: GitHubInstallation | undefined, owner: string, repo: string): boolean {
  if (installation?.owner.toLowerCase() !== owner.toLowerCase()) return false;
  return installation.repositories?.some((name) => name.toLowerCase() === repo.toLowerCase()) ?? true;
}

type Parameters = Readonly<Record<string, string>>;

function asApp(request: Received, state: State, handle: () => Answer): Answer {
  const refused = refusedJwt(bearer(request), state);
  return refused === undefined ? handle() : fail(401, refused);
}

function getInstallation({ owner = "", repo = "" }: Parameters, { api, appId, installations }: State): Answer {
  const found = [...installations.values()].find((installation) => covers(installation, owner, repo));
  return found === undefined ? notFound : { status: 200, body: installationBody(api, appId, found.id, found.owner) };
}

function createToken({ installation_id: id }: Parameters, state: State): Answer {
  if (!state.installations.has(Number(id))) return notFound;
  const token = `ghs_${randomBytes(18).toString("hex")}`;
  const expiresAt = Date.now() + state.tokenLifeMs;
  state.tokens.set(token, { installation: Number(id), expiresAt });
  state.issued += 1;
  return { status: 201, body: tokenBody(token, expiresAt) };
}

interface StatusRequest {
  readonly state: CommitStatus["state"];
  readonly context?: string;
  readonly description?: string | null;
  readonly target_url?: string | null;
}

const maxStatuses = 1000;

/** What an installation's token opens: the repositories of that installation. */
function asInstallation(request: Received, { owner = "", repo = "" }: Parameters, state: State, handle: () => Answer): Answer {
  const token = state.tokens.get(bearer(request));
  if (token === undefined || token.expiresAt <= Date.now()) return fail(401, "Bad credentials");
  return covers(state.installations.get(token.installation), owner, repo) ? handle() : notFound;
}

function createStatus(request: Received, { owner = "", repo = "", sha = "" }: Parameters, state: State): Answer {
  if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(sha)) return fail(422, `No commit found for SHA: ${sha}`);
  const { state: value, context = "default", description = null, target_url: targetUrl = null } = request.json as StatusRequest;
  if ((description ?? "").length > 140) return invalid("description is too long (maximum is 140 characters)", "description");
  if (targetUrl !== null && !/^https?:\/\//.test(targetUrl)) return invalid("target_url must use http(s) scheme", "target_url");
  const same = (status: CommitStatus): boolean => status.sha === sha && status.owner === owner && status.repo === repo && status.context.toLowerCase() === context.toLowerCase();
  if (state.statuses.filter(same).length >= maxStatuses) return invalid("This SHA and context has reached the maximum number of statuses.");
  const status = { id: state.statuses.length + 1, owner, repo, sha, state: value, context, description, targetUrl, at: request.at };
  state.statuses.push(status);
  return { status: 201, body: statusBody(state.api, status) };
}

const operations: Readonly<Record<string, (request: Received, parameters: Parameters, state: State) => Answer>> = {
  "repos/create-commit-status": createStatus,
  "checks/create": createCheckRun,
  "checks/update": updateCheckRun,
  "checks/list-for-ref": listCheckRuns,
  "issues/create-comment": createComment,
  "issues/update-comment": updateComment,
  "issues/list-comments": listComments,
};

function handle(operation: string, parameters: Parameters, request: Received, state: State): Answer {
  const act = operations[operation];
  if (act !== undefined) return asInstallation(request, parameters, state, () => act(request, parameters, state));
  switch (operation) {
    case "apps/get-authenticated":
      return asApp(request, state, () => ({ status: 200, body: appBody(state.api, state.appId) }));
    case "apps/get-repo-installation":
      return asApp(request, state, () => getInstallation(parameters, state));
    case "apps/create-installation-access-token":
      return asApp(request, state, () => createToken(parameters, state));
    default:
      return fail(501, `this double does not play ${operation}`);
  }
}

/** Starts the double on 127.0.0.1. Whoever passes the key on needs {@link GitHubDouble.privateKey}. */
export async function startGitHub(options: GitHubOptions = {}): Promise<GitHubDouble> {
  const contract = gitHubContract();
  const prefix = options.prefix ?? "/api/v3";
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const violations: string[] = [];
  const state: State = {
    api: `https://github.example.com${prefix}`,
    appId: options.appId ?? 123_456,
    publicKey,
    tokenLifeMs: options.tokenLifeMs ?? 3_600_000,
    installations: new Map((options.installations ?? []).map((installation) => [installation.id, installation])),
    tokens: new Map(),
    statuses: [],
    checkRuns: [],
    comments: [],
    lastId: 1000,
    issued: 0,
  };
  const respond = (request: Received): Answer => {
    const where = `${request.method} ${request.path}`;
    const [path = ""] = request.path.split("?");
    const matched = path.startsWith(prefix) ? contract.match(request.method, path.slice(prefix.length)) : undefined;
    if (matched === undefined) {
      violations.push(`${where}: no such operation under ${prefix === "" ? "/" : prefix}`);
      return notFound;
    }
    const wrong = contract.wrongRequest(matched.name, request.body === "" ? undefined : request.json);
    if (wrong !== undefined) {
      violations.push(`${where}: ${wrong}`);
      return invalid(wrong);
    }
    const answer = handle(matched.name, matched.parameters, request, state);
    if (answer.status === 422) violations.push(`${where}: ${JSON.stringify(answer.body)}`);
    const wrongAnswer = answer.status < 300 ? contract.wrongAnswer(matched.name, answer.status, answer.body) : undefined;
    if (wrongAnswer !== undefined) violations.push(`${where}: the answer of this double is wrong: ${wrongAnswer}`);
    return answer;
  };
  const receiver = await startReceiver({ respond, ...(options.port === undefined ? {} : { port: options.port }) });
  return {
    ...receiver,
    appId: state.appId,
    privateKey: privateKey.export({ type: "pkcs1", format: "pem" }).toString(),
    baseURL: `${receiver.url}${prefix}`,
    statuses: state.statuses,
    checkRuns: state.checkRuns,
    comments: state.comments,
    addComment: (comment) => {
      state.lastId += 1;
      state.comments.push({ ...comment, id: state.lastId });
      return state.lastId;
    },
    deleteComment: (id) => {
      state.comments.splice(state.comments.findIndex((comment) => comment.id === id), 1);
    },
    addCheckRun: (run) => {
      state.lastId += 1;
      state.checkRuns.push({ ...run, id: state.lastId });
    },
    latest: (owner, repo, sha) =>
      Object.fromEntries(state.statuses.filter((status) => status.owner === owner && status.repo === repo && status.sha === sha).map(({ context, state: value }) => [context, value])),
    tokensIssued: () => state.issued,
    revokeTokens: () => {
      state.tokens.clear();
    },
    install: (installation) => {
      state.installations.set(installation.id, installation);
    },
    uninstall: (id) => {
      state.installations.delete(id);
    },
    violations,
  };
}
