import type { RunEvent } from "../../api/run-event.ts";
import { guardLoop } from "../loop-guard.ts";
import { messageId } from "../message-id.ts";
import { oneLine } from "../text.ts";
import type { Rendered, RenderInput } from "../provider.ts";
import type { CloudEventsNotification, CloudEventsProvider } from "./config.ts";

/** Attributes and data of one event in the JSON format of CloudEvents 1.0. */
export interface StructuredEvent {
  readonly specversion: "1.0";
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  readonly time?: string;
  readonly datacontenttype: "application/json";
  readonly tektonloop: number;
  readonly data: Omit<RunEvent, "run">;
}

const plurals = { PipelineRun: "pipelineruns", TaskRun: "taskruns", CustomRun: "customruns" } as const;
const versions = { PipelineRun: "v1", TaskRun: "v1", CustomRun: "v1beta1" } as const;

/** The attribute is a name: longer ones are cut. */
const maxSubjectBytes = 1024;

/** The event of a run's state, or why there is none. */
export function render(input: RenderInput<CloudEventsProvider, CloudEventsNotification>): Rendered {
  const { event, provider, template } = input;
  const guarded = guardLoop(event, provider.maxLoop);
  if ("stopped" in guarded) return guarded.stopped;
  const { run, ...data } = event;
  const subject = oneLine(template("subject", maxSubjectBytes) ?? "");
  const created = run.metadata?.creationTimestamp;
  const time = [event.completionTime, event.startTime, created].find((value) => value !== undefined && !Number.isNaN(Date.parse(value)));
  const body: StructuredEvent = {
    specversion: "1.0",
    id: messageId(input, "event"),
    source: provider.source ?? `/apis/tekton.dev/${versions[event.kind]}/namespaces/${event.namespace}/${plurals[event.kind]}/${encodeURIComponent(event.name.toWellFormed())}`,
    type: `io.ornew.tekton.integrations.${event.kind.toLowerCase()}.${event.status.toLowerCase()}.v1`,
    subject: subject === "" ? event.name : subject,
    ...(time !== undefined && { time: new Date(time).toISOString() }),
    datacontenttype: "application/json",
    tektonloop: guarded.tektonloop,
    data,
  };
  return {
    messages: [
      {
        key: "event",
        target: { url: provider.url },
        request: {
          method: "POST",
          url: provider.url,
          headers: { "content-type": "application/cloudevents+json; charset=utf-8" },
          body,
        },
      },
    ],
  };
}
