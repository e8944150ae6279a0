import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parse } from "yaml";
import type { Provider } from "../../src/api/provider.ts";
import { errorCatalogue, type ErrorCode } from "../../src/errors.ts";
import type { AccessReviews } from "../../src/kube/access-reviews.ts";
import type { CheckedKind } from "../../src/webhook/check-schema.ts";
import { checkObject } from "../../src/webhook/check-object.ts";
import { checkPermission } from "../../src/webhook/check-permission.ts";
import { checkProvider, type ProviderReader } from "../../src/webhook/check-provider.ts";
import { own } from "../../src/webhook/json-value.ts";
import { compiledFilter } from "../../src/webhook/check-selection.ts";
import { withDefaults } from "../../src/webhook/defaults.ts";
import { placed, type Problem } from "../../src/webhook/problem.ts";
import { decodeReview } from "../../src/webhook/review.ts";
import { plain, providers, type Manifest } from "../webhook/changed.ts";
import { review } from "../webhook/objects.ts";

const file = join(import.meta.dirname, "../../docs/reference/admission.md");
const page = readFileSync(file, "utf8");

const isMap = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);

/** The example put over a good object; null takes a field out. */
function over(base: unknown, example: unknown): unknown {
  if (!isMap(base) || !isMap(example)) return example;
  const merged = Object.entries(example).map(([key, value]) => [key, key in base ? over(base[key], value) : value] as const);
  return Object.fromEntries(Object.entries({ ...base, ...Object.fromEntries(merged) }).filter(([, value]) => value !== null));
}

/** The Provider that has the example's section, else that of GitHub. */
function baseOf(example: Record<string, unknown>): Manifest {
  const fits = Object.values(providers).filter(({ spec }) => Object.keys(spec as object).some((key) => key !== "type" && key in example));
  const [only] = fits;
  return fits.length === 1 && only !== undefined ? only : providers.github;
}

interface Row {
  readonly line: string;
  readonly code: string;
  readonly check: string;
  readonly kind: CheckedKind;
  readonly user: string;
  readonly example: Record<string, unknown>;
  readonly said: string;
}

function rowsOf(code: string, section: string): Row[] {
  return Array.from(section.matchAll(/^\| (.+?) \| (Provider|Notification)(?: of (\w+))? `(\{.*?\})` \| (.*?) ?\|$/gm), ([line, check = "", kind, user = "jane", example = "", said = ""]) => ({
    line, code, check, kind: kind as CheckedKind, user, example: parse(example.replaceAll("\\|", "|")) as Record<string, unknown>, said,
  }));
}

const part = (title: string): string => page.split(`\n## ${title}\n`)[1]?.split("\n## ")[0] ?? "";
const sectionsOf = (text: string): readonly (readonly [title: string, text: string])[] => text.split("\n### ").slice(1).map((section) => [section.split("\n")[0] ?? "", section] as const);
const codesIn = (title: string): readonly (readonly [string, string])[] => sectionsOf(part(title)).filter(([code]) => code in errorCatalogue);

const reviews: AccessReviews = { isAllowed: ({ username }, { name, namespace }) => Promise.resolve(name !== "of-others" && username !== "mallory" && (username !== "eve" || namespace !== "")) };
const reader: ProviderReader = { find: ({ name }) => Promise.resolve(name === "github" ? (providers.github as unknown as Provider) : undefined) };

async function judged({ code, kind, user, example }: Row): Promise<{ readonly errors: readonly Problem[]; readonly warnings: readonly Problem[] }> {
  const base = kind === "Provider" ? baseOf(example) : plain;
  const object = withDefaults({ ...base, spec: over(base["spec"], example) });
  const { signal } = new AbortController();
  const found = checkObject(object, { namespace: "ci", ownIdentityNamespaces: new Set(code === "CredentialsRequired" ? [] : ["ci"]), egress: { development: false } });
  const missing = await checkPermission(kind, decodeReview(review(object, { userInfo: { username: user } })), reviews, signal);
  const doubtful = kind === "Notification" && "providerRef" in example ? await checkProvider({ object, compilation: compiledFilter(own(object, "spec")) }, "ci", reader, signal) : [];
  return { errors: [...found.errors, ...missing], warnings: [...found.warnings, ...doubtful] };
}

const written = (problem: Problem): string => `${problem.field}: ${placed(problem)}`.replaceAll("|", "\\|");

/** Run with UPDATE_GOLDEN=1 to write anew what is said, and read what has changed. */
function hold(row: Row, found: readonly Problem[]): void {
  assert.deepEqual(found.map(({ code }) => code), [row.code], JSON.stringify(found));
  const [problem] = found;
  assert.ok(problem !== undefined);
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, readFileSync(file, "utf8").replace(row.line, () => row.line.replace(/\| [^|]*\|$/, () => `| ${written(problem)} |`)));
  else assert.equal(row.said, written(problem));
}

describe("docs/reference/admission.md", () => {
  for (const [code, section] of codesIn("Refused")) {
    for (const row of rowsOf(code, section)) {
      it(`${code}: ${row.check}`, async () => {
        hold(row, (await judged(row)).errors.slice(0, row.code === "PermissionMissing" ? 1 : undefined));
      });
    }
  }
  for (const [code, section] of codesIn("Warned about")) {
    for (const row of rowsOf(code, section)) {
      it(`warns, ${code}: ${row.check}`, async () => {
        const { errors, warnings } = await judged(row);
        assert.deepEqual(errors, []);
        hold(row, warnings);
      });
    }
  }

  it("has every code that admission can answer with, and an example for each", () => {
    const shown = [...codesIn("Refused"), ...codesIn("Warned about")];
    for (const [code, section] of shown) {
      assert.notEqual(rowsOf(code, section).length, 0, `${code} has no example`);
      assert.equal(section.match(/^\| (?!what is checked )/gm)?.length, rowsOf(code, section).length, `${code}: a row that is not understood`);
    }
    const others = Array.from(part("No object at all").matchAll(/^\| `(\w+)` \|/gm), ([, code = ""]) => code);
    const ofDelivery = ["EgressDenied", "CredentialsRequired", "ProviderNotFound"];
    const expected = [...(Object.keys(errorCatalogue) as ErrorCode[]).filter((code) => errorCatalogue[code].area === "admission"), ...ofDelivery];
    assert.deepEqual([...shown.map(([code]) => code), ...others].toSorted(), expected.toSorted());
  });

  it("says of every code what the catalogue says", () => {
    for (const [code, section] of [...codesIn("Refused"), ...codesIn("Warned about")]) {
      const { meaning, remedy } = errorCatalogue[code as ErrorCode];
      assert.ok(section.includes(`\n${meaning} ${remedy}\n`), code);
    }
  });

  it("shows what kubectl says, to the letter", () => {
    assert.ok(page.includes(readFileSync("test/testdata/golden/unknown-variable.txt", "utf8")));
  });
});
