import { Type, type Static } from "typebox";
import { secretKeyRef, text } from "../../api/schema.ts";
import { runStatuses } from "../../api/run-event.ts";
import { defineProvider, secretOf } from "../provider.ts";
import { checkUrl } from "../url.ts";
import { commitState, render } from "./render.ts";

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
  },
  { description: "Settings of a GitHub App." },
);

/** A template that says where the status goes, instead of the run's annotations. */
const placePart = (what: string, example: string) =>
  text(1024, { description: `${what}, a template such as \`${example}\`. When left out: from the run's annotations.`, minLength: 1 });

const notificationSection = Type.Object(
  {
    context: Type.Optional(
      text(1024, {
        description:
          "Name of the commit status, a template such as `ci/${pipeline}`. When left out, or empty for a run: `tekton: ` and the annotation integrations.tekton.ornew.io/context-id or the pipeline's name.",
        examples: ["ci/build"],
        minLength: 1,
      }),
    ),
    owner: Type.Optional(placePart("Owner of the repository", "${params.owner}")),
    repo: Type.Optional(placePart("Name of the repository", "${params.repo}")),
    sha: Type.Optional(placePart("Full hash of the commit", "${params.revision}")),
  },
  { description: "What this route adds for GitHub. What of the commit is not set here comes from the run's annotations." },
);

export type GitHubProvider = Static<typeof providerSection>;
export type GitHubNotification = Static<typeof notificationSection>;

/**
 * GitHub App: reports each run as a commit status.
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
  keepsState: true,
  serviceState: commitState,
  secretRefs: (provider) => [secretOf(provider.privateKey, "private-key.pem", "the private key of the GitHub App")],
  templates: [["context"], ["owner"], ["repo"], ["sha"]],
  reads: () => [],
  check: (provider) => checkUrl(provider.baseURL, ["baseURL"]),
  render,
  load: async () => await import("./send.ts"),
});
