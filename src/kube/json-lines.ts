import { KubeError } from "./kube-error.ts";

const newline = 0x0a;

/**
 * Splits a byte stream into lines. Lines are cut as bytes and decoded whole, so a character that two chunks share stays
 * intact. Empty lines are left out; what follows the last newline when the stream ends was cut off and is dropped.
 * @throws KubeError `KubernetesAnswerInvalid` for a line of more than `maxBytes`, before more of it is kept.
 */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<string> {
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  const keep = (part: Uint8Array): void => {
    pendingBytes += part.length;
    if (pendingBytes > maxBytes) throw new KubeError("KubernetesAnswerInvalid", `watch: a line of more than ${maxBytes} bytes`);
    if (part.length > 0) pending.push(part);
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      keep(chunk.subarray(start, end));
      start = end + 1;
      if (pendingBytes === 0) continue;
      const line = Buffer.concat(pending, pendingBytes).toString("utf8");
      pending = [];
      pendingBytes = 0;
      yield line;
    }
    keep(chunk.subarray(start));
  }
}
