/** The API group of the product's own kinds. */
export const group = "integrations.tekton.ornew.io";
export const version = "v1alpha1";
export const apiVersion = `${group}/${version}`;

/** Annotations that the product reads from runs, from Secrets and from its own kinds. */
export const annotations = {
  githubOwner: `${group}/github-owner`,
  githubRepo: `${group}/github-repo`,
  githubSha: `${group}/github-sha`,
  contextId: `${group}/context-id`,
  dashboardBaseUrl: `${group}/tekton-dashboard-base-url`,
  loop: `${group}/loop`,
  allowedProviders: `${group}/allowed-providers`,
  redeliver: `${group}/redeliver`,
} as const;
