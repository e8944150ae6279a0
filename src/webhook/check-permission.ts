import type { AccessReviews, Requester } from "../kube/access-reviews.ts";
import type { CheckedKind } from "./check-schema.ts";
import type { Problem } from "./problem.ts";
import { questionsOf, type Attributes, type Question } from "./questions.ts";
import type { AdmissionRequest } from "./review.ts";

/** Questions that are asked at one time for one object. */
const atOnce = 16;

const quoted = (text: string): string => JSON.stringify(text.length > 253 ? `${text.slice(0, 252).toWellFormed()}…` : text);

/** As the API server says it when it refuses a request by itself. */
function sentence({ username }: Requester, { verb, group, resource, namespace, name }: Attributes): string {
  const object = name === "" ? "" : ` ${quoted(name)}`;
  const place = namespace === "" ? "at the cluster scope" : `in the namespace ${quoted(namespace)}`;
  return `user ${quoted(username)} cannot ${verb} resource "${resource}"${object} in API group "${group}" ${place}`;
}

const missingRight = (requester: Requester, { field, attributes, why }: Question): Problem => ({
  field,
  code: "PermissionMissing",
  message: `Forbidden: ${sentence(requester, attributes)}: ${why}`,
});

/**
 * The rights that the object needs and the requester lacks, in the order of the object's fields. Rejects when the API server cannot say: then nothing is
 * allowed.
 */
export async function checkPermission(kind: CheckedKind, { object, namespace, requester }: AdmissionRequest, reviews: AccessReviews, signal: AbortSignal): Promise<readonly Problem[]> {
  const questions = questionsOf(kind, object, namespace);
  const missing: Problem[] = [];
  for (let at = 0; at < questions.length; at += atOnce) {
    const asked = questions.slice(at, at + atOnce);
    const answers = await Promise.all(asked.map(({ attributes }) => reviews.isAllowed(requester, attributes, signal)));
    missing.push(...asked.filter((_, index) => answers[index] !== true).map((question) => missingRight(requester, question)));
  }
  return missing;
}
