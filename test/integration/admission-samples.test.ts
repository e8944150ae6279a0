import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ErrorCode } from "../../src/errors.ts";
import { checkSchema, type CheckedKind } from "../../src/webhook/check-schema.ts";
import { withDefaults } from "../../src/webhook/defaults.ts";
import type { Sample } from "../webhook/changed.ts";
import { badNotifications, goodNotifications } from "../webhook/notification-samples.ts";
import { badProviders, goodProviders } from "../webhook/provider-samples.ts";
import { installedTests, type World } from "../support/installed-tests.ts";
import { collectionPath, type KubeObject } from "../support/kube-client.ts";

const test = installedTests();
const golden = join(import.meta.dirname, "../testdata/golden");

interface Cause {
  readonly reason: string;
  readonly field: string;
  readonly message: string;
}

interface Answer {
  readonly status: number;
  readonly message: string;
  readonly causes: readonly Cause[];
}

/** The API server's verdict on an object that is not stored, with the strict field check that kubectl asks for. */
async function create({ plane }: World, { object }: Sample): Promise<Answer> {
  const { apiVersion, kind } = object as unknown as KubeObject;
  const { status, body } = await plane.client.send("POST", `${collectionPath(apiVersion, kind, "ci")}?dryRun=All&fieldValidation=Strict`, { body: object });
  const { message = "", details } = body as { message?: string; details?: { causes?: readonly Cause[] } };
  return { status, message, causes: details?.causes ?? [] };
}

let made: Promise<void> | undefined;
const inNamespace = (world: World): Promise<void> => (made ??= world.createNamespace("ci"));

/** Where a field's cause has a word of Kubernetes' own. */
const reasons: Partial<Record<ErrorCode, string>> = { FieldRequired: "FieldValueRequired", FieldTypeInvalid: "FieldValueTypeInvalid", FieldNotSupported: "FieldValueNotSupported", FieldDuplicate: "FieldValueDuplicate", FieldTooLong: "FieldValueTooLong", FieldTooMany: "FieldValueTooMany", FieldForbidden: "FieldValueForbidden", EgressDenied: "FieldValueForbidden" };

/** Errors of the schema come from the API server itself, before the webhook is asked. */
const isStructural = ({ object }: Sample): boolean => checkSchema(object["kind"] as CheckedKind, withDefaults(object) as Record<string, unknown>).length > 0;

/** The fields that an answer names: in its causes; of unknown fields in the message alone. */
function fieldsOf({ message, causes }: Answer): readonly string[] {
  const unknown = Array.from(message.matchAll(/unknown field "([^"]+)"/g), ([, field = ""]) => field);
  return [...unknown, ...causes.map(({ field }) => field).filter((field) => field !== "<nil>")];
}

test("the API server with the webhook accepts every good object of the table", async (world) => {
  await inNamespace(world);
  for (const sample of [...goodProviders, ...goodNotifications]) {
    const { status, message } = await create(world, sample);
    assert.equal(status, 201, `${sample.what}: ${message}`);
  }
});

test("what the schema does not say is refused by the webhook, with exactly the causes of the table", async (world) => {
  await inNamespace(world);
  const judged = [...badProviders, ...badNotifications].filter((sample) => !isStructural(sample));
  assert.ok(judged.length >= 60, `${judged.length} objects`);
  for (const sample of judged) {
    const { status, causes } = await create(world, sample);
    const key = (field: string, reason: string): string => `${field} ${reason}`;
    const expected = sample.errors.map(([field, code]) => key(field, reasons[code] ?? "FieldValueInvalid")).toSorted();
    assert.deepEqual([status, causes.map(({ field, reason }) => key(field, reason)).toSorted()], [422, expected], sample.what);
    for (const [field, , part] of sample.errors) assert.ok(causes.some((cause) => cause.field === field && cause.message.includes(part)), `${sample.what}: ${field}: ${part}`);
  }
});

test("what the schema says is refused by the API server, and every field that it names is among lint's", async (world) => {
  await inNamespace(world);
  const structural = [...badProviders, ...badNotifications].filter(isStructural);
  assert.ok(structural.length >= 60, `${structural.length} objects`);
  for (const sample of structural) {
    const answer = await create(world, sample);
    assert.ok(answer.status === 422 || answer.status === 400, `${sample.what}: ${answer.status} ${answer.message}`);
    const fields = fieldsOf(answer);
    assert.notEqual(fields.length, 0, `${sample.what}: ${answer.message}`);
    const known = sample.errors.map(([field]) => field);
    for (const field of fields) assert.ok(known.includes(field), `${sample.what}: the API server names ${field}, lint ${known.join(", ")}: ${answer.message}`);
  }
});

/** Run with UPDATE_GOLDEN=1 to write the texts anew, and read what has changed: it is what users see. */
test("kubectl apply says of ten bad manifests what is kept in test/testdata/golden", async (world) => {
  await inNamespace(world);
  const manifests = readdirSync(golden).filter((file) => file.endsWith(".yaml"));
  assert.ok(manifests.length >= 10);
  for (const manifest of manifests) {
    const { code, stdout, stderr } = await world.plane.kubectl(["apply", "-n", "ci", "-f", join(golden, manifest)], { allowFailure: true });
    assert.deepEqual([code, stdout], [1, ""], manifest);
    // What Kubernetes 1.30 puts where there is no value.
    const text = stderr.replaceAll(golden, "").replaceAll(/"\/([^"]+\.yaml)"/g, '"$1"').replaceAll('Invalid value: "null": ', "Invalid value: null: ").replaceAll('Invalid value: "object": ', "Invalid value: ");
    const file = join(golden, manifest.replace(/\.yaml$/, ".txt"));
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, text);
    assert.equal(text, readFileSync(file, "utf8"), manifest);
  }
});
