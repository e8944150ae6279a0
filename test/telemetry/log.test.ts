import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { CodedError } from "../../src/errors.ts";
import { createLogger, silentLogger, type LeveledLogger, type LogLevel } from "../../src/telemetry/log.ts";
import { createRedactor, type Redactor } from "../../src/telemetry/redact.ts";

interface Logged {
  readonly log: LeveledLogger;
  readonly redactor: Redactor;
  readonly text: () => string;
  readonly lines: () => Record<string, unknown>[];
}

/** A logger to a file of its own. */
function logger(t: TestContext, level: LogLevel = "info"): Logged {
  const folder = mkdtempSync(join(tmpdir(), "log-"));
  const file = join(folder, "log");
  const fd = openSync(file, "w");
  t.after(() => {
    closeSync(fd);
    rmSync(folder, { recursive: true });
  });
  const redactor = createRedactor();
  const text = (): string => readFileSync(file, "utf8");
  return {
    log: createLogger(level, redactor, fd),
    redactor,
    text,
    lines: () => text().split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

describe("a log line", () => {
  it("is one line of JSON: level, time, fields, message", (t) => {
    const { log, text, lines } = logger(t);
    log.info("caught up", { runs: 3, name: "a\nb", absent: undefined });
    assert.equal(text().split("\n").length, 2);
    const { time, ...rest } = lines()[0] ?? {};
    assert.deepEqual(rest, { level: "info", runs: 3, name: "a\nb", message: "caught up" });
    assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it("is left out below the level", (t) => {
    const { log, lines } = logger(t, "warn");
    for (const level of ["debug", "info", "warn", "error"] as const) log[level](level);
    assert.deepEqual(lines().map(({ message }) => message), ["warn", "error"]);
  });

  it("has a message that is known when the program is compiled", (t) => {
    const { log, lines } = logger(t);
    const name: string = t.name;
    const either = name === "" ? "one text" : "another text";
    log.info(either);
    // @ts-expect-error what varies goes into fields
    log.info(name);
    // @ts-expect-error nor is it put into the message
    log.info(`about ${name}`);
    assert.equal(lines().length, 3);
  });

  it("is left out below a level that is set later", (t) => {
    const { log, lines } = logger(t, "error");
    log.info("one");
    log.setLevel("debug");
    log.debug("two");
    assert.equal(log.level(), "debug");
    log.setLevel("warn");
    log.info("three");
    assert.deepEqual(lines().map(({ message }) => message), ["two"]);
  });

  it("of a silent logger is none", () => {
    for (const level of ["debug", "info", "warn", "error"] as const) {
      silentLogger[level]("nothing");
    }
    assert.deepEqual(Object.keys(silentLogger), ["debug", "info", "warn", "error"]);
  });
});

describe("fields", () => {
  it("hold no secret, however deep it stands and whatever characters it has", (t) => {
    const { log, redactor, text } = logger(t);
    const secrets = ['pass"word\\with/quotes', "plain-secret", "line one of it\nline two of it"];
    for (const secret of secrets) redactor.learn(secret);
    log.info("x", { text: `a ${secrets[0]} b`, deep: { list: [{ secret: secrets[0], other: secrets[1] }], "plain-secret": 1 }, both: secrets[2] });
    for (const piece of ["pass", "quotes", "plain-secret", "line one", "line two"]) assert.ok(!text().includes(piece), `${piece} in ${text()}`);
  });

  it("of every shape make a line", (t) => {
    const { log, lines } = logger(t);
    const cycle: Record<string, unknown> = { name: "cycle" };
    cycle["self"] = cycle;
    log.info("x", { cycle, big: 12n, none: null, list: [1, "a", null], key: { pem: "-----BEGIN PRIVATE KEY-----\nMIIE" }, urls: { a: "//x:y", b: "z@w" }, at: () => 1 });
    const [line] = lines();
    assert.deepEqual([line?.["big"], line?.["none"], line?.["list"], line?.["key"], line?.["urls"]], ["12", null, [1, "a", null], { pem: "[redacted]" }, { a: "//x:y", b: "z@w" }]);
    assert.ok(JSON.stringify(line?.["cycle"]).length < 300);
  });
});

describe("errors", () => {
  it("of ours are code, class, message and the names of their causes, without a stack", (t) => {
    const { log, lines } = logger(t);
    const cause = new TypeError("fetch failed for https://x/s3cret", { cause: Object.assign(new Error("connect s3cret"), { code: "ECONNREFUSED" }) });
    log.warn("x", { error: new CodedError("ServiceUnreachable", "no answer from x", { cause }) });
    assert.deepEqual(lines()[0]?.["error"], { name: "CodedError", code: "ServiceUnreachable", class: "retryable", message: "no answer from x", causes: ["TypeError", "Error ECONNREFUSED"] });
  });

  it("of others show their place, cleaned, and an endless chain of causes ends", (t) => {
    const { log, redactor, lines } = logger(t);
    redactor.learn("very-secret");
    const error = new RangeError("bad very-secret");
    error.cause = error;
    log.error("x", { error });
    const shown = lines()[0]?.["error"] as { name: string; message: string; stack: string; causes: string[] };
    assert.deepEqual([shown.name, shown.message, shown.causes.length], ["RangeError", "bad [redacted]", 5]);
    assert.ok(shown.stack.includes("log.test.ts") && !shown.stack.includes("very-secret"));
  });
});
