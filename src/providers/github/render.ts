import { commitPatterns } from "../../api/commit.ts";
import { annotations } from "../../api/group.ts";
import type { RunEvent, RunStatus } from "../../api/run-event.ts";
import { cutToBytes, shorten } from "../../api/text.ts";
import { oneLine } from "../text.ts";
import { redacted, type Rendered, type RenderInput } from "../provider.ts";
import type { GitHubNotification, GitHubProvider } from "./config.ts";

/** The states of GitHub's commit statuses. */
type CommitState = "pending" | "success" | "failure" | "error";

const states: Readonly<Record<RunStatus, CommitState>> = {
  Pending: "pending",
  Running: "pending",
  Succeeded: "success",
  Failed: "failure",
  Cancelled: "error",
  TimedOut: "failure",
};

/** The commit state of a run's status (the table in docs/providers/github.md). */
export const commitState = (status: RunStatus): CommitState => states[status];

/** Reasons that say the run itself was wrong, not what it tested. GitHub calls that `error`. */
const faultOfTheRun = /^(Couldnt|Invalid|Parameter|Param|Object|Required|CreateRunFailed|PipelineValidationFailed|PipelineInvalidGraph|TaskRunValidationFailed|TaskValidationFailed|TaskRunResolutionFailed|ResourceVerificationFailed|CELEvaluationFailed)/;

/** A run has one commit status at a time. */
const messageKey = "status";

/** GitHub takes at most 140 characters of description; UTF-16 units are the stricter way to count them. */
const maxDescription = 140;

/** GitHub takes at most 255 characters of context; bytes are the stricter way to count them. */
const maxContextBytes = 255;

/** Longer than anything that fits where a template stands. */
const maxTemplateBytes = 1024;

/** The API's default address. */
const publicApi = "https://api.github.com";

/** Where the REST API is, without a slash at the end. */
export const apiBase = (provider: GitHubProvider): string => (provider.baseURL ?? publicApi).replace(/\/+$/, "");

/** The header that asks for the version of the API this code was written for. */
const apiVersionHeader = "2022-11-28";

type Input = RenderInput<GitHubProvider, GitHubNotification>;

function contextOf({ event, template }: Input): string {
  const chosen = oneLine(template("context", maxTemplateBytes) ?? "");
  if (event.parent !== undefined) {
    // A child writes beside its parent, never over it. Tekton copies annotations to children, so the context-id here is the parent's.
    const beside = chosen === "" && event.pipeline !== "" ? `tekton: ${event.pipeline}` : chosen;
    const task = event.pipelineTask ?? event.name;
    return cutToBytes(beside === "" ? `tekton: ${task}` : `${beside} / ${task}`, maxContextBytes);
  }
  if (chosen !== "") return cutToBytes(chosen, maxContextBytes);
  const [named = event.name] = [oneLine(event.annotations[annotations.contextId] ?? ""), event.pipeline].filter((name) => name !== "");
  return cutToBytes(`tekton: ${named}`, maxContextBytes);
}

function stateOf(event: RunEvent): CommitState {
  return event.status === "Failed" && faultOfTheRun.test(event.reason) ? "error" : commitState(event.status);
}

function descriptionOf(event: RunEvent): string {
  const parts = [oneLine(event.reason) === "" ? event.status : oneLine(event.reason), oneLine(event.message)].filter((part) => part !== "");
  return shorten(parts.join(": "), maxDescription);
}

interface Place {
  readonly owner: string;
  readonly repo: string;
  readonly sha: string;
  readonly context: string;
}

/** A part of the commit: the Notification's template where it is set, else what the annotations say. What does not fit is as good as absent. */
function partOf({ event, template }: Input, part: keyof typeof commitPatterns): string | undefined {
  const value = template(part, maxTemplateBytes) ?? event.commit[part];
  return value !== undefined && commitPatterns[part].test(value) ? value : undefined;
}

/** A place that stands on record; undefined when it is not one that could have been recorded. */
function recordedPlace(target: Readonly<Record<string, string>> | undefined): Place | undefined {
  const { owner = "", repo = "", sha = "", context = "" } = target ?? {};
  const valid = commitPatterns.owner.test(owner) && commitPatterns.repo.test(repo) && commitPatterns.sha.test(sha) && context !== "";
  return valid ? { owner, repo, sha, context } : undefined;
}

/** Where the run and the Notification say that the status goes. */
function ownPlace(input: Input): Place | undefined {
  const [owner, repo, sha] = [partOf(input, "owner"), partOf(input, "repo"), partOf(input, "sha")];
  return owner === undefined || repo === undefined || sha === undefined ? undefined : { owner, repo, sha, context: contextOf(input) };
}

const sameRepository = (a: Place, b: Place): boolean => a.owner.toLowerCase() === b.owner.toLowerCase() && a.repo.toLowerCase() === b.repo.toLowerCase();

function placeOf(input: Input): Place | undefined {
  const { event, sentBefore } = input;
  const own = ownPlace(input);
  // Of a run that is gone little may be left, and what was begun must be ended in the same place; but a record leads into no repository that a run does not name.
  const begun = event.deleted ? recordedPlace(sentBefore(messageKey).target) : undefined;
  return begun !== undefined && (own === undefined || sameRepository(own, begun)) ? begun : own;
}

/** The commit status of a run's state, or why there is none. */
export function render(input: Input): Rendered {
  const { event, provider } = input;
  const place = placeOf(input);
  if (place === undefined) {
    return {
      nothing: {
        reason: "NoCommit",
        message: "the run names no commit: set the annotations integrations.tekton.ornew.io/github-owner, github-repo and github-sha, or owner, repo and sha in the Notification's githubApp (docs/providers/github.md lists the others)",
      },
    };
  }
  const { owner, repo, sha, context } = place;
  return {
    messages: [
      {
        key: messageKey,
        // Each installation has rate limits of its own.
        lane: owner.toLowerCase(),
        target: { ...place },
        request: {
          method: "POST",
          url: `${apiBase(provider)}/repos/${owner}/${repo}/statuses/${sha}`,
          headers: {
            accept: "application/vnd.github+json",
            authorization: redacted,
            "content-type": "application/json; charset=utf-8",
            "x-github-api-version": apiVersionHeader,
          },
          body: {
            state: stateOf(event),
            context,
            description: descriptionOf(event),
            ...(event.url !== undefined && { target_url: event.url }),
          },
        },
      },
    ],
  };
}
