import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

const dockerfile = join(import.meta.dirname, "../../Dockerfile");

/**
 * The environment that the image gives to the program: what its last stage sets with `ENV`. The allocator is looked for where
 * Debian puts it; where it is not installed (package libjemalloc2), that is said, and the process takes more memory than in the image.
 */
export function imageEnvironment(progress: (line: string) => void): Readonly<Record<string, string>> {
  const [lastStage = ""] = readFileSync(dockerfile, "utf8").split(/^FROM /m).slice(-1);
  const settings = lastStage.split("\n").filter((line) => line.startsWith("ENV ")).flatMap((line) => line.slice("ENV ".length).trim().split(/\s+/));
  const { LD_PRELOAD, ...environment } = Object.fromEntries(settings.map((setting) => [setting.slice(0, setting.indexOf("=")), setting.slice(setting.indexOf("=") + 1)]));
  if (LD_PRELOAD === undefined) return environment;
  const [allocator] = [LD_PRELOAD, ...globSync(`/usr/lib/*/${basename(LD_PRELOAD)}`)].filter((path) => existsSync(path));
  if (allocator === undefined) progress(`${LD_PRELOAD} is not installed: memory as with the allocator of this machine`);
  return allocator === undefined ? environment : { ...environment, LD_PRELOAD: allocator };
}
