import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { helpOption } from "../../src/cli/command.ts";
import { commands } from "../../src/cli/commands.ts";
import { requireTool } from "../support/require.ts";
import { runCli } from "../support/run-cli.ts";

const scriptOf = async (shell: string): Promise<string> => (await runCli(["completion", shell])).out;

/** What a real bash offers for the last of these words. */
async function complete(t: TestContext, words: readonly string[], cwd = process.cwd()): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "completion-"));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "script"), await scriptOf("bash"));
  // As bash does it: the function that is registered for the command, with the words and the place of the cursor.
  const program = 'source "$1/script"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); function=$(complete -p "$1" | sed "s/.*-F \\([^ ]*\\) .*/\\1/"); "$function" "$1"; printf "%s\\n" "${COMPREPLY[@]}"';
  const { stdout, stderr, status } = spawnSync("bash", ["--norc", "-euc", program, "bash", folder, ...words], { encoding: "utf8", cwd });
  assert.deepEqual([status, stderr], [0, ""], words.join(" "));
  return stdout.split("\n").filter((word) => word !== "");
}

describe("completion in bash", () => {
  for (const program of ["tekton-integrations", "tkn-integrations"]) {
    it(`offers the commands, for ${program}`, async (t) => {
      assert.deepEqual(await complete(t, [program, ""]), [...commands.map(({ name }) => name), "help", "--help"]);
      assert.deepEqual(await complete(t, [program, "de"]), ["deliveries"]);
    });
  }

  it("offers every option of every command, and no other", async (t) => {
    for (const { name, options } of commands) {
      const expected = Object.entries({ ...options, help: helpOption }).map(([option]) => `--${option}`);
      assert.deepEqual((await complete(t, ["tekton-integrations", name, "--"])).toSorted(), expected.toSorted(), name);
    }
  });

  it("offers the values that an option can have", async (t) => {
    assert.deepEqual(await complete(t, ["tekton-integrations", "lint", "-o", ""]), ["json", "yaml", "github"]);
    assert.deepEqual(await complete(t, ["tekton-integrations", "deliveries", "-n", "ci", "--state", "De"]), ["Delivered", "DeadLetter"]);
    assert.deepEqual(await complete(t, ["tekton-integrations", "serve", "--log-level", "w"]), ["warn"]);
    assert.deepEqual(await complete(t, ["tekton-integrations", "completion", ""]), ["-h", "--help", "bash", "zsh", "fish"]);
  });

  it("offers files where one is to be named, and nothing where a name is free", async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "completed-"));
    t.after(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, "a notification.yaml"), "");
    assert.deepEqual(await complete(t, ["tekton-integrations", "lint", "-f", "a"], folder), ["a notification.yaml"]);
    assert.deepEqual(await complete(t, ["tekton-integrations", "send", "--run", ""], folder), []);
  });
});

describe("completion", () => {
  it("names every option in the scripts of the other shells", async () => {
    for (const shell of ["zsh", "fish"]) {
      const script = await scriptOf(shell);
      for (const { options } of commands) for (const name of Object.keys(options)) assert.ok(script.includes(shell === "fish" ? `-l ${name}` : `--${name}[`), `${shell} ${name}`);
    }
  });

  for (const shell of ["bash", "zsh", "fish"]) {
    it(`is a script that ${shell} can read`, async (t) => {
      if (shell !== "bash" && spawnSync(shell, ["--version"]).error !== undefined) {
        t.skip(`${shell} is not on this machine`);
        return;
      }
      if (shell === "bash" && !requireTool(t, shell)) return;
      const { status, stderr } = spawnSync(shell, ["-n"], { encoding: "utf8", input: await scriptOf(shell) });
      assert.deepEqual([status, stderr], [0, ""]);
    });
  }

  it("of another shell, or of none, is refused with exit code 2", async () => {
    for (const args of [["tcsh"], [], ["bash", "zsh"]]) assert.equal((await runCli(["completion", ...args])).code, 2);
  });
});
