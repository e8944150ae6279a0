import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/**
 * When the process with this id started, as text that only serves for comparison; `undefined` when there is none. With it a
 * recorded process id can be told from a later process that was given the same number.
 */
export function processStart(pid: number): string | undefined {
  if (process.platform === "linux") {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      // The command's name is in parentheses and may hold spaces; the fields after it are counted from the state.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return fields[0] === "Z" ? undefined : fields[19];
    } catch {
      return undefined;
    }
  }
  const ps = spawnSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" });
  const start = ps.stdout.trim();
  return start === "" ? undefined : start;
}

/** Whether the process recorded with this id and start is the one that runs now. */
export function isSameProcess(pid: number, start: string): boolean {
  return processStart(pid) === start;
}
