import { Session } from "node:inspector/promises";

/**
 * Runs it and counts how often code of `src/` was entered: every function, branch and round of a loop. A measure of work that does not
 * depend on the machine. What built-in functions do inside is not part of it.
 */
export async function countSteps(run: () => unknown): Promise<number> {
  const session = new Session();
  session.connect();
  try {
    await session.post("Profiler.enable");
    await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
    await run();
    const { result } = await session.post("Profiler.takePreciseCoverage");
    await session.post("Profiler.stopPreciseCoverage");
    const ours = result.filter(({ url }) => url.includes("/src/") && !url.includes("node_modules"));
    return ours.flatMap(({ functions }) => functions).reduce((sum, { ranges }) => sum + ranges.reduce((most, { count }) => Math.max(most, count), 0), 0);
  } finally {
    session.disconnect();
  }
}
