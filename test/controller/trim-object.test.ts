import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Type } from "typebox";
import { goDuration, strings, timestamp } from "../../src/api/cel-schema.ts";
import { trimmerOf } from "../../src/controller/trim-object.ts";

const trim = trimmerOf(
  Type.Object({
    text: Type.Optional(Type.String({ maxLength: 4 })),
    at: Type.Optional(timestamp("When.")),
    span: Type.Optional(goDuration("How long.")),
    count: Type.Optional(Type.Integer()),
    any: Type.Optional(Type.Unknown()),
    map: Type.Optional(strings(3, { description: "Texts." })),
    list: Type.Optional(Type.Array(Type.Object({ name: Type.Optional(Type.String({ maxLength: 2 })) }), { maxItems: 2 })),
  }),
);

describe("trimmerOf", () => {
  it("keeps what the schema declares, within its bounds", () => {
    const value = { text: "abc", at: "2026-01-01T00:00:00Z", span: "1h0m0.5s", count: 3, any: { deep: [1] }, list: [{ name: "a" }, { name: "b" }] };
    assert.deepEqual(trim(value), value);
    assert.deepEqual(trim({ text: "abc🚀", list: [{ name: "abc", other: 1 }, {}, { name: "c" }] }), { text: "abc…", list: [{ name: "a…" }, {}] });
  });

  it("leaves out what is not declared, of another type, or null", () => {
    assert.deepEqual(trim({ other: 1, text: 1, at: "yesterday", span: "soon", count: 1.5, any: null, map: "x", list: {} }), { map: Object.create(null) as object });
    assert.deepEqual(trim({ list: ["x", { name: 1 }] }), { list: [{}] });
    for (const wrong of [null, undefined, 1, "text", []]) assert.equal(trim(wrong), undefined);
  });

  it("reads own fields only, and gives maps without a prototype", () => {
    assert.deepEqual(trim(Object.create({ text: "abc" })), {});
    const { map } = trim({ map: JSON.parse('{"__proto__": "a", "long": "abcd", "number": 1}') as object }) as { map: object };
    assert.deepEqual([Object.entries(map), Object.getPrototypeOf(map)], [[["__proto__", "a"]], null]);
  });
});
