import { CloudEvent, HTTP, ValidationError } from "cloudevents";
import { refuseUnlessAccepted } from "../answer.ts";
import { passOver } from "../body.ts";
import { DeliveryError } from "../delivery-error.ts";
import { requestFailed } from "../http.ts";
import type { Message, RenderedRequest, Sender, SenderOptions } from "../provider.ts";
import { authenticationOf, maskedHeaders } from "./authentication.ts";
import { encodeHeader, eventIn, isBinary } from "./binding.ts";
import type { CloudEventsProvider } from "./config.ts";

interface Encoded {
  readonly id: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The SDK holds the event against the specification and writes it; it leaves headers as they are, which the HTTP binding does not. */
function encode(request: RenderedRequest): Encoded {
  const attributes = eventIn(request);
  try {
    const event = new CloudEvent({ ...attributes });
    const { headers, body } = isBinary(request) ? HTTP.binary(event) : HTTP.structured(event);
    const encoded = Object.entries(headers).map(([name, value]): [string, string] => [name, name.startsWith("ce-") ? encodeHeader(String(value)) : String(value)]);
    return { id: attributes.id, headers: Object.fromEntries(encoded), body: body as string };
  } catch (cause) {
    const wrong = cause instanceof ValidationError && Array.isArray(cause.errors) ? cause.errors.map((error) => (typeof error === "string" ? "" : error.instancePath)) : [];
    throw new DeliveryError("MessageRefused", `the event is not a valid CloudEvent${wrong.length === 0 ? "" : `: see ${wrong.join(", ")}`}`, { cause });
  }
}

/** Sends events encoded by the CloudEvents SDK, posted by our own client, which keeps the status. */
export function open(options: SenderOptions<CloudEventsProvider>): Sender {
  const { http, clock, provider } = options;
  const authentication = authenticationOf(options);
  const own = maskedHeaders(options);
  const { host } = new URL(provider.url);
  let gone = false;

  const post = async ({ request: { method, url } }: Message, { headers, body }: Encoded, signed: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> => {
    const response = await http.fetch(url, { method, headers: { ...own, ...headers, ...signed }, body, signal });
    await passOver(response);
    const { status } = response;
    gone = status === 410;
    if (gone) throw new DeliveryError("DestinationGone", `${host} answered 410: it is gone for good, and nothing more is sent to it until the Provider is changed or resumed`, { status });
    refuseUnlessAccepted(host, status, response.headers.get("retry-after"), clock.now());
  };

  const { verify } = authentication;

  return {
    ...(verify !== undefined && {
      verify: (signal) =>
        verify(signal).catch((error: unknown) => {
          throw requestFailed(error, host, signal);
        }),
    }),
    send: async (message, signal) => {
      if (gone) throw new DeliveryError("DestinationGone", `${host} answered 410 before: nothing more is sent to it until the Provider is changed or resumed`);
      const encoded = encode(message.request);
      for (let again = true; ; again = false) {
        const signed = await authentication.headers(encoded.id, encoded.body, signal).catch((error: unknown) => {
          throw requestFailed(error, host, signal);
        });
        try {
          await post(message, encoded, signed, signal);
          return { externalRef: encoded.id };
        } catch (error) {
          // A token can be revoked before its time: one fresh one is tried before the credentials are blamed.
          if (!(error instanceof DeliveryError) || error.status !== 401 || !authentication.refused(signed) || !again) throw error;
        }
      }
    },
    close: () => Promise.resolve(),
  };
}
