import { deflateRawSync, inflateRawSync } from "node:zlib";
import { endedAt } from "./normalise-run.ts";
import { secondsOf } from "./iso-seconds.ts";
import { createShared, sharedText } from "./shared-values.ts";
import { usualSeriesKey } from "./series-key.ts";
import type { RunCondition, TrimmedRun } from "./trim-run.ts";

/**
 * What is kept of a finished run about which nothing more is to be decided: who it is, how it ended, its series, and what its
 * parent shows of it. All else is read again from the API server when somebody asks for it.
 */
export interface SettledRun extends Pick<TrimmedRun, "kind" | "namespace" | "name" | "uid" | "labels"> {
  /** Seconds since the epoch: a number takes less than a text. */
  readonly created: number;
  readonly owner?: TrimmedRun["owner"];
  readonly condition?: RunCondition;
  readonly startTime?: string;
  readonly completionTime?: string;
  /** See {@link usualSeriesKey}. */
  readonly series: string | undefined;
}

/** Small enough that little memory is taken for a moment. */
const compression = { level: 3, windowBits: 14, memLevel: 6 } as const;

/** What runs of one namespace and kind have in common: the first of them that was packed. Packed with it, others take a fraction. */
const dictionaries = new Map<string, Buffer>();
const maxDictionaries = 200;
const maxDictionaryBytes = 16_384;

function dictionaryFor({ kind, namespace }: TrimmedRun, json: string): Buffer | undefined {
  const key = `${kind}/${namespace}`;
  const known = dictionaries.get(key);
  if (known !== undefined || dictionaries.size >= maxDictionaries) return known;
  const made = Buffer.from(json).subarray(0, maxDictionaryBytes);
  dictionaries.set(key, made);
  return made;
}

/** A finished run as bytes: whole, but a tenth of the size or less. */
export class PackedRun {
  readonly kind: TrimmedRun["kind"];
  readonly namespace: string;
  readonly owner: TrimmedRun["owner"];
  readonly endedAt: number | undefined;
  readonly condition?: RunCondition;
  readonly completionTime?: string;
  readonly #dictionary: Buffer | undefined;
  /** Each character is a byte: a short text takes less memory than a buffer. */
  readonly #bytes: string;

  constructor(run: TrimmedRun) {
    this.kind = run.kind;
    this.namespace = sharedText(run.namespace);
    this.endedAt = endedAt(run);
    this.owner = run.owner;
    const condition = conditionOf(run);
    if (condition !== undefined) this.condition = condition;
    if (run.completionTime !== undefined) this.completionTime = run.completionTime;
    const json = JSON.stringify(run);
    const dictionary = dictionaryFor(run, json);
    this.#dictionary = dictionary;
    this.#bytes = deflateRawSync(json, { ...compression, ...(dictionary !== undefined && { dictionary }) }).toString("latin1");
  }

  unpack(): TrimmedRun {
    const json = inflateRawSync(Buffer.from(this.#bytes, "latin1"), this.#dictionary === undefined ? {} : { dictionary: this.#dictionary });
    return revived(JSON.parse(json.toString("utf8")) as TrimmedRun);
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

const maxMessage = 256;

const taskLabels = createShared<Readonly<Record<string, string>>>();
const conditions = createShared<RunCondition>();
const owners = createShared<NonNullable<TrimmedRun["owner"]>>();
const noLabels: Readonly<Record<string, string>> = {};

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
    namespace: sharedText(run.namespace),
    name,
    uid,
    labels: labelsOf(run),
    created: secondsOf(creationTimestamp),
    series: series === undefined ? undefined : sharedText(series),
    ...(owner !== undefined && { owner: owners(owner.uid, () => owner) }),
    ...(condition !== undefined && { condition }),
    ...(owner !== undefined && startTime !== undefined && { startTime }),
    ...(completionTime !== undefined && { completionTime }),
  };
}
