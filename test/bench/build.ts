import { execFile } from "node:child_process";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const project = join(import.meta.dirname, "../..");

/** The program as the image holds it: plain JavaScript. Node would take memory for reading TypeScript. */
export interface Built {
  /** A module of the project, such as `src/main.ts`, as it was built. */
  readonly path: (module: string) => string;
  readonly remove: () => Promise<void>;
}

/** Builds `src/` and these modules of `test/` into a folder of its own. */
export async function buildProgram(modules: readonly string[]): Promise<Built> {
  const folder = await mkdtemp(join(tmpdir(), "tekton-integrations-built-"));
  const configuration = {
    extends: join(project, "tsconfig.json"),
    compilerOptions: { noEmit: false, rewriteRelativeImportExtensions: true, rootDir: project, outDir: folder, declaration: false, sourceMap: false, typeRoots: [join(project, "node_modules/@types")] },
    include: [join(project, "src"), ...modules.map((module) => join(project, module))],
    exclude: [join(project, "src/generate")],
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(configuration));
  await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  await promisify(execFile)(process.execPath, [join(project, "node_modules/typescript/bin/tsc"), "-p", folder]);
  for (const part of ["node_modules", "schemas"]) await symlink(join(project, part), join(folder, part));
  return {
    path: (module) => join(folder, module.replace(/\.ts$/, ".js")),
    remove: () => rm(folder, { recursive: true }),
  };
}
