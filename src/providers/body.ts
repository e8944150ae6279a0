import type { Response } from "undici";
import { DeliveryError } from "./delivery-error.ts";

/** No service has more to say about one message. Counted after decompression. */
const maxBodyBytes = 1024 * 1024;

/** More than this is not worth reading for the sake of a connection. */
const maxDrainedBytes = 16 * 1024;

/** Passes over the body of an answer whose status says all, so that its connection can be used again; one that is long or breaks off is let go. */
export async function passOver(response: Response): Promise<void> {
  let size = 0;
  try {
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      if (size > maxDrainedBytes) break;
    }
  } catch {
    // What has been said counts.
  }
}

/** The body of an answer; a {@link DeliveryError} when it is larger than any answer of a service can be. */
export async function readBody(response: Response, host: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop early cancels the body.
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > maxBodyBytes) throw new DeliveryError("ServiceFailed", `${host} answered ${response.status} with more than ${maxBodyBytes} bytes`, { status: response.status });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
