import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { NotificationFilter } from "../../src/api/notification.ts";
import { faultText } from "../../src/api/fault.ts";
import { runStatuses, type RunEvent } from "../../src/api/run-event.ts";
import { compileFilter, type Match } from "../../src/controller/match.ts";
import { takeSteps } from "../../src/controller/match-expression.ts";
import { deepFreeze, runEvent } from "./runs.ts";

const match = (filter: NotificationFilter, event: Partial<RunEvent> = {}): Match => compileFilter(filter, "ci", runStatuses).match(deepFreeze(runEvent(event)));

/** Why the filter does not select the event; "" when it does. */
const why = (filter: NotificationFilter, event: Partial<RunEvent> = {}): string => {
  const result = match(filter, event);
  return result.matched ? "" : result.why;
};

const parent = { kind: "PipelineRun", name: "build", uid: "1" } as const;
const labels = (fields: Record<string, string>): { labels: Record<string, string> } => ({ labels: Object.assign(Object.create(null) as Record<string, string>, fields) });

describe("kinds", () => {
  for (const [kinds, kind, expected] of [
    [undefined, "PipelineRun", ""],
    [undefined, "TaskRun", "kinds: TaskRun is not in [PipelineRun]"],
    [["TaskRun", "CustomRun"], "CustomRun", ""],
    [["TaskRun", "CustomRun"], "PipelineRun", "kinds: PipelineRun is not in [TaskRun, CustomRun]"],
  ] as const) {
    it(`${kinds?.join(", ") ?? "left out"}: ${kind} ${expected === "" ? "is selected" : "is not"}`, () => {
      const filter: NotificationFilter = kinds === undefined ? {} : { kinds: [...kinds] };
      assert.equal(why(filter, { kind }), expected);
      assert.equal(compileFilter(filter, "ci", runStatuses).kinds.has(kind), expected === "");
    });
  }
});

describe("children", () => {
  const refused = "children: the run belongs to another run";
  for (const [what, filter, event, expected] of [
    ["a PipelineRun of nobody", {}, {}, ""],
    ["a nested PipelineRun", {}, { parent }, refused],
    ["a nested PipelineRun whose kind is named", { kinds: ["PipelineRun"] }, { parent }, refused],
    ["a nested PipelineRun, children: false", { children: false }, { parent }, refused],
    ["a nested PipelineRun, children: true", { children: true }, { parent }, ""],
    ["a TaskRun of a PipelineRun", {}, { kind: "TaskRun", parent }, "kinds: TaskRun is not in [PipelineRun]"],
    ["a TaskRun of a PipelineRun, children: true", { children: true }, { kind: "TaskRun", parent }, "kinds: TaskRun is not in [PipelineRun]"],
    ["a TaskRun of a PipelineRun whose kind is named", { kinds: ["PipelineRun", "TaskRun"] }, { kind: "TaskRun", parent }, ""],
    ["a CustomRun of a PipelineRun whose kind is named", { kinds: ["CustomRun"] }, { kind: "CustomRun", parent }, ""],
  ] as const) {
    it(`${what} ${expected === "" ? "is selected" : "is not selected"}`, () => {
      assert.equal(why(filter as NotificationFilter, event), expected);
    });
  }
});

describe("namespaceSelector", () => {
  it("left out selects the Notification's own namespace", () => {
    assert.equal(why({}), "");
    assert.equal(why({}, { namespace: "prod" }), "namespaceSelector: prod is not in [ci]");
  });

  it("selects namespaces by name, any, or those that are known to have the labels", () => {
    const names = { matchNames: ["ci", "prod"] };
    assert.deepEqual([why({ namespaceSelector: names }), why({ namespaceSelector: names }, { namespace: "prod" })], ["", ""]);
    assert.equal(why({ namespaceSelector: names }, { namespace: "test" }), "namespaceSelector: test is not in [ci, prod]");
    assert.equal(why({ namespaceSelector: { any: true } }, { namespace: "test" }), "");
    const byLabels = (namespace: string) => compileFilter({ namespaceSelector: { matchLabels: { a: "b" } } }, "ci", runStatuses, { selected: new Set(["prod"]), served: new Set(["prod"]) }).match(runEvent({ namespace }));
    assert.deepEqual([byLabels("prod"), byLabels("ci")], [{ matched: true }, { matched: false, why: "namespaceSelector: ci does not have the labels" }]);
  });

  it("selects no run that the Provider does not take", () => {
    const matcher = compileFilter({ namespaceSelector: { any: true } }, "ci", runStatuses, { selected: undefined, served: new Set(["ci"]) });
    assert.deepEqual([matcher.match(runEvent()), matcher.match(runEvent({ namespace: "prod" }))], [{ matched: true }, { matched: false, why: "RunsNotCovered: the Provider's runNamespaces do not include prod" }]);
  });
});

describe("statuses", () => {
  it("left out are those of the Provider's type", () => {
    assert.deepEqual(compileFilter({}, "ci", ["Failed"]).match(runEvent()), { matched: false, why: "statuses: Running is not in [Failed]" });
  });

  it("select those named", () => {
    assert.equal(why({ statuses: ["Failed", "TimedOut"] }), "statuses: Running is not in [Failed, TimedOut]");
    assert.equal(why({ statuses: ["Failed", "TimedOut"] }, { status: "TimedOut" }), "");
    assert.deepEqual([...compileFilter({ statuses: ["Failed"] }, "ci", runStatuses).statuses], ["Failed"]);
  });
});

describe("labelSelector", () => {
  const requirement = (key: string, operator: "In" | "NotIn" | "Exists" | "DoesNotExist", ...values: string[]): NotificationFilter => ({
    labelSelector: { matchExpressions: [{ key, operator, ...(values.length > 0 && { values }) }] },
  });
  for (const [what, filter, fields, expected] of [
    ["matchLabels", { labelSelector: { matchLabels: { a: "1", b: "" } } }, { a: "1", b: "" }, ""],
    ["matchLabels", { labelSelector: { matchLabels: { a: "1", b: "" } } }, { a: "1" }, "labelSelector: label b is not "],
    ["matchLabels", { labelSelector: { matchLabels: { a: "1" } } }, { a: "2" }, "labelSelector: label a is not 1"],
    ["In", requirement("a", "In", "1", "2"), { a: "2" }, ""],
    ["In", requirement("a", "In", "1", "2"), {}, "labelSelector: label a does not fit In"],
    ["NotIn", requirement("a", "NotIn", "1"), {}, ""],
    ["NotIn", requirement("a", "NotIn", "1"), { a: "1" }, "labelSelector: label a does not fit NotIn"],
    ["Exists", requirement("a", "Exists"), { a: "" }, ""],
    ["Exists", requirement("a", "Exists"), {}, "labelSelector: label a does not fit Exists"],
    ["DoesNotExist", requirement("a", "DoesNotExist"), {}, ""],
    ["DoesNotExist", requirement("a", "DoesNotExist"), { a: "" }, "labelSelector: label a does not fit DoesNotExist"],
    ["a hostile name, absent", requirement("constructor", "DoesNotExist"), {}, ""],
    ["a hostile name, absent", requirement("toString", "Exists"), {}, "labelSelector: label toString does not fit Exists"],
    ["a hostile name, there", { labelSelector: { matchLabels: { constructor: "x" } } }, { constructor: "x" }, ""],
  ] as const) {
    it(`${what} ${expected === "" ? "selects" : "does not select"} ${JSON.stringify(fields)}`, () => {
      assert.equal(why(filter as unknown as NotificationFilter, labels(fields as unknown as Record<string, string>)), expected);
      assert.equal(why(filter as unknown as NotificationFilter, { labels: { ...(fields as unknown as Record<string, string>) } }), expected, "whatever the map's prototype");
    });
  }
});

describe("results", () => {
  const results = { digest: "sha256:1f2e", list: ["a"], empty: "" };
  for (const [condition, expected] of [
    [{ name: "digest" }, ""],
    [{ name: "digest", exists: true }, ""],
    [{ name: "digest", exists: false }, "results: digest exists"],
    [{ name: "other" }, "results: other does not exist"],
    [{ name: "other", exists: false }, ""],
    [{ name: "constructor" }, "results: constructor does not exist"],
    [{ name: "empty", value: "" }, ""],
    [{ name: "digest", value: "sha256:1f2e" }, ""],
    [{ name: "digest", value: "other" }, "results: digest has another value"],
    [{ name: "list", value: "a" }, "results: list has another value"],
    [{ name: "digest", matches: "^sha256:[0-9a-f]+$" }, ""],
    [{ name: "digest", matches: "sha512" }, "results: digest does not match"],
    [{ name: "list", matches: "a" }, "results: list does not match"],
    [{ name: "other", value: "x" }, "results: other does not exist"],
    [{ name: "other", matches: "x" }, "results: other does not exist"],
  ] as const) {
    it(`${JSON.stringify(condition)} ${expected === "" ? "holds" : "does not hold"}`, () => {
      assert.equal(why({ results: [condition] }, { results }), expected);
    });
  }

  it("must all hold", () => {
    assert.equal(why({ results: [{ name: "digest" }, { name: "other" }] }, { results }), "results: other does not exist");
  });

  it("with a pattern that takes too many steps are an error, not a plain non-match", () => {
    const filter = { results: [{ name: "log", matches: "(ab|cd|ef){20}z" }] };
    assert.deepEqual(match(filter, { results: { log: "abcdefgh".repeat(2_500) } }), {
      matched: false, why: "results: FilterBudgetExceeded", error: true, fault: { field: "spec.filter.results[0].matches", code: "FilterBudgetExceeded" },
    });
    assert.equal(why(filter, { results: { log: "short" } }), "results: log does not match");
  });

  it("with many patterns have the steps of one", () => {
    const filter = (count: number): NotificationFilter => ({ results: Array.from({ length: count }, (_, index) => ({ name: `r${index}`, matches: "(ab|cd){10}z|a" })) });
    const many = Object.fromEntries(Array.from({ length: 32 }, (_, index) => [`r${index}`, "abcdefgh".repeat(60)]));
    assert.equal(why(filter(1), { results: many }), "");
    const all = match(filter(32), { results: many });
    assert.ok(!all.matched && all.fault?.code === "FilterBudgetExceeded");
    assert.equal(why(filter(1), { results: many }), "", "the next run has all of them again");
  });

  it("are asked for patterns last", () => {
    assert.equal(why({ results: [{ name: "digest", matches: "sha512" }, { name: "other" }] }, { results }), "results: other does not exist");
  });

  it("with a broken pattern match nothing and are reported", () => {
    const matcher = compileFilter({ results: [{ name: "digest" }, { name: "digest", matches: "(" }] }, "ci", runStatuses);
    assert.match(matcher.problems.join(), /^spec\.filter\.results\[1\]\.matches: missing closing \)/);
    assert.deepEqual(matcher.match(runEvent({ results })), { matched: false, why: "results: PatternInvalid", error: true });
  });
});

describe("expression", () => {
  it("says once how many steps it took, and nothing where it was not asked", () => {
    takeSteps();
    match({ statuses: ["Failed"], expression: "true" });
    assert.equal(takeSteps(), undefined);
    match({ expression: 'status == "Running"' });
    assert.deepEqual([takeSteps(), takeSteps()], [0, undefined]);
    match({ expression: "[1, 2, 3].map(n, n * 2).exists(n, n > 100)" });
    const few = takeSteps() ?? 0;
    match({ expression: "[1, 2, 3, 4, 5, 6].map(n, n * 2).exists(n, n > 100)" });
    assert.ok(few > 0 && (takeSteps() ?? 0) > few);
  });

  it("selects where it is true", () => {
    assert.equal(why({ expression: 'status == "Running" && namespace == "ci"' }), "");
    assert.equal(why({ expression: 'status == "Failed"' }), "expression: is false");
  });

  it("that reads what is absent is a plain non-match that names it and its place", () => {
    assert.deepEqual(match({ expression: 'results.digest == "x"' }), { matched: false, why: "expression: results.digest is absent (1:1)" });
  });

  it("that fails is an error that names code and place, without run data", () => {
    const result = match({ expression: "results.count > 1" }, { results: { count: "s3cret-value" } });
    assert.ok(!result.matched && result.error === true);
    assert.match(result.why, /^expression: Filter[A-Za-z]+ at 1:\d+$/);
    assert.deepEqual(result.fault, { field: "spec.filter.expression", code: "FilterWrongType", line: 1, column: 15 });
    assert.equal(result.why, `expression: ${faultText(result.fault).replace("spec.filter.expression: ", "")}`);
  });

  it("that is not valid matches nothing and is reported with its place", () => {
    const matcher = compileFilter({ expression: "stauts == 1" }, "ci", runStatuses);
    assert.match(matcher.problems.join("\n"), /^spec\.filter\.expression:1:1: /);
    assert.deepEqual(matcher.match(runEvent()), { matched: false, why: "expression: is not valid", error: true });
  });
});

describe("parts", () => {
  it("are asked in the order kinds, namespace, statuses, children, labels, results, expression", () => {
    const filter: NotificationFilter = { statuses: ["Failed"], labelSelector: { matchLabels: { a: "1" } }, results: [{ name: "r" }], expression: "false" };
    const steps: [Partial<RunEvent>, string][] = [
      [{ kind: "TaskRun", namespace: "prod", parent }, "kinds"],
      [{ namespace: "prod", parent }, "namespaceSelector"],
      [{ parent }, "statuses"],
      [{ parent, status: "Failed" }, "children"],
      [{ status: "Failed" }, "labelSelector"],
      [{ status: "Failed", labels: { a: "1" } }, "results"],
      [{ status: "Failed", labels: { a: "1" }, results: { r: "" } }, "expression"],
    ];
    assert.deepEqual(steps.map(([event]) => why(filter, event).split(":")[0]), steps.map(([, part]) => part));
  });
});
