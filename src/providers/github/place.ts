import { commitPatterns, withoutGitSuffix } from "../../api/commit.ts";
import { annotations } from "../../api/group.ts";
import { cutToBytes } from "../../api/text.ts";
import type { RenderInput } from "../provider.ts";
import { oneLine } from "../text.ts";
import type { GitHubNotification, GitHubProvider } from "./config.ts";
import type { Report } from "./states.ts";

export type Input = RenderInput<GitHubProvider, GitHubNotification>;

/** GitHub takes at most 255 characters of context; bytes are the stricter way to count them. */
const maxContextBytes = 255;

/** Longer than anything that fits where a template stands. */
const maxTemplateBytes = 1024;

/** Where a report goes. */
export interface Place {
  readonly report: Report;
  readonly owner: string;
  readonly repo: string;
  /** The commit's hash; for a comment, the number of the pull request. */
  readonly subject: string;
  readonly context: string;
}

interface ReportPlace {
  /** Of the message; a run has one report of each kind at a time. */
  readonly key: string;
  /** What the subject is called. */
  readonly part: "sha" | "pullRequest";
}

const places: Readonly<Record<Report, ReportPlace>> = {
  CommitStatus: { key: "status", part: "sha" },
  CheckRun: { key: "check-run", part: "sha" },
  PullRequestComment: { key: "comment", part: "pullRequest" },
};

interface PlacePattern {
  /** For people. */
  readonly what: string;
  readonly isPart: (value: string) => boolean;
}

/** What the parts of a place look like. */
export const placePatterns: Readonly<Record<"owner" | "repo" | "sha" | "pullRequest", PlacePattern>> = {
  owner: { what: "the name of an owner at GitHub", isPart: (value) => commitPatterns.owner.test(value) },
  repo: { what: "the name of a repository at GitHub, without its owner", isPart: (value) => commitPatterns.repo.test(withoutGitSuffix(value)) },
  sha: { what: "the full hash of a commit, 40 or 64 hexadecimal digits", isPart: (value) => commitPatterns.sha.test(value) },
  pullRequest: { what: "the number of a pull request", isPart: (value) => /^[1-9][0-9]{0,9}$/.test(value) },
};

/** The key of a report's message. */
export const keyOf = (report: Report): string => places[report].key;

/** The place as it is kept in the Delivery. */
export function targetOf({ report, owner, repo, subject, context }: Place): Readonly<Record<string, string>> {
  return { owner, repo, [places[report].part]: subject, context, ...(report !== "CommitStatus" && { report }) };
}

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

/** A part of the place: the Notification's template where it is set, else what the annotations say. What does not fit is as good as absent. */
export function partOf({ event, template }: Input, part: keyof typeof placePatterns): string | undefined {
  const value = template(part, maxTemplateBytes) ?? event.commit[part]?.toString();
  if (value === undefined || !placePatterns[part].isPart(value)) return undefined;
  return part === "repo" ? withoutGitSuffix(value) : value;
}

/** A place that stands on record; undefined when it is not one that could have been recorded. */
function recordedPlace(report: Report, target: Readonly<Record<string, string>> | undefined): Place | undefined {
  const { part } = places[report];
  const { owner = "", repo = "", context = "", [part]: subject = "" } = target ?? {};
  const valid = placePatterns.owner.isPart(owner) && placePatterns.repo.isPart(repo) && placePatterns[part].isPart(subject) && context !== "";
  return valid ? { report, owner, repo, subject, context } : undefined;
}

/** Where the run and the Notification say that a report goes. */
function ownPlace(input: Input, report: Report): Place | "NoCommit" | "NoPullRequest" {
  const { part } = places[report];
  const [owner, repo, subject] = [partOf(input, "owner"), partOf(input, "repo"), partOf(input, part)];
  if (owner === undefined || repo === undefined || (subject === undefined && part === "sha")) return "NoCommit";
  return subject === undefined ? "NoPullRequest" : { report, owner, repo, subject, context: contextOf(input) };
}

/** A place where a report was begun. A record leads into no repository that the run does not name. */
export function begunPlace(input: Input, report: Report): Place | undefined {
  const begun = recordedPlace(report, input.sentBefore(keyOf(report)).target);
  const agrees = (part: "owner" | "repo"): boolean => (partOf(input, part)?.toLowerCase() ?? begun?.[part].toLowerCase()) === begun?.[part].toLowerCase();
  return begun !== undefined && agrees("owner") && agrees("repo") ? begun : undefined;
}

/** Where a report of the run's state goes, or the word for why it goes nowhere. */
export function placeOf(input: Input, report: Report): Place | "NoCommit" | "NoPullRequest" {
  // Of a run that is gone little may be left, and what was begun must be ended in the same place.
  const begun = input.event.deleted ? begunPlace(input, report) : undefined;
  return begun ?? ownPlace(input, report);
}
