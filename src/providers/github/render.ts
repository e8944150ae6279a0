import { redacted, type Message, type Rendered, type SentBefore } from "../provider.ts";
import { checkRunBody } from "./check-run.ts";
import { commentBody } from "./comment.ts";
import { commitStatusBody } from "./commit-status.ts";
import { begunPlace, keyOf, placeOf, targetOf, type Input, type Place } from "./place.ts";
import { mayReport } from "./repositories.ts";
import { reports, type Report } from "./states.ts";
import { idIn, repositoryUrl } from "./urls.ts";

/** The header that asks for the version of the API this code was written for. */
const apiVersionHeader = "2022-11-28";

interface Content {
  readonly method: "POST" | "PATCH";
  /** Below the repository. */
  readonly path: string;
  readonly body: unknown;
}

/** What is to be written: anew, or over what was written before. */
function contentOf(input: Input, { report, subject, context }: Place, ref: string | undefined): Content {
  switch (report) {
    case "CommitStatus":
      return { method: "POST", path: `/statuses/${subject}`, body: commitStatusBody(input, context) };
    case "CheckRun": {
      const body = checkRunBody(input, context);
      return ref === undefined ? { method: "POST", path: "/check-runs", body: { ...body, head_sha: subject } } : { method: "PATCH", path: `/check-runs/${ref}`, body };
    }
    case "PullRequestComment": {
      const body = commentBody(input, context);
      return ref === undefined ? { method: "POST", path: `/issues/${subject}/comments`, body } : { method: "PATCH", path: `/issues/comments/${ref}`, body };
    }
  }
}

function messageOf(input: Input, place: Place): Message {
  const { event, provider, sentBefore } = input;
  const key = keyOf(place.report);
  const ref = place.report === "CommitStatus" ? undefined : idIn(sentBefore(key).externalRef);
  const { method, path, body } = contentOf(input, place, ref);
  const runCreatedAt = event.run.metadata?.creationTimestamp;
  return {
    key,
    // Each installation has rate limits of its own.
    lane: place.owner.toLowerCase(),
    target: targetOf(place),
    ...(runCreatedAt !== undefined && { runCreatedAt }),
    ...(place.report === "CheckRun" && ref !== undefined && { placeOfItsOwn: true }),
    request: {
      method,
      url: `${repositoryUrl(provider, place)}${path}`,
      headers: { accept: "application/vnd.github+json", authorization: redacted, "content-type": "application/json; charset=utf-8", "x-github-api-version": apiVersionHeader },
      body,
    },
  };
}

const nothing = {
  NoCommit: "the run names no commit: set the annotations integrations.tekton.ornew.io/github-owner, github-repo and github-sha, or owner, repo and sha in the Notification's githubApp (docs/providers/github.md lists the others)",
  NoPullRequest: "the run names no pull request: set pullRequest in the Notification's githubApp, where Pipelines-as-Code does not name it",
  RepositoryNotAllowed: "the Provider's githubApp.repositories do not let runs of this namespace report to the repository that the run names",
} as const;

const isBegun = ({ sentStatus }: SentBefore): boolean => sentStatus === "Pending" || sentStatus === "Running";

/** Where another report was begun, which the Notification asked for before it was edited, and which would never end. */
function placesLeftOpen(input: Input, report: Report): readonly Place[] {
  const { event, sentBefore } = input;
  if (!event.terminal) return [];
  const begun = reports.filter((other) => other !== report && isBegun(sentBefore(keyOf(other))));
  return begun.map((other) => begunPlace(input, other)).filter((place) => place !== undefined);
}

/** The report of a run's state, or why there is none. */
export function render(input: Input): Rendered {
  const { event, provider, providerNamespace, notification } = input;
  const report = notification.report ?? "CommitStatus";
  const isAllowed = (place: Place): boolean => mayReport(provider, providerNamespace, event.namespace, place);
  const place = placeOf(input, report);
  const open = placesLeftOpen(input, report).filter(isAllowed);
  const refusal = typeof place === "string" ? place : isAllowed(place) ? undefined : "RepositoryNotAllowed";
  if (refusal !== undefined && open.length === 0) return { nothing: { reason: refusal, message: nothing[refusal] } };
  return { messages: [...(typeof place === "string" || refusal !== undefined ? [] : [place]), ...open].map((each) => messageOf(input, each)) };
}
