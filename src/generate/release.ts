import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { installManifest } from "./manifests.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** `npm run release:manifests [FILE]`: everything that a cluster needs, in one file. Default: `release/install.yaml`. */
function main([file = join(root, "release/install.yaml")]: readonly string[]): void {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, installManifest(join(root, "deploy/base"), version));
  console.log(file);
}

main(process.argv.slice(2));
