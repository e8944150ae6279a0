import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, runEventEnvironment } from "../../src/filter/index.ts";
import { Bytes } from "../../src/filter/values.ts";
import { sampleEvent } from "./sample-event.ts";

function valueOf(source: string): unknown {
  const { program, errors } = compile(source, { environment: runEventEnvironment });
  assert.ok(program, `${source}: ${errors[0]?.message ?? ""}`);
  const outcome = program.evaluate(sampleEvent());
  assert.ok(outcome.kind === "value", source);
  return outcome.value;
}

test("strings are what their escapes, quotes and prefixes say", () => {
  const strings: readonly (readonly [string, string])[] = [
    [String.raw`"\x41\101\u00e9\U0001F600"`, "AAé😀"], [String.raw`'a\'b"c'`, "a'b\"c"], [String.raw`r"\x41\"`, "\\x41\\"], [String.raw`R'\'`, "\\"],
    ['"""a"b\nc"""', 'a"b\nc'], ["'''it's'''", "it's"], ['"é😀"', "é😀"], ['"\\377"', "ÿ"],
  ];
  for (const [source, text] of strings) {
    assert.equal(valueOf(source), text, source);
  }
  assert.equal(valueOf(String.raw`"\a\b\f\n\r\t\v\\\?\"\'\`" == "\x07\x08\x0c\x0a\x0d\x09\x0b\x5c\x3f\x22\x27\x60"`), true);
});

test("a line break in a string is one \\n, whatever the file's are", () => {
  for (const source of ['"""a\r\nb"""', '"""a\rb"""', 'r"""a\r\nb"""', "'''a\nb'''"]) {
    assert.equal(valueOf(source), "a\nb");
  }
  assert.equal(valueOf('"a\\r\\nb"'), "a\r\nb");
});

test("bytes are UTF-8, and single bytes where the escapes are", () => {
  const bytes: readonly (readonly [string, readonly number[]])[] = [
    ['b"é😀"', [0xc3, 0xa9, 0xf0, 0x9f, 0x98, 0x80]], [String.raw`b"\xff\377\x41"`, [0xff, 0xff, 0x41]], [String.raw`br"\x"`, [0x5c, 0x78]], [String.raw`B'''\n'''`, [10]], ['b""', []], [String.raw`b"\"é\""`, [0x22, 0xc3, 0xa9, 0x22]],
  ];
  for (const [source, expected] of bytes) {
    assert.deepEqual(valueOf(source), new Bytes(Buffer.from(expected)), source);
  }
});
