import type { RunEvent } from "../../api/run-event.ts";
import { eventData } from "../event-data.ts";
import { guardLoop } from "../loop-guard.ts";
import { messageId } from "../message-id.ts";
import { noticeOf } from "../notice.ts";
import { oneLine } from "../text.ts";
import { redacted, varies, type Rendered, type RenderInput } from "../provider.ts";
import { binary, structured, type Attributes } from "./binding.ts";
import type { CloudEventsNotification, CloudEventsProvider } from "./config.ts";
import { objectFrom, tektonData, tektonSource, tektonType } from "./tekton.ts";

type Input = RenderInput<CloudEventsProvider, CloudEventsNotification>;

const plurals = { PipelineRun: "pipelineruns", TaskRun: "taskruns", CustomRun: "customruns" } as const;
const versions = { PipelineRun: "v1", TaskRun: "v1", CustomRun: "v1beta1" } as const;

/** Longer ones are cut: in binary mode attributes are headers, and servers bound those. */
const maxSubjectBytes = 1024;
const maxAttributeBytes = 256;

/** What a format says about a run: the defaults of two attributes, and the data. */
interface Said {
  readonly type: string;
  readonly source: string;
  readonly data: unknown;
}

function asRunEvent(input: Input): Said {
  const { kind, namespace, name, status } = input.event;
  return {
    type: `io.ornew.tekton.integrations.${kind.toLowerCase()}.${status.toLowerCase()}.v1`,
    source: `/apis/tekton.dev/${versions[kind]}/namespaces/${namespace}/${plurals[kind]}/${encodeURIComponent(name.toWellFormed())}`,
    data: eventData(input.event, noticeOf(input)),
  };
}

function asTekton({ event, object }: Input): Said | undefined {
  const type = tektonType(event);
  return type === undefined ? undefined : { type, source: tektonSource(event), data: tektonData(event.kind, object ?? objectFrom(event)) };
}

const attribute = ({ template }: Input, field: string, maxBytes: number): string => oneLine(template(field, maxBytes) ?? "");

function extensionsOf(input: Input): Record<string, string> {
  const rendered = Object.keys(input.notification.extensions ?? {}).map((name): [string, string] => [name, attribute(input, `extensions.${name}`, maxAttributeBytes)]);
  return Object.fromEntries(rendered.filter(([, value]) => value !== ""));
}

/** When the state began: the end of the run, else its start, else its creation. */
function timeOf({ completionTime, startTime, run }: RunEvent): string | undefined {
  const time = [completionTime, startTime, run.metadata?.creationTimestamp].find((value) => value !== undefined && !Number.isNaN(Date.parse(value)));
  return time === undefined ? undefined : new Date(time).toISOString();
}

/** Headers beside those of the event; what only the sender knows is masked. */
function headersOf({ headers = [], authentication: { type } = { type: "None" } }: CloudEventsProvider, id: string): Record<string, string> {
  const own = headers.map(({ name, value }): [string, string] => {
    const lower = name.toLowerCase();
    return [lower, value === undefined || lower === "authorization" ? redacted : value];
  });
  const signed = { "webhook-id": id, "webhook-timestamp": varies, "webhook-signature": redacted };
  return { ...Object.fromEntries(own), ...(type === "HMAC" ? signed : type !== "None" && { authorization: redacted }) };
}

/** The event of a run's state, or why there is none. */
export function render(input: Input): Rendered {
  const { event, provider } = input;
  const guarded = guardLoop(event, provider.maxLoop);
  if ("stopped" in guarded) return guarded.stopped;
  const said = provider.format === "Tekton" ? asTekton(input) : asRunEvent(input);
  if (said === undefined) return { nothing: { reason: "NoTektonEvent", message: "Tekton has no event for a run that was deleted; the format RunEvent has one" } };
  const type = attribute(input, "type", maxAttributeBytes);
  const subject = attribute(input, "subject", maxSubjectBytes);
  const time = timeOf(event);
  const id = messageId(input, "event");
  const attributes: Attributes = {
    ...extensionsOf(input),
    specversion: "1.0",
    id,
    source: provider.source ?? said.source,
    type: type === "" ? said.type : type,
    subject: subject === "" ? event.name : subject,
    ...(time !== undefined && { time }),
    datacontenttype: "application/json",
    tektonloop: guarded.tektonloop,
  };
  const mode = provider.mode ?? (provider.format === "Tekton" ? "Binary" : "Structured");
  const { headers, body } = (mode === "Binary" ? binary : structured)(attributes, said.data);
  return {
    messages: [
      {
        key: "event",
        target: { url: provider.url },
        request: { method: "POST", url: provider.url, headers: { ...headers, ...headersOf(provider, id) }, body },
      },
    ],
  };
}
