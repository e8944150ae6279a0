/** Objects that the tests of the webhook are about. */

export const apiVersion = "integrations.tekton.ornew.io/v1alpha1";

export const provider = (spec: unknown, name = "p"): Record<string, unknown> => ({ apiVersion, kind: "Provider", metadata: { name, namespace: "ci" }, spec });
export const notification = (spec: unknown, name = "n"): Record<string, unknown> => ({ apiVersion, kind: "Notification", metadata: { name, namespace: "ci" }, spec });

export const gitHub = { appId: 1, privateKey: { secretRef: { name: "github-app" } } };
export const goodProvider = provider({ type: "GitHubApp", githubApp: gitHub });
export const goodNotification = notification({ providerRef: { name: "p" }, filter: { expression: 'status == "Failed"' } });

/** A Notification with this filter. */
export const filtered = (filter: unknown): Record<string, unknown> => notification({ providerRef: { name: "p" }, filter });

/** An AdmissionReview as the API server sends it. */
export function review(object: unknown, request: Record<string, unknown> = {}): Record<string, unknown> {
  const { kind = "", metadata } = (object ?? {}) as { kind?: string; metadata?: { name?: string; namespace?: string } };
  const version = { group: "integrations.tekton.ornew.io", version: "v1alpha1" };
  const resource = { ...version, resource: `${kind.toLowerCase()}s` };
  return {
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: {
      uid: "0df28fbd-5f5f-11e8-bc74-36e6bb280816",
      kind: { ...version, kind },
      resource,
      requestKind: { ...version, kind },
      requestResource: resource,
      name: metadata?.name ?? "",
      namespace: metadata?.namespace ?? "",
      operation: "CREATE",
      userInfo: { username: "jane", groups: ["system:authenticated"] },
      object,
      oldObject: null,
      dryRun: false,
      options: { apiVersion: "meta.k8s.io/v1", kind: "CreateOptions" },
      ...request,
    },
  };
}
