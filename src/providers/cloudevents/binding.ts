import type { RenderedRequest } from "../provider.ts";

/** The context attributes of one event, extensions among them. */
export interface Attributes {
  readonly specversion: "1.0";
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  readonly time?: string;
  readonly datacontenttype: "application/json";
  readonly tektonloop: number;
  readonly [extension: string]: string | number;
}

type Body = Pick<RenderedRequest, "headers" | "body">;

/** What may not stand in a header as it is (HTTP binding of CloudEvents 1.0, 3.1.3.2). */
const escaped = /[^\x21-\x7e]|["%]/gu;

/** The value of an attribute as a header: percent-encoded UTF-8. */
export const encodeHeader = (value: string): string => value.toWellFormed().replace(escaped, encodeURIComponent);

/** An event in structured mode: one JSON document. */
export const structured = (attributes: Attributes, data: unknown): Body => ({
  headers: { "content-type": "application/cloudevents+json; charset=utf-8" },
  body: { ...attributes, data },
});

/** An event in binary mode: the data as body, attributes in headers. */
export function binary({ datacontenttype, ...attributes }: Attributes, data: unknown): Body {
  const headers = Object.entries(attributes).map(([name, value]) => [`ce-${name}`, encodeHeader(String(value))]);
  return { headers: { "content-type": datacontenttype, ...(Object.fromEntries(headers) as Record<string, string>) }, body: data };
}

/** Whether the request carries an event in binary mode. */
export const isBinary = ({ headers }: Body): boolean => headers["ce-id"] !== undefined;

/** The event in a request that {@link structured} or {@link binary} made: attributes and, under `data`, the data. */
export function eventIn(request: Body): Readonly<Record<string, unknown>> & { readonly id: string } {
  if (!isBinary(request)) return request.body as { readonly id: string };
  const attributes = Object.entries(request.headers).filter(([name]) => name.startsWith("ce-")).map(([name, value]): [string, string] => [name.slice(3), decodeURIComponent(value)]);
  return { id: "", ...Object.fromEntries(attributes), datacontenttype: request.headers["content-type"], data: request.body };
}
