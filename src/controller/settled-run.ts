import { deflateRawSync, inflateRawSync } from "node:zlib";
import { endedAt } from "./normalise-run.ts";
import { usualSeriesKey } from "./series-key.ts";
import type { RunCondition, TrimmedRun } from "./trim-run.ts";

/**
 * What is kept of a finished run about which nothing more is to be decided: who it is, how it ended, its series, and what its
 * parent shows of it. All else is read again from the API server when somebody asks for it.
 */
export interface SettledRun extends Pick<TrimmedRun, "kind" | "namespace" | "name" | "uid" | "labels" | "creationTimestamp"> {
  readonly owner?: TrimmedRun["owner"];
  readonly condition?: RunCondition;
  readonly startTime?: string;
  readonly completionTime?: string;
  /** See {@link usualSeriesKey}. */
  readonly series: string | undefined;
}

/** A finished run as bytes: whole, but a tenth of the size. */
export class PackedRun {
  readonly kind: TrimmedRun["kind"];
  readonly namespace: string;
  readonly owner: TrimmedRun["owner"];
  readonly endedAt: number | undefined;
  readonly #bytes: Buffer;

  constructor(run: TrimmedRun) {
    this.kind = run.kind;
    this.namespace = text(run.namespace);
    this.endedAt = endedAt(run);
    this.owner = run.owner;
    const bytes = deflateRawSync(JSON.stringify(run), { level: 1 });
    // Small buffers are cut from a pool, which one of them would keep alive.
    this.#bytes = Buffer.from(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  }

  unpack(): TrimmedRun {
    return revived(JSON.parse(inflateRawSync(this.#bytes).toString("utf8")) as TrimmedRun);
  }
}

/** Maps of strings have no prototype: labels may be called `__proto__`. */
function bare(map: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.setPrototypeOf(map, null) as Readonly<Record<string, string>>;
}

function revived(run: TrimmedRun): TrimmedRun {
  const labels = bare(run.labels);
  const annotations = bare(run.annotations);
  const { metadata } = run.object;
  return { ...run, labels, annotations, object: metadata === undefined ? run.object : { ...run.object, metadata: { ...metadata, labels, annotations } } };
}

const maxShared = 10_000;
const maxMessage = 256;

/** Values that many runs have in common, kept once. */
function createShared<Value>(): (key: string, make: () => Value) => Value {
  const shared = new Map<string, Value>();
  return (key, make) => {
    const known = shared.get(key);
    if (known !== undefined) return known;
    if (shared.size >= maxShared) shared.clear();
    const made = make();
    shared.set(key, made);
    return made;
  };
}

const texts = createShared<string>();
const taskLabels = createShared<Readonly<Record<string, string>>>();
const conditions = createShared<RunCondition>();
const owners = createShared<NonNullable<TrimmedRun["owner"]>>();
const noLabels: Readonly<Record<string, string>> = {};

const text = (value: string): string => texts(value, () => value);

function labelsOf({ labels }: TrimmedRun): Readonly<Record<string, string>> {
  const task = labels["tekton.dev/pipelineTask"];
  return task === undefined ? noLabels : taskLabels(task, () => ({ "tekton.dev/pipelineTask": task }));
}

/** Without the time where the run itself says when it ended, and with the message only where a parent shows it. */
function conditionOf({ condition, completionTime, owner }: TrimmedRun): RunCondition | undefined {
  if (condition === undefined) return undefined;
  const { status, reason, lastTransitionTime } = condition;
  const message = owner === undefined ? "" : condition.message.slice(0, maxMessage);
  const common = conditions(`${status}\0${reason}\0${message}`, () => ({ status, reason, message }));
  return completionTime !== undefined || lastTransitionTime === undefined ? common : { ...common, lastTransitionTime };
}

/** Cuts a finished run down to what is kept of it. */
export function settledRun(run: TrimmedRun): SettledRun {
  const { kind, uid, name, owner, creationTimestamp, startTime, completionTime } = run;
  const condition = conditionOf(run);
  const series = usualSeriesKey(run);
  return {
    kind,
    namespace: text(run.namespace),
    name,
    uid,
    labels: labelsOf(run),
    creationTimestamp,
    series: series === undefined ? undefined : text(series),
    ...(owner !== undefined && { owner: owners(owner.uid, () => owner) }),
    ...(condition !== undefined && { condition }),
    ...(owner !== undefined && startTime !== undefined && { startTime }),
    ...(completionTime !== undefined && { completionTime }),
  };
}
