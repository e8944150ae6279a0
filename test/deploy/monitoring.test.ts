import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { parse, stringify } from "yaml";
import { exposedName, metricCatalogue } from "../../src/telemetry/metrics.ts";
import { requireTool } from "../support/require.ts";

const folder = join(import.meta.dirname, "../../deploy/monitoring");

interface Rule {
  readonly alert: string;
  readonly expr: string;
}

const rules = (parse(readFileSync(join(folder, "rules.yaml"), "utf8")) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules);

const panels = (JSON.parse(readFileSync(join(folder, "dashboard.json"), "utf8")) as { panels: { title: string; targets?: { expr: string }[] }[] }).panels;
const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr.replaceAll("$__rate_interval", "5m")));

/** Every name that a metric is exposed under, and its labels. */
const exposed = new Map(
  Object.entries(metricCatalogue).flatMap(([name, { type, labels }]): [string, readonly string[]][] =>
    type === "histogram" ? [[`${exposedName(name)}_bucket`, [...labels, "le"]], [`${exposedName(name)}_count`, labels], [`${exposedName(name)}_sum`, labels]] : [[exposedName(name), labels]]),
);

/** Metrics of our own in an expression, each with the labels that it is asked or grouped by. */
function asked(expression: string): [name: string, labels: string[]][] {
  const grouped = [...expression.matchAll(/ by \(([^)]*)\)/g)].flatMap(([, names = ""]) => names.split(",").map((name) => name.trim()));
  return [...expression.matchAll(/(tekton_integrations_\w+)(?:\{([^}]*)\})?/g)].map(([, name = "", matchers = ""]) => [name, [...grouped, ...[...matchers.matchAll(/(\w+)\s*[!=]/g)].map(([, label = ""]) => label)]]);
}

const unknown = (expressions: readonly string[]): string[] =>
  expressions.flatMap(asked).flatMap(([name, labels]) => {
    const known = exposed.get(name);
    return known === undefined ? [name] : labels.filter((label) => !known.includes(label)).map((label) => `${name}{${label}}`);
  });

test("alerts and dashboard ask for metrics and labels that there are", () => {
  assert.ok(rules.length >= 8 && queries.length >= 15);
  assert.deepEqual(unknown([...rules.map(({ expr }) => expr), ...queries]), []);
  assert.deepEqual(unknown(['sum by (pod) (tekton_integrations_nonsense{a="b"})', 'tekton_integrations_leader{namespace="x"}']), ["tekton_integrations_nonsense", "tekton_integrations_leader{namespace}"]);
});

test("every metric of our own is on the dashboard", () => {
  const shown = new Set(queries.flatMap(asked).map(([name]) => name.replace(/_bucket$/, "")));
  assert.deepEqual(Object.keys(metricCatalogue).map(exposedName).filter((name) => !shown.has(name)), []);
});

test("docs/operations.md says what to do about every alert, and tells of no other", () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/operations.md"), "utf8");
  const told = [...page.matchAll(/^\| `(TektonIntegrations\w+)` \|/gm)].map(([, name]) => name);
  assert.deepEqual(told, rules.map(({ alert }) => alert));
});

const promtool = (t: TestContext, ...args: readonly string[]): string | undefined => (requireTool(t, "promtool") ? execFileSync("promtool", args, { encoding: "utf8", stdio: "pipe" }) : undefined);

test("Prometheus takes the rules, and alerts when it should and not before", (t) => {
  assert.match(promtool(t, "check", "rules", join(folder, "rules.yaml")) ?? "SUCCESS", /SUCCESS/);
  assert.match(promtool(t, "test", "rules", join(import.meta.dirname, "rules.yaml")) ?? "SUCCESS", /SUCCESS/);
  const tested = readFileSync(join(import.meta.dirname, "rules.yaml"), "utf8");
  assert.deepEqual(rules.map(({ alert }) => alert).filter((alert) => !tested.includes(`alertname: ${alert}\n`)), [], "each alert fires in a test");
});

test("Prometheus understands every query of the dashboard", (t) => {
  const work = mkdtempSync(join(tmpdir(), "tekton-integrations-dashboard-"));
  t.after(() => {
    rmSync(work, { recursive: true });
  });
  const file = join(work, "queries.yaml");
  writeFileSync(file, stringify({ groups: [{ name: "queries", rules: queries.map((expr, index) => ({ record: `query:${index}`, expr })) }] }));
  assert.match(promtool(t, "check", "rules", file) ?? "SUCCESS", new RegExp(`${queries.length} rules found|SUCCESS`));
});
