import { CloudEvent, HTTP, ValidationError } from "cloudevents";
import { refuseUnlessAccepted } from "../answer.ts";
import { DeliveryError } from "../delivery-error.ts";
import type { Sender, SenderOptions } from "../provider.ts";
import type { CloudEventsProvider } from "./config.ts";
import type { StructuredEvent } from "./render.ts";

function encode(event: StructuredEvent): ReturnType<typeof HTTP.structured> {
  try {
    return HTTP.structured(new CloudEvent({ ...event }));
  } catch (cause) {
    const attributes = cause instanceof ValidationError && Array.isArray(cause.errors) ? cause.errors.map((error) => (typeof error === "string" ? "" : error.instancePath)) : [];
    throw new DeliveryError("MessageRefused", `the event is not a valid CloudEvent${attributes.length === 0 ? "" : `: see ${attributes.join(", ")}`}`, { cause });
  }
}

/** Sends events in structured mode: encoded by the CloudEvents SDK, posted by our own client, which keeps the status. */
export function open({ http, clock }: SenderOptions<CloudEventsProvider>): Sender {
  return {
    send: async (message, signal) => {
      const event = message.request.body as StructuredEvent;
      const encoded = encode(event);
      const response = await http.fetch(message.request.url, {
        method: message.request.method,
        headers: encoded.headers as Record<string, string>,
        body: encoded.body as string,
        signal,
      });
      await response.body?.cancel();
      refuseUnlessAccepted(new URL(message.request.url).host, response.status, response.headers.get("retry-after"), clock.now());
      return { externalRef: event.id };
    },
    close: () => Promise.resolve(),
  };
}
