import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "../support/control-plane/components.ts";
import { controlPlaneTests } from "../support/require.ts";
import { eventually } from "../support/wait.ts";

const project = join(import.meta.dirname, "../..");
const test = controlPlaneTests();
const run = promisify(execFile);

/** The instructions of each stage of the Dockerfile. */
function stages(): string[][] {
  const lines = readFileSync(join(project, "Dockerfile"), "utf8").split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const starts = lines.flatMap((line, index) => (line.startsWith("FROM ") ? [index] : []));
  return starts.map((start, index) => lines.slice(start, starts[index + 1]));
}

interface Stage {
  readonly folder: string;
  readonly base: string;
  /** What `ENTRYPOINT` and `CMD` say. */
  readonly command: string[];
  readonly user: string;
}

/** Does what a stage of the Dockerfile says in a clean folder, but for what needs root. */
async function build(instructions: readonly string[], folder: string, from: string | undefined): Promise<Stage> {
  const stage = { folder, base: "", command: [] as string[], user: "" };
  for (const line of instructions) {
    const [instruction = "", ...words] = line.split(/\s+/);
    const rest = line.slice(instruction.length).trim();
    switch (instruction) {
      case "FROM":
        stage.base = words[0] ?? "";
        break;
      case "COPY": {
        const source = words[0]?.startsWith("--from=") === true ? from : project;
        const [target = "", ...names] = words.filter((word) => !word.startsWith("--")).reverse();
        for (const name of names) cpSync(join(source ?? "", name.replace(/^\/app\//, "")), target === "./" ? join(folder, basename(name)) : join(folder, target), { recursive: true });
        break;
      }
      case "RUN":
        if (!rest.startsWith("apt-get ")) await run("sh", ["-c", rest], { cwd: folder, env: { ...process.env, npm_config_prefer_offline: "true", NODE_ENV: "" }, maxBuffer: 64 * 1024 * 1024 });
        break;
      case "ENTRYPOINT":
      case "CMD":
        stage.command.push(...(JSON.parse(rest) as string[]));
        break;
      case "USER":
        stage.user = rest;
        break;
      case "ENV":
      case "WORKDIR":
      case "EXPOSE":
        break;
      default:
        assert.fail(`nobody knows here what ${instruction} does`);
    }
  }
  return stage;
}

/** Bytes of all files below a folder. */
async function bytesOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(entries.filter((entry) => entry.isFile()).map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** `name@version` of every package in a folder of modules, and below. */
function packagesIn(modules: string): string[] {
  if (!existsSync(modules)) return [];
  const names = readdirSync(modules).filter((name) => !name.startsWith(".")).flatMap((name) => (name.startsWith("@") ? readdirSync(join(modules, name)).map((inner) => `${name}/${inner}`) : [name]));
  return names.flatMap((name) => {
    const { version } = JSON.parse(readFileSync(join(modules, name, "package.json"), "utf8")) as { version: string };
    return [`${name}@${version}`, ...packagesIn(join(modules, name, "node_modules"))];
  });
}

interface Sbom {
  readonly components: readonly { readonly name: string; readonly version: string; readonly scope: string; readonly hashes?: readonly unknown[]; readonly licenses?: readonly unknown[] }[];
}

async function sbom(file: string): Promise<Sbom> {
  await run(process.execPath, [join(project, "src/generate/sbom.ts"), file]);
  return JSON.parse(readFileSync(file, "utf8")) as Sbom;
}

test("what the Dockerfile makes is small, holds no development dependency, and starts with the rights that it ships", async (plane, t) => {
  const work = mkdtempSync(join(tmpdir(), "tekton-integrations-image-"));
  t.after(() => {
    rmSync(work, { recursive: true });
  });
  const [builder = [], final = []] = stages();
  const built = await build(builder, join(work, "build"), undefined);
  const image = await build(final, join(work, "image"), built.folder);
  assert.deepEqual([built.base, image.base, image.user], ["node:24-slim", "node:24-slim", "65532:65532"]);

  const { packages } = JSON.parse(readFileSync(join(project, "package-lock.json"), "utf8")) as { packages: Record<string, { dev?: boolean; optional?: boolean }> };
  const wrong = Object.entries(packages).filter(([path, { dev = false, optional = false }]) => path !== "" && !optional && existsSync(join(image.folder, path)) === dev);
  assert.deepEqual(wrong.map(([path]) => path), [], "packages that are only for development are left out, all others are there");
  assert.ok((await bytesOf(join(image.folder, "node_modules"))) < 120_000_000);

  const { components } = await sbom(join(work, "sbom.json"));
  const there = new Set(packagesIn(join(image.folder, "node_modules")));
  const listed = components.map(({ name, version }) => `${name}@${version}`);
  assert.deepEqual([...there].filter((each) => !listed.includes(each)), [], "the bill of materials names all that is there");
  assert.deepEqual(components.filter(({ name, version, scope }) => scope === "required" && !there.has(`${name}@${version}`)), [], "and nothing that is not");
  assert.deepEqual(components.filter(({ hashes = [], licenses = [] }) => hashes.length !== 1 || licenses.length !== 1).map(({ name }) => name), []);

  await plane.kubectl(["apply", "-k", join(project, "deploy")]);
  const [program = "", ...args] = image.command;
  assert.equal(program, "node");
  // The controller first: it makes the certificate that the webhook waits for.
  for (const role of ["controller", "webhook"]) {
    const kubeconfig = await plane.kubeconfigFor({ serviceAccount: { namespace: "tekton-integrations", name: `tekton-integrations-${role}` } });
    const port = await freePort();
    const flags = [`--${role}`, "--kubeconfig", kubeconfig, "--namespace", "tekton-integrations", "--bind-address", "127.0.0.1", "--metrics-port", String(port), "--webhook-port", String(await freePort()), "--log-level", "error"];
    const child = spawn(process.execPath, [...args, ...flags], { cwd: image.folder, env: { ...process.env, NODE_ENV: "production" }, stdio: ["ignore", "inherit", "inherit"] });
    try {
      // Ten times what it may take, which `npm run bench:start` measures.
      await eventually(`the ${role} is ready`, async () => (await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined))?.status === 200, 30_000);
      // Not before the certificate is there.
      if (role === "controller") await eventually("the certificate is made", async () => (await plane.kubectl(["get", "secret", "tekton-integrations-webhook-tls", "-n", "tekton-integrations"], { allowFailure: true })).code === 0);
    } finally {
      child.kill("SIGTERM");
      await once(child, "exit");
    }
    assert.equal(child.exitCode, 0);
  }
});
