import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readRecording, recordingNames } from "../support/replay-recording.ts";
import { lacking } from "../support/require.ts";
import { picture } from "./picture.ts";

function demo(environment: NodeJS.ProcessEnv = {}): Promise<{ code: number | null; lines: string[] }> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, ...environment };
    // Else the demo's processes would take themselves for test files.
    delete env["NODE_TEST_CONTEXT"];
    const child = spawn(process.execPath, [join(import.meta.dirname, "main.ts")], { env, stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
    child.on("error", reject);
    child.on("close", (code) => {
      resolve({ code, lines: output.split("\n") });
    });
  });
}

/** The rows of the summary: Notification, runs selected, messages, faults. */
function summaryOf(lines: readonly string[]): Map<string, readonly number[]> {
  const begin = lines.findIndex((line) => line.trim().startsWith("Notification ") && line.includes("faults"));
  const rows = lines.slice(begin + 1, lines.indexOf("", begin)).map((line) => line.trim().split(/\s+/));
  return new Map(rows.map(([name = "", ...numbers]) => [name, numbers.map(Number)]));
}

test("the demo ends with 0, and its summary counts what the receivers were seen to accept", async (t) => {
  const { code, lines } = await demo();
  const unavailable = lines.find((line) => line.startsWith("No control plane can be had"));
  if (unavailable !== undefined) {
    assert.equal(code, 0);
    lacking(t, unavailable);
    return;
  }
  assert.equal(code, 0, lines.slice(-40).join("\n"));
  const summary = summaryOf(lines);
  const shown = (request: RegExp): number => lines.filter((line) => request.test(line)).length;
  const subject = (name: string): number => shown(new RegExp(`"subject":"${name}"`));
  assert.equal(summary.get("github-commit-statuses")?.[1], shown(/-> GitHub +POST \S+\/statuses\/\S+ {2}201$/));
  assert.equal(summary.get("failures-to-slack")?.[1], shown(/^ +\{"channel":"C0123456789"/));
  assert.equal(summary.get("runs-in-slack")?.[1], shown(/^ +\{"channel":"(?:#deployments|C9876543210)"/));
  assert.ok(shown(/^ +\{"channel":"C9876543210","edited":/) > 0 && shown(/^ +\{"channel":"C9876543210","reply to":/) > 0, "messages at Slack are edited, and replied to");
  assert.equal(summary.get("ends")?.[1], shown(/-> SNS +POST \/ {2}200$/));
  assert.equal(summary.get("run-states")?.[1], shown(/-> Pub\/Sub +POST \S+:publish {2}200$/));
  assert.equal((summary.get("pipeline-runs")?.[1] ?? 0) + (summary.get("failures-signed")?.[1] ?? 0), shown(/-> events +POST \S+ {2}202$/));
  for (const name of ["failures", "payments-team", "images", "shop-api-pull-requests"]) assert.equal(summary.get(name)?.[1], subject(name), name);
  assert.equal(shown(/-> alerts +POST \S+ {2}202$/), ["failures", "payments-team", "images", "shop-api-pull-requests"].reduce((sum, name) => sum + subject(name), 0));
  assert.deepEqual([...summary].slice(0, -1).map(([name, [runs]]) => [name, runs]), [
    ["github-commit-statuses", 11], ["failures-to-slack", 5], ["runs-in-slack", 5], ["ends", 11], ["run-states", 11], ["pipeline-runs", 11], ["failures-signed", 5],
    ["failures", 10], ["payments-team", 4], ["images", 2], ["shop-api-pull-requests", 2]]);
  assert.deepEqual([summary.get("failures-to-slack")?.[1], summary.get("ends")?.[1], summary.get("failures-signed")?.[1]], [5, 11, 5]);
  assert.equal(summary.get("total")?.[2], 0);
  const refusal = lines.findIndex((line) => line.includes('The Notification "bad-filter" is invalid: spec.filter.expression: 1:1: '));
  assert.match(lines[refusal + 2] ?? "", /^\s+\^$/);
  assert.ok(lines.some((line) => line.trim() === "expression\t<string>"), "kubectl explain documents the fields");
  const events = recordingNames().reduce((sum, name) => sum + readRecording(name).length, 0);
  assert.ok(lines.includes(`  ${recordingNames().length} recordings played: ${events} events of 52 runs`));
  // With UPDATE_GOLDEN=1 the picture in README is drawn anew.
  const file = join(import.meta.dirname, "../../docs/demo.svg");
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, picture(lines));
  assert.equal(readFileSync(file, "utf8"), picture(lines), "README shows what the demo prints");
  assert.equal(shown(/-> /), shown(/-> \S+ +(?:POST|GET) \S+ {2}20[0-2]$/), "every request was accepted");
});

test("without a control plane the demo says so, and shows lint and simulate on the same files", async () => {
  const { code, lines } = await demo({ KUBEBUILDER_ASSETS: "/nonexistent" });
  assert.equal(code, 0, lines.join("\n"));
  assert.ok(lines.some((line) => line.startsWith("No control plane can be had on this machine: ")));
  const refusal = lines.findIndex((line) => line.includes("there is no variable `statuss` (did you mean `status`?)"));
  assert.match(lines[refusal + 1] ?? "", /statuss == "Failed"/);
  assert.match(lines[refusal + 2] ?? "", /^\s+\^$/);
  assert.ok(lines.some((line) => line.includes("POST https://api.github.com/repos/example-org/shop-api/statuses/")));
  assert.equal(lines.at(-2), "Done, without a control plane.");
});
