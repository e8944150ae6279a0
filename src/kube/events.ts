import { randomBytes } from "node:crypto";
import { cutToBytes } from "../api/text.ts";
import type { Clock } from "../telemetry/clock.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Kube } from "./kube.ts";
import { apiVersionOf, events as eventsResource, keyOf, type Resource } from "./resources.ts";

/** The object an Event is about. */
export interface Regarding {
  readonly resource: Resource;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export interface EventContent {
  readonly type: "Normal" | "Warning";
  /** CamelCase, for machines: `DeliveryFailed`. */
  readonly reason: string;
  /** What was being done, CamelCase: `Deliver`. */
  readonly action: string;
  /** A sentence for humans, without secrets or run data; cut at 1,024 bytes. */
  readonly note: string;
}

/** Publishes Kubernetes Events (`kubectl describe` shows them). */
export interface EventRecorder {
  /** Best effort: never throws, does not wait; what cannot be written is logged and lost. A repetition within the window is dropped. */
  publish(regarding: Regarding, content: EventContent): void;
  /** Resolves when everything published so far has been sent or given up. */
  flush(): Promise<void>;
}

export interface EventRecorderOptions {
  readonly kube: Kube;
  /** For example `integrations.tekton.ornew.io/controller`. */
  readonly reportingController: string;
  /** Which process of it: the Pod's name. */
  readonly reportingInstance: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long the same words about the same object are not repeated. Default one hour, the life of an Event. */
  readonly repeatAfterMs?: number;
}

/** The API server refuses longer notes. */
const maxNoteBytes = 1024;
const maxRemembered = 2_000;
// Beyond this the API server is not keeping up, and Events are the first thing to do without.
const maxInFlight = 20;

export function createEventRecorder(options: EventRecorderOptions, signal: AbortSignal): EventRecorder {
  const { kube, clock, log } = options;
  const repeatAfterMs = options.repeatAfterMs ?? 3_600_000;
  const told = new Map<string, number>();
  const inFlight = new Set<Promise<void>>();

  const isRepetition = (fingerprint: string): boolean => {
    const now = clock.monotonic();
    const toldAt = told.get(fingerprint);
    if (toldAt !== undefined && now - toldAt < repeatAfterMs) return true;
    told.delete(fingerprint);
    told.set(fingerprint, now);
    const [oldest] = told.keys();
    if (told.size > maxRemembered && oldest !== undefined) told.delete(oldest);
    return false;
  };

  const send = async (regarding: Regarding, content: EventContent): Promise<void> => {
    const { resource, namespace, name, uid } = regarding;
    const event = {
      apiVersion: apiVersionOf(eventsResource),
      kind: eventsResource.kind,
      metadata: { name: `${name.slice(0, 200)}.${randomBytes(8).toString("hex")}`, namespace },
      // A MicroTime: six digits after the point.
      eventTime: new Date(clock.now()).toISOString().replace("Z", "000Z"),
      reportingController: options.reportingController,
      reportingInstance: options.reportingInstance.slice(0, 128),
      regarding: { apiVersion: apiVersionOf(resource), kind: resource.kind, namespace, name, uid },
      ...content,
      note: cutToBytes(content.note, maxNoteBytes),
    };
    try {
      await kube.create(eventsResource, event, signal);
    } catch (error) {
      if (!signal.aborted) log.warn("an Event could not be written", { regarding: keyOf(namespace, name), reason: content.reason, error });
    }
  };

  return {
    publish: (regarding, content) => {
      if (isRepetition(JSON.stringify([regarding.uid, content]))) return;
      if (inFlight.size >= maxInFlight) {
        log.warn("an Event was dropped because too many are being written", { regarding: keyOf(regarding.namespace, regarding.name), reason: content.reason });
        return;
      }
      const sending = send(regarding, content).finally(() => inFlight.delete(sending));
      inFlight.add(sending);
    },
    flush: async () => {
      await Promise.all(inFlight);
    },
  };
}
