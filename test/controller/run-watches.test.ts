import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { runKinds, type RunKind } from "../../src/api/run-event.ts";
import { createRunWatches } from "../../src/controller/run-watches.ts";
import type { ReflectorHealth, ReflectorState } from "../../src/kube/reflector-options.ts";
import { manualClock } from "../support/manual-clock.ts";

interface Watch {
  isSynced: boolean;
  state: ReflectorState;
  readonly synced: Promise<undefined>;
  readonly health: () => ReflectorHealth;
  readonly done: Promise<undefined>;
}

const quiet = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) await nextTurn();
};

function setting(t: TestContext) {
  const clock = manualClock();
  const wanted = new Set<RunKind>();
  const happened: string[] = [];
  const watches = new Map<RunKind, Watch & { readonly sync: () => Promise<void>; readonly end: () => Promise<void> }>();
  const stop = new AbortController();
  const runs = createRunWatches<Watch>({
    clock,
    wants: (kind) => wanted.has(kind),
    onFollowed: (kind) => happened.push(`followed ${kind}`),
    onLeft: (kind) => happened.push(`left ${kind}`),
    follow: (kind, signal) => {
      happened.push(`begin ${kind}`);
      signal.addEventListener("abort", () => happened.push(`end ${kind}`));
      const synced = Promise.withResolvers<undefined>();
      const done = Promise.withResolvers<undefined>();
      const watch = {
        isSynced: false,
        state: "listing" as ReflectorState,
        synced: synced.promise,
        health: () => ({ state: watch.state }) as ReflectorHealth,
        done: done.promise,
        sync: () => {
          watch.isSynced = true;
          synced.resolve(undefined);
          return quiet();
        },
        end: () => {
          done.resolve(undefined);
          return quiet();
        },
      };
      watches.set(kind, watch);
      return watch;
    },
  }, stop.signal);
  t.after(() => {
    stop.abort();
  });
  const of = (kind: RunKind) => watches.get(kind) ?? assert.fail(`${kind} is not followed`);
  const review = (...kinds: readonly RunKind[]): string[] => {
    wanted.clear();
    for (const kind of kinds) wanted.add(kind);
    runs.review();
    return happened.splice(0);
  };
  const advance = (ms: number): Promise<void> => {
    clock.advance(ms);
    return quiet();
  };
  return { runs, review, of, advance, happened, stop };
}

it("PipelineRuns are always followed, the others while somebody needs them", async (t) => {
  const { runs, review, of, happened } = setting(t);
  assert.deepEqual([runs.isComplete(), runs.all().length], [false, 0], "nothing is followed before the first review");
  assert.deepEqual(review(), ["begin PipelineRun"]);
  assert.deepEqual([runs.isWatched("PipelineRun"), runs.isSettled("PipelineRun"), runs.isComplete()], [false, false, false]);
  await of("PipelineRun").sync();
  assert.deepEqual([happened.splice(0), runs.isComplete()], [["followed PipelineRun"], true]);
  assert.deepEqual(review("TaskRun"), ["begin TaskRun"]);
  assert.deepEqual([runs.isComplete(), runs.isWatched("TaskRun")], [false, false]);
  await of("TaskRun").sync();
  assert.deepEqual([runs.isComplete(), runs.isWatched("TaskRun"), runs.isWatched("CustomRun")], [true, true, false]);
});

it("a kind that is not served is not waited for", (t) => {
  const { runs, review, of } = setting(t);
  review("CustomRun");
  of("PipelineRun").state = "absent";
  of("CustomRun").state = "absent";
  assert.deepEqual([runs.isComplete(), runs.isSettled("CustomRun"), runs.isWatched("CustomRun")], [true, true, false]);
});

it("a kind that nobody needs any more is followed for a minute, then left", async (t) => {
  const { runs, review, of, advance, happened } = setting(t);
  review("TaskRun");
  await of("TaskRun").sync();
  happened.length = 0;
  assert.deepEqual(review(), []);
  await advance(59_999);
  assert.deepEqual([happened, runs.isWatched("TaskRun")], [[], true]);
  assert.deepEqual(review("TaskRun"), [], "needed again in time");
  await advance(60_000);
  assert.deepEqual([happened, runs.isWatched("TaskRun")], [[], true]);

  review();
  review();
  await advance(60_000);
  assert.deepEqual([happened.splice(0), runs.isWatched("TaskRun"), runs.all().length], [["end TaskRun"], false, 1]);
  await of("TaskRun").end();
  assert.deepEqual(happened, ["left TaskRun"]);
});

it("a kind that is needed again while its watch ends is followed anew afterwards", async (t) => {
  const { review, of, advance, happened } = setting(t);
  review("TaskRun");
  review();
  await advance(60_000);
  happened.length = 0;
  assert.deepEqual(review("TaskRun"), []);
  await of("TaskRun").end();
  assert.deepEqual(happened, ["left TaskRun", "begin TaskRun"]);
});

it("nothing is followed any more once the signal aborts, and it ends with its watches", async (t) => {
  const { runs, review, of, happened, stop } = setting(t);
  review("TaskRun", "CustomRun");
  review("TaskRun");
  happened.length = 0;
  stop.abort();
  assert.deepEqual(happened.splice(0), runKinds.map((kind) => `end ${kind}`));
  assert.deepEqual(review("TaskRun"), []);
  let over = false;
  const done = runs.done().then(() => {
    over = true;
  });
  await of("PipelineRun").end();
  await of("TaskRun").end();
  assert.equal(over, false);
  await of("CustomRun").end();
  await done;
  assert.equal(over, true);
});
