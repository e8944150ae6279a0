import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { notification, provider, review } from "./objects.ts";
import { serving, type Serving } from "./serving.ts";
import { badNotifications, goodNotifications } from "./notification-samples.ts";
import { badProviders, goodProviders } from "./provider-samples.ts";

const read = (name: string): unknown => JSON.parse(readFileSync(new URL(`../testdata/${name}`, import.meta.url), "utf8"));
const isReview = new Ajv2020({ strict: false }).compile(read("contracts/admission-review-v1.json") as object);

/** As a real API server sent them, and the objects of the table. */
const real = (read("admission-reviews.json") as unknown[]).map((body) => JSON.stringify(body));
const samples = [...goodProviders, ...goodNotifications, ...badProviders, ...badNotifications];

/** As many as a run in CI makes. */
const runs = 10_000;
/** What is left after a collection may grow by that much: programs, validators and the fuzzer's own state are kept. */
const maxGrowthBytes = 64 * 1024 * 1024;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

interface Answered {
  readonly response?: { readonly uid: string; readonly allowed: boolean; readonly status?: { readonly message: string; readonly details?: { readonly causes: readonly unknown[] } }; readonly warnings?: readonly string[]; readonly patch?: string };
  readonly code?: string;
  readonly message?: string;
}

/** The uid that the answer must have; undefined where there is none to be had. */
function uidOf(body: string | Buffer): unknown {
  try {
    const { request } = JSON.parse(body.toString()) as { request?: { uid?: unknown } };
    return request?.uid;
  } catch {
    return undefined;
  }
}

/** The answer is a review with the request's uid and within its bounds, or says in 4xx that there was none to be made. */
async function isAnswered({ post }: Serving, path: string, body: string | Buffer): Promise<number> {
  const { status, text } = await post(path, body);
  const answer = JSON.parse(text) as Answered;
  if (status !== 200) {
    assert.ok([400, 413, 415].includes(status), `${status}: ${text}`);
    assert.ok((answer.code === "ReviewInvalid" || answer.code === "ReviewTooLarge") && (answer.message ?? "").length > 10, text);
    return status;
  }
  assert.ok(isReview(answer), JSON.stringify(isReview.errors));
  const { response } = answer;
  assert.ok(response !== undefined);
  assert.equal(response.uid, uidOf(body));
  assert.ok(text.length < 64 * 1024, "an answer is small");
  assert.ok((response.status?.details?.causes.length ?? 0) <= 50 && (response.warnings?.join("").length ?? 0) <= 4096);
  if (response.patch !== undefined) assert.ok(Array.isArray(JSON.parse(Buffer.from(response.patch, "base64").toString())));
  return status;
}

const path = fc.constantFrom("/validate", "/validate", "/mutate");

/** Reviews of objects that are anything. */
const anyObject = fc
  .tuple(fc.jsonValue({ maxDepth: 5 }), fc.jsonValue({ maxDepth: 3 }), fc.constantFrom("CREATE", "UPDATE", "DELETE"), fc.constantFrom("Provider", "Notification"))
  .map(([spec, old, operation, kind]) => JSON.stringify(review(kind === "Provider" ? provider(spec) : notification(spec), { operation, oldObject: kind === "Provider" ? provider(old) : notification(old) })));

/** Real reviews with characters put in, taken out and doubled. */
const damaged = fc
  .tuple(fc.constantFrom(...real), fc.array(fc.tuple(fc.nat(), fc.nat(30), fc.constantFrom("", "{", "}", '"', "\\", "null", "[", "1e999", ",", '"__proto__":', "\u0000", "é")), { minLength: 1, maxLength: 4 }))
  .map(([text, cuts]) => cuts.reduce((body, [place, length, put]) => {
    const from = place % body.length;
    return body.slice(0, from) + put + body.slice(from + length);
  }, text));

type Json = Record<string, unknown> | unknown[];

/** Real and sampled reviews with one value somewhere replaced by another. */
const replaced = fc.tuple(fc.constantFrom(...real, ...samples.map(({ object }) => JSON.stringify(review(object)))), fc.array(fc.nat(), { minLength: 1, maxLength: 12 }), fc.jsonValue({ maxDepth: 3 })).map(([text, steps, value]) => {
  const body = JSON.parse(text) as Record<string, unknown>;
  // What is around the object stays: requests without it are damaged above.
  let node = (body["request"] as Record<string, Json>)["object"] ?? [];
  for (const [at, step] of steps.entries()) {
    const keys = Object.keys(node);
    const key = keys[step % Math.max(1, keys.length)];
    if (key === undefined) break;
    const inner = (node as Record<string, unknown>)[key];
    if (typeof inner !== "object" || inner === null || at === steps.length - 1) {
      (node as Record<string, unknown>)[key] = value;
      break;
    }
    node = inner as Json;
  }
  return JSON.stringify(body);
});

test("every review, whatever is in it, is answered with its uid or refused with a sentence; and memory stays flat", async (t) => {
  const server = await serving(t);
  const statuses = new Map<number, number>();
  let answered = 0;
  const all = async (count: number): Promise<void> => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(anyObject, damaged, replaced, replaced), path, async (body, to) => {
        const status = await isAnswered(server, to, body);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        answered += 1;
      }),
      { numRuns: count },
    );
  };
  await all(runs / 4);
  collect();
  const before = process.memoryUsage().heapUsed;
  await all((runs * 3) / 4);
  collect();
  const growth = process.memoryUsage().heapUsed - before;
  assert.ok(growth < maxGrowthBytes, `the heap grew by ${growth} bytes`);
  assert.ok(answered >= runs);
  for (const status of [200, 400]) assert.ok((statuses.get(status) ?? 0) > runs / 20, `${status}: ${statuses.get(status) ?? 0} times`);
  assert.deepEqual(server.log.filter(({ level }) => level === "error"), [], "nothing failed inside");
});

test("reviews of a real API server are answered as they are: its own objects are good", async (t) => {
  const server = await serving(t);
  for (const body of real) {
    const { status, text } = await server.post("/validate", body);
    assert.deepEqual([status, (JSON.parse(text) as Answered).response?.allowed], [200, true]);
    assert.equal(await isAnswered(server, "/mutate", body), 200);
  }
});

test("bytes that are no UTF-8, keys that stand there twice, and names of Object.prototype are answered like all else", async (t) => {
  const server = await serving(t);
  const [text = ""] = real;
  const spec = (json: string): string => text.replace(/"spec":\{"cloudEvents":\{/, `"spec":${json},"was":{"x":{`);
  assert.notEqual(spec("{}"), text);
  for (const body of [
    Buffer.concat([Buffer.from(text.slice(0, 900)), Buffer.from([0xff, 0xfe, 0xc0, 0x80]), Buffer.from(text.slice(900))]),
    Buffer.from(text, "utf16le"),
    spec('{"type":"SlackApp","type":"GitHubApp","githubApp":{},"githubApp":{"appId":1}}'),
    spec('{"__proto__":{"githubApp":{"appId":1}},"constructor":{"prototype":{"polluted":true}}}'),
    spec('{"type":"constructor","toString":1,"hasOwnProperty":null}'),
    text.replace('"uid":"', '"uid":"a","uid":"'),
  ]) {
    await isAnswered(server, "/validate", body);
    await isAnswered(server, "/mutate", body);
  }
  assert.equal(Object.hasOwn(Object.prototype, "polluted"), false);
});
