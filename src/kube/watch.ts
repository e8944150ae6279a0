import { splitLines } from "./json-lines.ts";
import { failedAnswer, KubeError } from "./kube-error.ts";
import { decodeWatchEvent, type WatchEvent } from "./objects.ts";
import { objectPath } from "./paths.ts";
import { secrets, type Resource } from "./resources.ts";
import { readText, type Transport } from "./transport.ts";
import type { WatchOptions } from "./kube.ts";
import { describe, named, parseJson, refusal, type Target } from "./request.ts";

const maxStatusBytes = 1024 * 1024;
const defaultLineBytes = 16 * 1024 * 1024;

/** See {@link Kube.watch}; `timeoutMs` is that of the headers. */
export async function* watch(
  transport: Transport,
  resource: Resource,
  options: WatchOptions & { timeoutMs: number },
  signal: AbortSignal,
): AsyncGenerator<WatchEvent, void> {
  const target: Target = {
    verb: "watch",
    resource,
    namespace: options.namespace,
    query: {
      watch: "true",
      allowWatchBookmarks: "true",
      labelSelector: options.labelSelector,
      fieldSelector: options.fieldSelector,
      resourceVersion: options.resourceVersion,
      timeoutSeconds: options.timeoutSeconds,
      ...(options.sendInitialEvents === true ? { sendInitialEvents: "true", resourceVersionMatch: "NotOlderThan" } : {}),
    },
  };
  try {
    const stream = await transport.stream({ method: "GET", path: objectPath(resource, target), timeoutMs: options.timeoutMs }, signal);
    if (stream.status >= 400) {
      throw refusal(target, stream, parseJson(await readText(stream.chunks, maxStatusBytes)));
    }
    options.onOpen?.();
    for await (const line of splitLines(stream.chunks, options.maxLineBytes ?? defaultLineBytes)) {
      const event = decodeWatchEvent(parseJson(line), resource);
      if (event === undefined) continue;
      if (event.type === "ERROR") throw failedAnswer({ what: describe(target), httpStatus: 0, body: event.status, quoteServer: resource !== secrets });
      yield event;
    }
  } catch (error) {
    throw error instanceof KubeError && error.status === 0 ? named(error, target) : error;
  }
}
