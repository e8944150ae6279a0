/** Names that the program and the manifests of `deploy/` agree on. */
export const installation = {
  /** The Service in front of the webhook. */
  webhookService: "tekton-integrations-webhook",
  /** Secrets of the installation's own namespace: the webhook's certificate authority, and the certificate it serves. */
  authoritySecret: "tekton-integrations-webhook-ca",
  leafSecret: "tekton-integrations-webhook-tls",
  /** Both webhook configurations, the mutating and the validating one. */
  webhookConfiguration: "tekton-integrations",
  /** Where they point to. */
  mutatePath: "/mutate",
  validatePath: "/validate",
} as const;
