import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { Ajv } from "ajv";
import formats from "ajv-formats";
import { bad, good } from "./objects.ts";

const ajv = new Ajv({ strict: true, strictRequired: false, allErrors: true });
formats.default(ajv);
const validators = new Map(
  ["provider", "notification", "delivery"].map((kind) => [kind, ajv.compile(JSON.parse(readFileSync(`schemas/${kind}.json`, "utf8")) as object)]),
);

const accepted = (object: { readonly kind: string }): boolean => {
  const validate = validators.get(object.kind.toLowerCase());
  assert.ok(validate !== undefined);
  return validate(object);
};

describe("the JSON Schemas accept", () => {
  for (const { what, object } of good) it(what, () => { assert.equal(accepted(object), true); });
});

describe("the JSON Schemas refuse", () => {
  for (const { what, object } of bad) it(what, () => { assert.equal(accepted(object), false); });
});
