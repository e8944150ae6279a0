import { Type, type Static } from "typebox";
import { atomicList, namespaceName, oneWordOf, secretKeyRef, setOf, text } from "../../api/schema.ts";
import { runStatuses } from "../../api/run-event.ts";
import { defineProvider, secretOf, type SectionProblem } from "../provider.ts";
import { checkBaseUrl, urlsAt } from "../url.ts";
import { placePatterns } from "./place.ts";
import { render } from "./render.ts";
import { maxNamespaces, maxRepositories } from "./repositories.ts";
import { reports, serviceState } from "./states.ts";

const repository = Type.Object(
  {
    match: text(140, {
      description: "The repositories, written `owner/name`; a `*` stands for any characters but a slash, and capitals make no difference.",
      examples: ["example-org/*-api"],
      pattern: "^[A-Za-z0-9_*-]{1,39}/[A-Za-z0-9._*-]{1,100}$",
    }),
    namespaces: Type.Optional(
      setOf(namespaceName({ description: "Name of a namespace." }), { minItems: 1, maxItems: maxNamespaces, description: "Whose runs may report to them. When left out: those of the Provider's own namespace." }),
    ),
  },
  { description: "Repositories, and the namespaces whose runs may report to them." },
);

const providerSection = Type.Object(
  {
    appId: Type.Integer({ minimum: 1, maximum: 2 ** 53 - 1, description: "The App ID of the GitHub App.", examples: [123456] }),
    privateKey: secretKeyRef("private-key.pem", "the private key of the GitHub App"),
    baseURL: Type.Optional(
      text(2048, {
        description: "URL of the REST API of a GitHub Enterprise Server. When left out: https://api.github.com.",
        examples: ["https://github.example.com/api/v3"],
        pattern: "^https?://[^\\s]+$",
      }),
    ),
    installationId: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 2 ** 53 - 1, description: "The installation of the App to use. When left out it is found for each repository." }),
    ),
    repositories: Type.Optional(
      atomicList(repository, {
        minItems: 1,
        maxItems: maxRepositories,
        description: "Which namespaces' runs may report to which repositories: a run reports only where an entry names both. When left out: runs of the Provider's own namespace, to every repository that the App is installed on.",
      }),
    ),
  },
  { description: "Settings of a GitHub App." },
);

/** A template that says where the status goes, instead of the run's annotations. */
const placePart = (what: string, example: string) =>
  text(1024, { description: `${what}, a template such as \`${example}\`. When left out: from the run's annotations.`, minLength: 1 });

const notificationSection = Type.Object(
  {
    report: Type.Optional(
      oneWordOf(reports, {
        default: "CommitStatus",
        description: "How runs are reported: as a commit status, as a check run with the tasks and what failed, or as a comment on the pull request that is edited in place.",
      }),
    ),
    context: Type.Optional(
      text(1024, {
        description:
          "Name of the commit status or the check run, and what comments are told apart by, a template such as `ci/${pipeline}`. When left out, or empty for a run: `tekton: ` and the annotation integrations.tekton.ornew.io/context-id or the pipeline's name.",
        examples: ["ci/build"],
        minLength: 1,
      }),
    ),
    owner: Type.Optional(placePart("Owner of the repository", "${params.owner}")),
    repo: Type.Optional(placePart("Name of the repository", "${params.repo}")),
    sha: Type.Optional(placePart("Full hash of the commit", "${params.revision}")),
    pullRequest: Type.Optional(placePart("Number of the pull request, for `report: PullRequestComment`", "${params.pullRequest}")),
  },
  { description: "What this route adds for GitHub. What of the commit is not set here comes from the run's annotations." },
);

export type GitHubProvider = Static<typeof providerSection>;
export type GitHubNotification = Static<typeof notificationSection>;

/** What can never be a place, and a field that nothing is made of. */
function checkPlace(notification: GitHubNotification): SectionProblem[] {
  const { pullRequest, report } = notification;
  const parts = Object.entries(placePatterns).flatMap(([part, { what, isPart }]): SectionProblem[] => {
    const value = notification[part as keyof typeof placePatterns];
    return value === undefined || value.includes("${") || isPart(value) ? [] : [{ path: [part], code: "FieldInvalid", message: `is not ${what}` }];
  });
  if (pullRequest === undefined || report === "PullRequestComment") return parts;
  return [...parts, { path: ["pullRequest"], code: "FieldForbidden", message: "is used with report: PullRequestComment only" }];
}

const mapping = [{ field: "repositories", why: "a run reports only to a repository that is mapped to its namespace" }] as const;

/**
 * GitHub App: reports each run as a commit status, a check run, or a comment on its pull request.
 * @example
 * spec:
 *   type: GitHubApp
 *   githubApp:
 *     appId: 123456
 *     privateKey: { secretRef: { name: github-app } }
 */
export const gitHubApp = defineProvider<GitHubProvider, GitHubNotification>({
  type: "GitHubApp",
  section: "githubApp",
  title: "GitHub App",
  providerSection,
  notificationSection,
  defaultStatuses: runStatuses,
  // A comment is told to people by mail when it is made, and not when it is edited.
  defaultStatusesFor: ({ report }) => (report === "PullRequestComment" ? ["Succeeded", "Failed", "Cancelled", "TimedOut"] : runStatuses),
  keepsState: true,
  serviceState: (status, { report = "CommitStatus" }) => serviceState(status, report),
  secretRefs: (provider) => [secretOf(provider.privateKey, "private-key.pem", "the private key of the GitHub App")],
  templates: [["context"], ["owner"], ["repo"], ["sha"], ["pullRequest"]],
  reads: ({ report = "CommitStatus" }) => (report === "CommitStatus" ? [] : ["tasks"]),
  neededWhenShared: mapping,
  neededForOtherRuns: mapping,
  urls: ({ baseURL }) => urlsAt([["baseURL"], baseURL]),
  check: (provider) => checkBaseUrl(provider.baseURL, ["baseURL"]),
  checkNotification: checkPlace,
  render,
  load: async () => await import("./send.ts"),
});
