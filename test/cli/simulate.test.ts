import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { parseAllDocuments, stringify } from "yaml";
import { main } from "../../src/cli/main.ts";
import { readRecording } from "../support/replay-recording.ts";

interface Line {
  readonly notification: string;
  readonly run: { readonly kind: string; readonly namespace: string; readonly name: string; readonly uid: string };
  readonly status: string;
  readonly reason: string;
  readonly matched: boolean;
  readonly why?: string;
  readonly faults?: readonly string[];
  readonly requests: readonly { readonly provider: string; readonly method: string; readonly url: string; readonly headers: Record<string, string>; readonly body: unknown }[];
}

const api = "integrations.tekton.ornew.io/v1alpha1";
const namespace = String(readRecording("failed-step")[0]?.object.metadata["namespace"]);
const object = (kind: string, name: string, spec: object): object => ({ apiVersion: api, kind, metadata: { name, namespace }, spec });
const github = object("Provider", "github", { githubApp: { appId: 1, privateKey: { secretRef: { name: "k" } } } });
const events = object("Provider", "events", { cloudEvents: { url: "https://events.example.com/x?y=z" } });
const notification = (name: string, provider: string, filter: object = {}, rest: object = {}): object => object("Notification", name, { providerRef: { name: provider }, filter, ...rest });
const yaml = (...objects: object[]): string => objects.map((each) => stringify(each)).join("---\n");
const recording = (name: string): string => readRecording(name).map((event) => JSON.stringify(event)).join("\n");

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly lines: Line[];
}

async function simulate(t: TestContext, config: string, runs: string, options: { args?: readonly string[]; stdin?: string } = {}): Promise<Ended> {
  const folder = await mkdtemp(join(tmpdir(), "simulate-"));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "config.yaml"), config);
  await writeFile(join(folder, "runs"), runs);
  const { args = ["-f", "CONFIG", "--runs", "RUNS", "-o", "json"], stdin = "" } = options;
  let out = "";
  let err = "";
  const io = { out: (text: string) => void (out += text), err: (text: string) => void (err += text), stdin: () => Promise.resolve(stdin) };
  const words = args.map((arg) => arg.replace("CONFIG", join(folder, "config.yaml")).replace("RUNS", join(folder, "runs")));
  const code = await main(["simulate", ...words], new AbortController().signal, io);
  const lines = out.startsWith("{") ? out.trim().split("\n").map((line) => JSON.parse(line) as Line) : [];
  return { code, out, err: err.replaceAll(folder, ""), lines };
}

const states = (lines: readonly Line[]): string[] => lines.map(({ status, reason, matched, requests }) => `${status}/${reason} ${matched ? "matched" : "not"} ${requests.length}`);

describe("simulate -o json", () => {
  it("knows the run before a run by their times, wherever they stand in the file", async (t) => {
    const run = (name: string, created: string, ended: string, succeeded: boolean): string =>
      JSON.stringify({
        apiVersion: "tekton.dev/v1",
        kind: "PipelineRun",
        metadata: { name, namespace, uid: name, creationTimestamp: created, labels: { "tekton.dev/pipeline": "shop" } },
        status: { completionTime: ended, conditions: [{ type: "Succeeded", status: succeeded ? "True" : "False", reason: succeeded ? "Succeeded" : "Failed", lastTransitionTime: ended }] },
      });
    const runs = [run("c", "2026-01-01T00:20:00Z", "2026-01-01T00:25:00Z", true), run("b", "2026-01-01T00:10:00Z", "2026-01-01T00:15:00Z", true), run("a", "2026-01-01T00:00:00Z", "2026-01-01T00:05:00Z", false)];
    const recovery = { expression: 'status == "Succeeded" && has(previous.status) && previous.status != "Succeeded"' };
    const { lines } = await simulate(t, yaml(events, notification("recovery", "events", recovery)), runs.join("\n"));
    assert.deepEqual(lines.map(({ run: { name }, matched }) => [name, matched]), [["c", false], ["b", true], ["a", false]]);
    const [request] = lines[1]?.requests ?? [];
    assert.deepEqual((request?.body as { data: { previous: unknown } }).data.previous, { status: "Failed", reason: "Failed", name: "a", completionTime: "2026-01-01T00:05:00Z" });
  });

  it("writes one line for each Notification and change, repeats included, in the order of the file", async (t) => {
    const config = yaml(github, events, notification("a", "github"), notification("b", "events", { statuses: ["Failed"] }));
    const { code, lines, err } = await simulate(t, config, recording("failed-step"));
    assert.deepEqual([code, err], [0, ""]);
    assert.deepEqual(states(lines.filter((line) => line.notification === `${namespace}/a`)), ["Pending/ matched 1", "Pending/ matched 0", "Running/Running matched 0", "Running/Running matched 0", "Failed/Failed matched 1"]);
    assert.deepEqual(states(lines.filter((line) => line.notification === `${namespace}/b`)), ["Pending/ not 0", "Pending/ not 0", "Running/Running not 0", "Running/Running not 0", "Failed/Failed matched 1"]);
    assert.deepEqual(lines.map((line) => line.notification.at(-1)).join(""), "abababab" + "ab");
    assert.ok(lines.every(({ run, why, matched }) => run.kind === "PipelineRun" && run.uid.length === 36 && matched === (why === undefined)));
    assert.equal(lines[1]?.why, "statuses: Pending is not in [Failed]");
  });

  it("shows the exact requests, credentials masked", async (t) => {
    const { lines } = await simulate(t, yaml(github, notification("a", "github")), recording("failed-step"));
    const { provider, method, url, headers, body } = lines.at(-1)?.requests[0] ?? assert.fail();
    assert.deepEqual([provider, method, headers["authorization"], (body as { state: string }).state], ["GitHubApp", "POST", "[redacted]", "failure"]);
    assert.match(url, /^https:\/\/api\.github\.com\/repos\/[^/]+\/[^/]+\/statuses\/[0-9a-f]{40}$/);
  });

  it("shows that a check run is created and then updated, and what is not known of it", async (t) => {
    const { lines } = await simulate(t, yaml(github, notification("a", "github", {}, { githubApp: { report: "CheckRun" } })), recording("failed-step"));
    const requests = lines.flatMap((line) => line.requests.map(({ method, url, body }) => [method, url.replace(/^.*(?=\/check-runs)/, ""), (body as { status: string }).status]));
    assert.deepEqual(requests, [["POST", "/check-runs", "queued"], ["PATCH", "/check-runs/[varies]", "in_progress"], ["PATCH", "/check-runs/[varies]", "completed"]]);
  });

  it("says why nothing is sent for a run that is selected", async (t) => {
    const elsewhere = object("Provider", "github", { githubApp: { appId: 1, privateKey: { secretRef: { name: "k" } }, repositories: [{ match: "nobody/nothing" }] } });
    for (const [provider, section, why] of [[elsewhere, {}, /^RepositoryNotAllowed: /], [github, { sha: "${params.none}" }, /^NoCommit: /]] as const) {
      const { lines } = await simulate(t, yaml(provider, notification("a", "github", {}, { githubApp: section })), recording("failed-step"));
      assert.ok(lines.length > 0 && lines.every((line) => line.matched && line.requests.length === 0 && why.test(line.why ?? "")));
    }
  });

  it("renders templates, and tells which of their parts failed", async (t) => {
    const subject = { cloudEvents: { subject: "${pipeline} ${status} ${1 / size(params.none)}${int(name)}" } };
    const { code, lines } = await simulate(t, yaml(events, notification("a", "events", { statuses: ["Failed"] }, subject)), recording("failed-step"));
    const { faults, requests: [request] } = lines.at(-1) ?? assert.fail();
    assert.equal(code, 0);
    assert.match((request?.body as { subject: string }).subject, /^\S+ Failed$/);
    assert.deepEqual(faults, ["spec.cloudEvents.subject: FilterInvalidValue at 1:49"]);
  });

  it("shows the Notification's message where it goes, and which of its parts failed", async (t) => {
    const message = { message: { title: "${pipeline}: ${status}", url: "https://example.com/${int(name)}" } };
    const { lines } = await simulate(t, yaml(github, notification("a", "github", { statuses: ["Failed"] }, message)), recording("failed-step"));
    const { faults, requests: [request] } = lines.at(-1) ?? assert.fail();
    const { description, target_url: target } = request?.body as { description: string; target_url: string };
    assert.match(description, /^[a-z0-9-]+: Failed$/);
    assert.equal(target, "https://example.com/");
    assert.deepEqual(faults, ["spec.message.url: FilterInvalidValue at 1:23"]);
  });

  it("lists only runs of the selected kinds and the Notification's namespace", async (t) => {
    const config = yaml(events, notification("a", "events", { kinds: ["TaskRun"] }), { ...object("Notification", "b", { providerRef: { name: "x" } }), metadata: { name: "b", namespace: "elsewhere" } });
    const { lines } = await simulate(t, config, recording("failed-step"));
    assert.deepEqual([...new Set(lines.map((line) => `${line.notification} ${line.run.kind}`))], [`${namespace}/a TaskRun`]);
    assert.equal(lines.length, 13);
  });

  it("lists runs of other namespaces that are selected, by the labels of the Namespaces that are given, and sends those that the Provider takes", async (t) => {
    const wide = (name: string, provider: string, namespaceSelector: object): object => ({ ...notification(name, provider, { namespaceSelector, statuses: ["Failed"] }), metadata: { name, namespace: "ops" } });
    const inOps = (name: string, runNamespaces?: object): object => ({ ...events, metadata: { name, namespace: "ops" }, spec: { cloudEvents: { url: "https://events.example.com/" }, ...(runNamespaces !== undefined && { runNamespaces }) } });
    const labelled = { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, labels: { team: "shop" } } };
    const labels = { matchLabels: { team: "shop" } };
    const { lines } = await simulate(t, yaml(labelled, inOps("all", { any: true }), inOps("none"), wide("by-label", "all", labels), wide("by-other-label", "all", { matchLabels: { team: "x" } }), wide("any", "all", { any: true }), wide("not-covered", "none", { any: true })), recording("failed-step"));
    const last = (name: string): unknown[] => lines.filter(({ notification: of, status }) => of === `ops/${name}` && status === "Failed").map(({ matched, why, requests }) => [matched, why, requests.length]).slice(0, 1).flat();
    assert.deepEqual([last("by-label"), last("any"), last("by-other-label")], [[true, undefined, 1], [true, undefined, 1], []]);
    assert.deepEqual(last("not-covered"), [false, `RunsNotCovered: the Provider's runNamespaces do not include ${namespace}`, 0]);
  });

  it("says that there is no such Provider, and what it selects nevertheless", async (t) => {
    const { code, lines } = await simulate(t, yaml(notification("a", "missing")), recording("failed-step"));
    assert.equal(code, 0);
    assert.deepEqual([lines[0]?.matched, lines[0]?.why, lines[0]?.requests], [true, `ProviderNotFound: there is no Provider ${namespace}/missing in the configuration`, []]);
  });

  it("ends a run that is deleted while it runs, and says nothing of one that is deleted afterwards", async (t) => {
    const played = async (name: string): Promise<string[]> => {
      const there = String(readRecording(name)[0]?.object.metadata["namespace"]);
      const config = yaml(github, notification("a", "github")).replaceAll(`namespace: ${namespace}`, `namespace: ${there}`);
      return states((await simulate(t, config, recording(name))).lines);
    };
    assert.deepEqual((await played("deleted-while-running")).at(-1), "Cancelled/Deleted matched 1");
    assert.deepEqual((await played("finished-then-edited-and-pruned")).slice(-7), ["Failed/Failed matched 1", ...Array.from({ length: 6 }, () => "Failed/Failed matched 0")]);
  });

  it("ends at GitHub what the filter no longer selects, and says why it does not select it", async (t) => {
    const { lines } = await simulate(t, yaml(github, notification("a", "github", { statuses: ["Running"] })), recording("failed-step"));
    assert.deepEqual([states(lines).at(-1), lines.at(-1)?.why], ["Failed/Failed not 1", "statuses: Failed is not in [Running]"]);
  });

  it("ignores since when a Notification is active, and takes a suspended one for what it is", async (t) => {
    const { lines } = await simulate(t, yaml(events, notification("a", "events", {}, { suspend: true })), recording("failed-step"));
    assert.ok(lines.length === 5 && lines.every(({ why }) => why === "suspend: the Notification is suspended"));
  });
});

describe("--runs", () => {
  const config = yaml(events, notification("a", "events"));
  const [first, , , , last] = readRecording("failed-step").filter(({ object: { kind } }) => kind === "PipelineRun").map((event) => event.object);
  assert.ok(first !== undefined && last !== undefined);
  const bare = { kind: "PipelineRun", metadata: { name: "by-hand" }, spec: {} };

  for (const [what, text, expected] of [
    ["a list in YAML", stringify({ apiVersion: "v1", kind: "List", items: [first, last] }), 2],
    ["a list in JSON", JSON.stringify({ apiVersion: "tekton.dev/v1", kind: "PipelineRunList", items: [first, last] }, null, 2), 2],
    ["several documents", `${stringify(first)}---\n---\n${stringify(last)}`, 2],
    ["a JSON array", JSON.stringify([first, last]), 2],
    ["one object on one line", JSON.stringify(last), 1],
    ["watch events with bookmarks and other kinds between", [{ type: "ADDED", object: first }, { type: "BOOKMARK", object: { kind: "PipelineRun", metadata: { resourceVersion: "1" } } }, { type: "ADDED", object: { kind: "Pod", metadata: { name: "p" } } }, { type: "MODIFIED", object: last }].map((event) => JSON.stringify(event)).join("\r\n\n"), 2],
    ["nothing", "", 0],
  ] as const) {
    it(`can be ${what}`, async (t) => {
      const { code, lines, err } = await simulate(t, config, text);
      assert.deepEqual([code, err, lines.length], [0, "", expected]);
      if (expected === 2) assert.deepEqual(lines.map(({ status, requests }) => `${status} ${requests.length}`), ["Pending 1", "Failed 1"]);
    });
  }

  it("can hold runs that were written by hand: in the namespace default, each a run of its own", async (t) => {
    const here = config.replaceAll(`namespace: ${namespace}`, "namespace: default");
    const { lines } = await simulate(t, here, stringify({ kind: "List", items: [bare, { ...bare, metadata: { name: "another" } }, bare] }));
    assert.deepEqual(lines.map(({ run, requests }) => `${run.namespace}/${run.name} ${requests.length}`), ["default/by-hand 1", "default/another 1", "default/by-hand 0"]);
  });

  it("or the configuration can be standard input", async (t) => {
    const runs = await simulate(t, config, "", { args: ["-f", "CONFIG", "--runs", "-", "-o", "json"], stdin: JSON.stringify(last) });
    const configuration = await simulate(t, "", JSON.stringify(last), { args: ["-f", "-", "--runs", "RUNS", "-o", "json"], stdin: config });
    assert.deepEqual([runs.lines.length, configuration.lines.length], [1, 1]);
    assert.deepEqual(runs.lines, configuration.lines);
  });
});

describe("without -o json", () => {
  it("says the same for people", async (t) => {
    const config = yaml(github, notification("a", "github", { statuses: ["Running", "Failed"] }), notification("b", "missing"));
    const { out, code } = await simulate(t, config, recording("failed-step"), { args: ["-f", "CONFIG", "--runs", "RUNS"] });
    const name = String(readRecording("failed-step")[0]?.object.metadata.name);
    assert.equal(code, 0);
    assert.ok(out.includes(`PipelineRun ${namespace}/${name}  Pending  ->  ${namespace}/a: not selected (statuses: Pending is not in [Running, Failed])\n`), out);
    assert.ok(out.includes(`Running (Running)  ->  ${namespace}/a: selected, nothing to send\n`));
    assert.match(out, /Failed \(Failed\) {2}-> {2}\S+\/a: 1 request\n {2}POST https:\/\/api\.github\.com\/\S+\n {2}\{"state":"failure"/);
    assert.match(out, /\/b: selected, nothing to send \(ProviderNotFound: /);
  });
});

describe("simulate --explain", () => {
  it("says of every part of the filter whether it holds, and why not", async (t) => {
    const filter = {
      statuses: ["Failed"],
      labelSelector: { matchLabels: { team: "none" } },
      results: [{ name: "digest", value: "x" }],
      expression: 'reason == "Failed"',
    };
    const config = yaml(events, notification("a", "events", filter));
    const { out } = await simulate(t, config, recording("failed-step"), { args: ["-f", "CONFIG", "--runs", "RUNS", "-o", "json", "--explain"] });
    const lines = out.trim().split("\n").map((line) => JSON.parse(line) as Line & { predicates: { name: string; holds: boolean; why?: string }[] });
    assert.ok(lines.length > 2);
    for (const { predicates, matched, why } of lines) {
      assert.deepEqual(predicates.map(({ name }) => name), ["kinds", "namespaceSelector", "statuses", "children", "labelSelector", "results", "expression"]);
      const [first] = predicates.filter(({ holds }) => !holds);
      assert.deepEqual([matched, why], [false, `${first?.name ?? ""}: ${first?.why ?? ""}`]);
      assert.ok(predicates.every(({ holds, why: reason }) => holds === (reason === undefined)));
    }
    const holding = (index: number): string[] => (lines.at(index)?.predicates ?? []).filter(({ holds }) => holds).map(({ name }) => name);
    assert.deepEqual([holding(0), holding(-1)], [["kinds", "namespaceSelector", "children"], ["kinds", "namespaceSelector", "statuses", "children", "expression"]]);

    const people = await simulate(t, config, recording("failed-step"), { args: ["-f", "CONFIG", "--runs", "RUNS", "--explain"] });
    assert.match(people.out, /not selected \(statuses: Pending is not in \[Failed\]\)\n {2}yes kinds\n {2}yes namespaceSelector\n {2}no {2}statuses: Pending is not in \[Failed\]\n {2}yes children\n {2}no {2}labelSelector: /);
    assert.ok(!("predicates" in ((await simulate(t, config, recording("failed-step"))).lines[0] ?? {})), "only where it is asked for");
  });
});

describe("simulate -o yaml", () => {
  it("writes the lines of -o json as documents", async (t) => {
    const config = yaml(github, notification("a", "github"));
    const { lines } = await simulate(t, config, recording("failed-step"));
    const { out, code } = await simulate(t, config, recording("failed-step"), { args: ["-f", "CONFIG", "--runs", "RUNS", "-o", "yaml"] });
    assert.equal(code, 0);
    assert.deepEqual(parseAllDocuments(out).map((document) => document.toJS() as unknown), lines);
    assert.ok(lines.length > 2);
  });
});

describe("what is not understood ends with 2 and says why:", () => {
  const good = yaml(events, notification("a", "events"));
  const all = ["-f", "CONFIG", "--runs", "RUNS"];
  for (const [what, config, runs, args, message] of [
    ["no --runs", good, "", ["-f", "CONFIG"], /both -f and --runs are needed/],
    ["another output", good, "", [...all, "-o", "xml"], /-o, --output: "xml" is not one of json, yaml/],
    ["an unknown flag", good, "", [...all, "--live"], /--live/],
    ["standard input twice", good, "", ["-f", "-", "--runs", "-"], /only one of -f and --runs/],
    ["no such configuration", good, "", ["-f", "CONFIG.missing", "--runs", "RUNS"], /config\.yaml\.missing: no such file/],
    ["no such runs", good, "", ["-f", "CONFIG", "--runs", "RUNS.missing"], /runs\.missing: cannot be read \(ENOENT\)/],
    ["no Notification", yaml(events), "", all, /there is no Notification in /],
    ["a configuration that admission would refuse", yaml(events, notification("a", "events", { expression: "stauts == 1" })), "", all, /config\.yaml, document 2: spec\.filter\.expression: [\s\S]*\(lint shows all errors\)/],
    ["runs that are no YAML", good, "a: [", all, /^tekton-integrations simulate: \/runs: /],
    ["runs that are text", good, "just words", all, /\/runs, document 1: neither an object nor a watch event/],
    ["a run without a name", good, '{"kind": "PipelineRun", "metadata": {}}', all, /\/runs, line 1: a PipelineRun without metadata\.name/],
    ["a broken line", good, `${recording("failed-step")}\n{"type": "ADDED", "object": }`, all, /\/runs/],
  ] as const) {
    it(what, async (t) => {
      const { code, out, err } = await simulate(t, config, runs, { args });
      assert.equal(code, 2);
      assert.match(err, message);
      assert.equal(out, "");
      assert.ok(err.split("\n").length < 12, "no stack");
    });
  }
});
