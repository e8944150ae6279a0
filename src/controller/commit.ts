import { commitPatterns, withoutGitSuffix } from "../api/commit.ts";
import { annotations as own } from "../api/group.ts";
import type { RunEvent } from "../api/run-event.ts";
import { webUrl } from "../api/web-url.ts";

type Commit = RunEvent["commit"];
type Annotations = Readonly<Record<string, string>>;

const valid = (value: string | undefined, pattern: RegExp): string | undefined => (value !== undefined && pattern.test(value) ? value : undefined);

/** Owner and name from the URL of a repository, in the https or the ssh form. */
function fromRepositoryUrl(value: string | undefined): { owner?: string; repo?: string } {
  const path = value === undefined ? undefined : (URL.parse(value)?.pathname ?? /^[^@\s]+@[^:\s]+:(.+)$/.exec(value)?.[1]);
  const [owner, name, ...rest] = (path ?? "").replace(/^\/+|\/+$/g, "").split("/");
  return rest.length > 0 ? {} : { ...(owner !== undefined && { owner }), ...(name !== undefined && { repo: name }) };
}

interface Place {
  readonly owner: string | undefined;
  readonly repo: string | undefined;
  readonly sha: string | undefined;
}

const pac = "pipelinesascode.tekton.dev";

/** Where annotations name a commit, in the order in which they are believed. */
const places: readonly ((annotations: Annotations) => Place)[] = [
  (a) => ({ owner: a[own.githubOwner], repo: a[own.githubRepo], sha: a[own.githubSha] }),
  (a) => ({ owner: a[`${pac}/url-org`], repo: a[`${pac}/url-repository`], sha: a[`${pac}/sha`] }),
  (a) => ({ owner: undefined, repo: undefined, ...fromRepositoryUrl(a[`${pac}/repo-url`]), sha: a[`${pac}/sha`] }),
  (a) => ({ owner: a["github.integrations.tekton.dev/owner"], repo: a["github.integrations.tekton.dev/repo"], sha: a["github.integrations.tekton.dev/commit"] }),
  (a) => ({ owner: undefined, repo: undefined, ...fromRepositoryUrl(a["tekton.dev/git-repo"]), sha: a["tekton.dev/git-revision"] }),
  (a) => ({ owner: undefined, repo: undefined, ...fromRepositoryUrl(a["tekton.dev/gitURL"]), sha: a["tekton.dev/gitRevision"] }),
];

/**
 * The commit that annotations name. They are hostile input: a value that does not fit is as good as absent. The first
 * place that names a whole commit wins; where none does, the first that names anything.
 */
export function commitOf(annotations: Annotations): Commit {
  const found = places.map((read) => {
    const { owner, repo, sha } = read(annotations);
    return { owner: valid(owner, commitPatterns.owner), repo: valid(repo === undefined ? undefined : withoutGitSuffix(repo), commitPatterns.repo), sha: valid(sha, commitPatterns.sha) };
  });
  const whole = found.find(({ owner, repo, sha }) => owner !== undefined && repo !== undefined && sha !== undefined);
  const some = whole ?? found.find(({ owner, repo, sha }) => owner ?? repo ?? sha);
  const pullRequest = valid(annotations[`${pac}/pull-request`], /^[1-9][0-9]{0,9}$/);
  const branch = valid((annotations[`${pac}/source-branch`] ?? annotations[`${pac}/branch`])?.replace(/^refs\/heads\//, ""), /^[^\p{Cc}\s]{1,255}$/u);
  const url = webUrl(annotations[`${pac}/sha-url`]);
  const author = valid(annotations[`${pac}/sender`], /^[^\p{Cc}]{1,100}$/u);
  return {
    ...(some?.owner !== undefined && { owner: some.owner }),
    ...(some?.repo !== undefined && { repo: some.repo }),
    ...(some?.sha !== undefined && { sha: some.sha }),
    ...(branch !== undefined && { branch }),
    ...(pullRequest !== undefined && { pullRequest: Number(pullRequest) }),
    ...(url !== undefined && { url }),
    ...(author !== undefined && { author }),
  };
}
