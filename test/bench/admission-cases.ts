/** The reviews of the admission benchmark. */

export interface Case {
  readonly body: string;
  readonly uid: string;
  readonly allowed: boolean;
}

export interface CaseOptions {
  readonly count: number;
  /** How many expressions there are; as many as cases: each is another one. */
  readonly expressions: number;
  /** Set apart from those of other rounds. */
  readonly salt: string;
}

const group = { group: "integrations.tekton.ornew.io", version: "v1alpha1" };
const gvk = { ...group, kind: "Notification" };
const gvr = { ...group, resource: "notifications" };

/** One in ten names a variable that there is not. */
const expressionOf = (number: number, salt: string): string =>
  `status == "Failed" && ${number % 10 === 9 ? "naem" : "name"}.startsWith("${salt}-${number}-") && duration > duration("${number % 600}s")` +
  ` || (labels["app"] == "shop-${number}" && tasks.exists(t, t.status == "Failed" && t.name != "lint-${number}")) || reason in ["Couldnt", "TaskRun${number}"]`;

function caseOf(index: number, { expressions, salt }: CaseOptions): Case {
  const number = index % expressions;
  const uid = `${salt}-${index}-5f5f-11e8-bc74-36e6bb280816`;
  const object = {
    apiVersion: `${group.group}/${group.version}`,
    kind: "Notification",
    metadata: { name: `failures-${index}`, namespace: "ci", uid, creationTimestamp: "2026-11-23T00:00:00Z", generation: 1, labels: { team: "shop" } },
    spec: {
      suspend: false,
      maxPerMinute: 600,
      providerRef: { name: "events" },
      filter: { kinds: ["PipelineRun", "TaskRun"], children: false, statuses: ["Failed", "TimedOut"], results: [{ name: "version", matches: `^v[0-9]+\\.${number}` }], expression: expressionOf(number, salt) },
    },
  };
  const request = {
    uid, kind: gvk, resource: gvr, requestKind: gvk, requestResource: gvr, name: object.metadata.name, namespace: "ci", operation: "CREATE",
    userInfo: { username: "jane", uid: "1", groups: ["system:authenticated", "team-shop"] }, object, oldObject: null, dryRun: false, options: { kind: "CreateOptions", apiVersion: "meta.k8s.io/v1" },
  };
  return { body: JSON.stringify({ kind: "AdmissionReview", apiVersion: "admission.k8s.io/v1", request }), uid, allowed: number % 10 !== 9 };
}

export const admissionCases = (options: CaseOptions): readonly Case[] => Array.from({ length: options.count }, (_, index) => caseOf(index, options));
