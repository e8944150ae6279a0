import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { describe, it } from "node:test";
import { main } from "../../src/cli/main.ts";
import { fencedBlocks, pages } from "./pages.ts";

interface Shown {
  readonly path: string;
  readonly command: string;
  readonly args: readonly string[];
}

/** The words of a shell's command, quotes taken off. */
const words = (line: string): string[] => Array.from(line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g), ([, single, double, plain]) => single ?? double ?? plain ?? "");

const call = /(?:npm run -s cli --|\bnpx tekton-integrations|\btekton-integrations|\btkn integrations) ((?:lint|eval|simulate|send|deliveries|redeliver|serve|completion)\b[^\n|>)`]*)/g;

/** Every call of our command line in the blocks of the documentation, and between backquotes. */
function shownCommands(): Shown[] {
  return pages().filter(({ path }) => path !== "CHANGELOG.md").flatMap((page) => {
    const blocks = fencedBlocks(page).filter(({ info }) => ["sh", "console", "yaml"].includes(info)).map(({ text }) => text);
    const inText = [...page.text.replace(/^(`{3,})[\s\S]*?^\1$/gm, "").matchAll(/`([^`\n]+)`/g)].map(([, text = ""]) => text);
    return [...blocks, ...inText].flatMap((text) => Array.from(text.matchAll(call), ([, line = ""]) => {
      const [command = "", ...args] = words(line);
      return { path: page.path, command, args };
    }));
  });
}

async function run(args: readonly string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  let out = "";
  let err = "";
  const io = { out: (text: string) => void (out += text), err: (text: string) => void (err += text), stdin: () => Promise.resolve("") };
  const code = await main(args, new AbortController().signal, io);
  return { code, out, err };
}

/** The flags of a call, `--name=value` without its value. */
const flagsOf = (args: readonly string[]): string[] => args.filter((arg) => /^--?[a-zA-Z]/.test(arg)).map((arg) => arg.replace(/=.*$/, ""));

const takesFiles = new Set(["-f", "--runs", "--run", "--event", "--filters"]);

/** The files that a call reads; others than those of this checkout are the reader's. */
const filesOf = (args: readonly string[]): string[] => args.filter((_, index) => takesFiles.has(args[index - 1] ?? ""));

const commands = shownCommands();
const offline = commands.filter(({ command, args }) => ["lint", "eval", "simulate"].includes(command) && filesOf(args).length > 0 && filesOf(args).every((file) => /^(?:examples|test)\b/.test(file)));

describe("every call of the command line in the documentation", () => {
  it("is of a command and of flags that its help names", async () => {
    assert.ok(commands.length >= 12, String(commands.length));
    const helps = new Map<string, string>();
    for (const { path, command, args } of commands) {
      if (!helps.has(command)) helps.set(command, (await run([command, "--help"])).out);
      const help = helps.get(command) ?? "";
      const unknown = flagsOf(args).filter((flag) => !new RegExp(`(?:^|[\\s,[(|])${flag}(?![\\w-])`, "m").test(help));
      assert.deepEqual(unknown, [], `${path}: ${command} ${args.join(" ")}\n${help}`);
    }
  });

  it("on files of the checkout does what the page says: it is understood, and examples are valid but for the bad one", async () => {
    assert.ok(offline.length >= 3);
    assert.deepEqual(offline.flatMap(({ args }) => filesOf(args)).filter((file) => !existsSync(file)), []);
    for (const { path, command, args } of offline) {
      const { code, out, err } = await run([command, ...args]);
      const line = `${path}: ${command} ${args.join(" ")}\n${err}`;
      if (filesOf(args).includes("examples/")) {
        assert.equal(code, 1, line);
        assert.deepEqual([...new Set(err.match(/examples\/[\w-]+\.yaml(?=[^\n]*: error: )/g))], ["examples/bad-filter.yaml"], line);
      } else {
        assert.equal(code, 0, line);
        assert.notEqual(out, "", line);
      }
    }
  });
});
