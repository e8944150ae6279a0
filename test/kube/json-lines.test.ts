import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { splitLines } from "../../src/kube/json-lines.ts";

async function* chunks(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (const size of sizes) {
    yield bytes.subarray(at, at + size);
    at += size;
  }
  yield bytes.subarray(at);
  await Promise.resolve();
}

async function collect(source: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = [];
  for await (const line of source) found.push(line);
  return found;
}

it("lines come out whole wherever the bytes are cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: "grapheme", minLength: 1 }).filter((line) => !line.includes("\n"))),
      fc.array(fc.integer({ min: 0, max: 7 }), { maxLength: 200 }),
      async (lines, sizes) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
        assert.deepEqual(await collect(splitLines(chunks(bytes, sizes), 1_000_000)), lines.map((line) => Buffer.from(line).toString()));
      },
    ),
  );
});

it("empty lines and a rest without a newline are dropped", async () => {
  assert.deepEqual(await collect(splitLines(chunks(Buffer.from("\n\na\n\nb\nrest"), [3, 2]), 100)), ["a", "b"]);
});

it("a line of the bound's size passes, one byte more does not, however it is cut", async () => {
  const line = "x".repeat(10);
  assert.deepEqual(await collect(splitLines(chunks(Buffer.from(`${line}\n`), [4, 4]), 10)), [line]);
  for (const sizes of [[], [4, 4], [11]]) {
    await assert.rejects(collect(splitLines(chunks(Buffer.from(`${line}x\n`), sizes), 10)), { code: "KubernetesAnswerInvalid" });
  }
});
