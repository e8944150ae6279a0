import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, it } from "node:test";
import { parse, parseAllDocuments } from "yaml";
import { readConfig } from "../../src/config.ts";
import { freePort } from "../support/control-plane/components.ts";
import { eventually } from "../support/wait.ts";
import { codeBlocks, pages } from "./pages.ts";

const page = pages().find(({ path }) => path === "docs/getting-started.md");
assert.ok(page !== undefined);
const blocks = codeBlocks(page, "yaml");

interface Deployment {
  readonly kind: string;
  readonly spec: { readonly template: { readonly spec: { readonly containers: readonly { readonly image: string; readonly command: readonly string[] }[] } } };
}

describe("docs/getting-started.md", () => {
  it("has a receiver that prints name, status and reason of a run", async (t) => {
    const objects = blocks.flatMap((block) => parseAllDocuments(block).map((document) => document.toJS() as Deployment));
    const [container] = objects.find(({ kind }) => kind === "Deployment")?.spec.template.spec.containers ?? [];
    const [program = "", ...args] = container?.command ?? [];
    assert.equal(program, "node");
    const port = await freePort();
    const child = spawn(process.execPath, args.map((arg) => arg.replace("listen(8080)", `listen(${port}, "127.0.0.1")`)), { stdio: ["ignore", "pipe", "inherit"] });
    t.after(async () => {
      child.kill();
      await once(child, "exit");
    });
    let printed = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (printed += text));
    const body = JSON.stringify({ specversion: "1.0", data: { name: "hello", status: "Failed", reason: "Failed" } });
    await eventually("the receiver answers", async () => (await fetch(`http://127.0.0.1:${port}`, { method: "POST", body }).catch(() => undefined))?.status === 202);
    await eventually("it prints the event", () => printed.startsWith("hello Failed Failed\n"));
    assert.ok(page.text.includes("prints `hello Failed Failed`"));
  });

  it("sets flags of serve in the environment that serve reads", () => {
    const patched = blocks.filter((block) => /^kind: Kustomization$/m.test(block)).map((block) => parse(block) as { readonly patches: readonly { readonly patch: string }[] });
    const variables = patched.flatMap(({ patches }) => patches.flatMap(({ patch }) => (parse(patch) as { value: { name: string; value: string }[] }[]).flatMap(({ value }) => value)));
    assert.equal(variables.length, 2);
    assert.equal(readConfig([], {}).egressAllowHttp, false);
    for (const { name, value } of variables) assert.equal(readConfig([], { [name]: value }).egressAllowHttp, true);
  });

  it("names the image as the manifests do", () => {
    const tags = new Set(page.text.match(/tekton-integrations:\d+\.\d+\.\d+/g));
    assert.deepEqual([...tags], ["tekton-integrations:0.1.0"]);
  });
});
