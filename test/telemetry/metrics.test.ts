import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { createMetrics, exposedName, metricCatalogue } from "../../src/telemetry/metrics.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/reference/metrics.md"), "utf8");
const rows = page.split("\n").filter((line) => line.startsWith("| `")).map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));

describe("docs/reference/metrics.md", () => {
  it("lists every metric of the catalogue with its type, labels and meaning, and no other", () => {
    const expected = Object.entries(metricCatalogue).map(([name, { type, labels, help }]) => [
      `\`${exposedName(name)}\``,
      type,
      labels.length === 0 ? "-" : labels.map((label) => `\`${label}\``).join(", "),
      help,
    ]);
    assert.deepEqual(rows, expected);
  });
});

describe("metrics", () => {
  it("are exposed under their full names, with help and type", async () => {
    const { contentType, body } = await createMetrics().render();
    assert.match(contentType, /^text\/plain; version=0\.0\.4/);
    for (const [name, { type, help }] of Object.entries(metricCatalogue)) {
      assert.ok(body.includes(`# HELP ${exposedName(name)} ${help}\n# TYPE ${exposedName(name)} ${type}\n`), name);
    }
    assert.doesNotMatch(body, /process_cpu/);
    assert.match((await createMetrics({ nodeMetrics: true }).render()).body, /process_cpu/);
  });

  it("follow Prometheus' conventions", () => {
    for (const [name, { type, help, labels }] of Object.entries(metricCatalogue)) {
      assert.match(name, /^[a-z]+(_[a-z]+)*$/);
      assert.equal(name.endsWith("_total"), type === "counter", name);
      if (type === "histogram") assert.match(name, /_(seconds|steps)$/);
      assert.match(help, /^[A-Z].*\.$/);
      // Labels of unbounded values would make unbounded series.
      assert.ok(labels.every((label) => !["name", "namespace", "run", "uid", "notification"].includes(label)), name);
    }
  });

  it("count, set and observe, each process for itself", async () => {
    const metrics = createMetrics();
    const other = createMetrics();
    metrics.add("deliveries_total", { provider_type: "GitHubApp", result: "delivered" });
    metrics.add("deliveries_total", { provider_type: "GitHubApp", result: "delivered" }, 2);
    metrics.set("deliveries_owed", {}, 7);
    metrics.set("deliveries_owed", {}, 3);
    metrics.observe("delivery_latency_seconds", { provider_type: "GitHubApp" }, 0.02);
    const { body } = await metrics.render();
    assert.match(body, /^tekton_integrations_deliveries_total\{provider_type="GitHubApp",result="delivered"\} 3$/m);
    assert.match(body, /^tekton_integrations_deliveries_owed 3$/m);
    assert.match(body, /^tekton_integrations_delivery_latency_seconds_bucket\{le="0\.01",provider_type="GitHubApp"\} 0$/m);
    assert.match(body, /^tekton_integrations_delivery_latency_seconds_bucket\{le="0\.025",provider_type="GitHubApp"\} 1$/m);
    assert.match((await other.render()).body, /^tekton_integrations_deliveries_owed 0$/m);
  });
});
