import { group as ownGroup, version as ownVersion } from "../api/group.ts";

/** Where a kind is served: everything a request path is made of. */
export interface Resource {
  /** "" for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

const resource = (group: string, version: string, plural: string, kind: string, namespaced = true): Resource => ({
  group,
  version,
  plural,
  kind,
  namespaced,
});

export const pipelineRuns = resource("tekton.dev", "v1", "pipelineruns", "PipelineRun");
export const taskRuns = resource("tekton.dev", "v1", "taskruns", "TaskRun");
export const customRuns = resource("tekton.dev", "v1beta1", "customruns", "CustomRun");

/** By kind of run. */
export const resourceOfRun = { PipelineRun: pipelineRuns, TaskRun: taskRuns, CustomRun: customRuns } as const;

export const providers = resource(ownGroup, ownVersion, "providers", "Provider");
export const notifications = resource(ownGroup, ownVersion, "notifications", "Notification");
export const deliveries = resource(ownGroup, ownVersion, "deliveries", "Delivery");

export const namespaces = resource("", "v1", "namespaces", "Namespace", false);
export const secrets = resource("", "v1", "secrets", "Secret");
export const serviceCidrs = resource("networking.k8s.io", "v1", "servicecidrs", "ServiceCIDR", false);
export const leases = resource("coordination.k8s.io", "v1", "leases", "Lease");
export const subjectAccessReviews = resource("authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview", false);
export const events = resource("events.k8s.io", "v1", "events", "Event");
export const validatingWebhookConfigurations = resource(
  "admissionregistration.k8s.io",
  "v1",
  "validatingwebhookconfigurations",
  "ValidatingWebhookConfiguration",
  false,
);
export const mutatingWebhookConfigurations = resource(
  "admissionregistration.k8s.io",
  "v1",
  "mutatingwebhookconfigurations",
  "MutatingWebhookConfiguration",
  false,
);

/** For example `tekton.dev/v1`, or `v1` for the core group. */
export const apiVersionOf = (resource: Resource): string =>
  resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;

/** For example `pipelineruns.tekton.dev`, or `secrets` for the core group: as RBAC and kubectl write it. */
export const resourceName = (resource: Resource): string =>
  resource.group === "" ? resource.plural : `${resource.plural}.${resource.group}`;

/** Which object. `namespace` is left out for cluster-scoped kinds. */
export interface ObjectRef {
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** The key of an object within its kind: `namespace/name`, or `name` where there is no namespace. */
export const keyOf = (namespace: string | undefined, name: string): string =>
  namespace === undefined || namespace === "" ? name : `${namespace}/${name}`;

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly [field: string]: unknown;
}

/** An object as the API server gives it. Only `metadata.name` has been checked; the rest is for a decoder to judge. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly [field: string]: unknown;
}
