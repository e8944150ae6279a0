import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { lintCommand } from "../../src/cli/lint.ts";
import { checkObject } from "../../src/webhook/check-object.ts";
import { withDefaults } from "../../src/webhook/defaults.ts";
import { placed, type Problem } from "../../src/webhook/problem.ts";
import type { Said, Sample } from "./changed.ts";
import { badNotifications, goodNotifications } from "./notification-samples.ts";
import { badProviders, goodProviders } from "./provider-samples.ts";

const bad = [...badProviders, ...badNotifications];
const good = [...goodProviders, ...goodNotifications];

const shown = (said: readonly (readonly [string, string, string])[]): string => said.map((one) => one.join(" | ")).join("\n");
const byField = (a: readonly [string, string, string], b: readonly [string, string, string]): number => a[0].localeCompare(b[0]);

/** Each problem is the expected one, in whatever order the checks come. */
function sameProblems(found: readonly Problem[], expected: readonly Said[]): void {
  const actual = found.map((problem) => [problem.field, problem.code, placed(problem)] as const).toSorted(byField);
  const wanted = expected.toSorted(byField);
  const isSame = actual.length === wanted.length && wanted.every(([field, code, part], at) => actual[at]?.[0] === field && actual[at][1] === code && actual[at][2].includes(part));
  assert.ok(isSame, `found\n${shown(actual)}\ninstead of\n${shown(wanted)}`);
}

const check = (object: unknown) => checkObject(withDefaults(object), { namespace: "ci", ownIdentityNamespaces: new Set(), egress: { development: true } });

describe("admission refuses", () => {
  for (const { what, object, errors } of bad) {
    it(`${String(object["kind"])}: ${what}`, () => {
      assert.notEqual(errors.length, 0);
      sameProblems(check(object).errors, errors);
    });
  }
});

describe("admission accepts", () => {
  for (const { what, object, warnings } of good) {
    it(`${String(object["kind"])}: ${what}`, () => {
      const found = check(object);
      sameProblems(found.errors, []);
      sameProblems(found.warnings, warnings);
    });
  }
});

interface Linted {
  readonly errors: readonly (Problem & { readonly document: number })[];
  readonly warnings: readonly (Problem & { readonly document: number })[];
}

async function lint(samples: readonly Sample[]): Promise<Linted> {
  let out = "";
  const stdin = samples.map(({ object }) => JSON.stringify(object)).join("\n---\n");
  const io = { stdin: () => Promise.resolve(stdin), out: (text: string) => (out += text), err: () => undefined };
  await lintCommand.run(["-f", "-", "-o", "json"], io, new AbortController().signal);
  return JSON.parse(out) as Linted;
}

/** What lint cannot know: where the installation lets Providers send. */
const isOfTheInstallation = ({ code }: { readonly code: string }): boolean => code === "EgressDenied";

describe("lint", () => {
  it("finds in every bad object what admission finds", async () => {
    const { errors, warnings } = await lint(bad);
    for (const [index, sample] of bad.entries()) {
      const mine = (all: Linted["errors"]): Linted["errors"] => all.filter(({ document }) => document === index + 1);
      const found = [...mine(errors), ...mine(warnings).filter(isOfTheInstallation)];
      try {
        sameProblems(found, sample.errors);
      } catch (error) {
        assert.fail(`${sample.what}: ${String(error)}`);
      }
      assert.ok(mine(errors).length > 0 || sample.errors.every(([, code]) => code === "EgressDenied"), sample.what);
    }
  });

  it("accepts every good object, with the same warnings", async () => {
    const { errors, warnings } = await lint(good);
    assert.deepEqual(errors, []);
    for (const [index, sample] of good.entries()) {
      sameProblems(warnings.filter(({ document }) => document === index + 1), sample.warnings);
    }
  });
});

it("the table is large enough to prove something, and has every object once", () => {
  assert.ok(bad.length >= 120 && good.length >= 60, `${bad.length} bad, ${good.length} good`);
  for (const samples of [bad, good]) assert.equal(new Set(samples.map(({ object }) => JSON.stringify(object))).size, samples.length);
});
