import { failedAnswer, KubeError } from "./kube-error.ts";
import type { PathOptions } from "./paths.ts";
import { resourceName, secrets, type ObjectRef, type Resource } from "./resources.ts";
import type { HttpRequest, Transport } from "./transport.ts";

/** What a request is about: makes its path, and its name in messages. */
export interface Target extends PathOptions {
  readonly verb: string;
  readonly resource: Resource;
  /** The name for messages where the path has none. */
  readonly shownName?: string;
}

/** A request about one object. */
export const at = (verb: string, resource: Resource, ref: ObjectRef): Target => ({ verb, resource, namespace: ref.namespace, name: ref.name });

/** For example `get secrets ci/github-app`. */
export function describe(target: Target): string {
  const name = target.name ?? target.shownName;
  const resource = resourceName(target.resource) + (target.subresource === undefined ? "" : `/${target.subresource}`);
  if (name === undefined) return `${target.verb} ${resource}${target.namespace === undefined ? "" : ` in ${target.namespace}`}`;
  return `${target.verb} ${resource} ${target.namespace === undefined ? "" : `${target.namespace}/`}${name}`;
}

/** The JSON of the answer. Rejects with a KubeError that names the request. */
export async function send(transport: Transport, target: Target, request: HttpRequest, signal: AbortSignal): Promise<unknown> {
  const answer = await transport.request(request, signal).catch((error: unknown) => {
    throw named(error, target);
  });
  const body = parseJson(answer.text);
  if (answer.status >= 400) throw refusal(target, answer, body);
  if (body === undefined) throw new KubeError("KubernetesAnswerInvalid", `${describe(target)}: the answer is not JSON`, { status: 0 });
  return body;
}

/** The error that an answer with a status of 400 or more stands for. */
export const refusal = (target: Target, answer: { status: number; retryAfterMs?: number }, body: unknown): KubeError =>
  failedAnswer({
    what: describe(target),
    httpStatus: answer.status,
    body,
    retryAfterMs: answer.retryAfterMs,
    quoteServer: target.resource !== secrets,
  });

/** Says which request it was; errors of the transport cannot know. */
export function named(error: unknown, target: Target): unknown {
  if (!(error instanceof KubeError)) return error;
  return new KubeError(error.code, `${describe(target)}: ${error.message}`, { reason: error.reason, cause: error.cause });
}

/** Undefined for what is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
