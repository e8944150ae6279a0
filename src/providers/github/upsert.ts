import type { Clock } from "../../telemetry/clock.ts";
import { DeliveryError } from "../delivery-error.ts";
import { requestFailed } from "../http.ts";
import type { Message } from "../provider.ts";
import type { Api, Call, Repository } from "./api.ts";
import { markerOf } from "./comment.ts";
import { createKnown, type Found } from "./known.ts";
import { idIn } from "./urls.ts";

/** What is written once and then over and over. */
interface Thing {
  readonly repository: Repository;
  /** By which this sender tells it apart. */
  readonly name: string;
  /** Whether it is one run's alone. */
  readonly ofOneRun: boolean;
  readonly create: Omit<Call, "headers">;
  readonly update: (id: string) => Omit<Call, "headers">;
  /** How many of those among which it is found are asked for at once: fewer, where the answer is too large to be read. */
  readonly perPage: readonly number[];
  readonly page: (perPage: number, page: number) => Omit<Call, "headers">;
  /** The entries of a page; undefined when the answer is no page. */
  readonly entries: (data: unknown) => readonly unknown[] | undefined;
  readonly isIt: (entry: Entry) => boolean;
}

/** What is read of a check run or a comment. */
interface Entry {
  readonly id?: unknown;
  readonly external_id?: unknown;
  readonly body?: unknown;
  readonly app?: { readonly id?: unknown } | null;
  readonly performed_via_github_app?: { readonly id?: unknown } | null;
}

/** GitHub takes at most 2,500 comments on a pull request. */
const maxEntries = 2_500;

const isEntry = (value: unknown): value is Entry => typeof value === "object" && value !== null;

/** What an answer or an entry stands for. */
function foundIn(value: unknown): Found | undefined {
  const id = isEntry(value) && typeof value.id === "number" ? idIn(String(value.id)) : undefined;
  return id === undefined ? undefined : { id };
}

const listIn = (value: unknown): readonly unknown[] | undefined => (Array.isArray(value) ? value : undefined);

function checkRun({ target, request: { url, body } }: Message, appId: number): Thing {
  const { owner = "", repo = "", sha = "", context = "" } = target;
  const { head_sha: _, ...update } = body as Readonly<Record<string, unknown>>;
  const base = url.slice(0, url.lastIndexOf("/check-runs") + "/check-runs".length);
  const list = `${base.slice(0, -"/check-runs".length)}/commits/${sha}/check-runs?check_name=${encodeURIComponent(context)}&filter=all&app_id=${appId}`;
  return {
    repository: { owner, repo },
    name: String(update["external_id"]),
    ofOneRun: true,
    create: { what: "create the check run", method: "POST", url: base, body: { ...update, head_sha: sha } },
    update: (id) => ({ what: "update the check run", method: "PATCH", url: `${base}/${id}`, body: update }),
    perPage: [10, 1],
    page: (perPage, page) => ({ what: "look for the check run", method: "GET", url: `${list}&per_page=${perPage}&page=${page}` }),
    entries: (data) => (isEntry(data) && "check_runs" in data ? listIn(data.check_runs) : undefined),
    isIt: ({ external_id: externalId, app }) => externalId === update["external_id"] && app?.id === appId,
  };
}

function comment({ target, request: { url, body } }: Message, appId: number): Thing {
  const { owner = "", repo = "", pullRequest = "", context = "" } = target;
  const issues = url.slice(0, url.lastIndexOf("/issues/") + "/issues".length);
  const all = `${issues}/${pullRequest}/comments`;
  return {
    repository: { owner, repo },
    name: [owner.toLowerCase(), repo.toLowerCase(), pullRequest, context].join("/"),
    ofOneRun: false,
    create: { what: "write the comment", method: "POST", url: all, body },
    update: (id) => ({ what: "edit the comment", method: "PATCH", url: `${issues}/comments/${id}`, body }),
    perPage: [100, 10],
    page: (perPage, page) => ({ what: "look for the comment", method: "GET", url: `${all}?per_page=${perPage}&page=${page}` }),
    entries: listIn,
    // Anybody can write the marker into a comment.
    isIt: ({ body: text, performed_via_github_app: app }) => app?.id === appId && typeof text === "string" && text.includes(markerOf(context)),
  };
}

/** Writes check runs and comments: each once, and then over what is there, also where an answer was lost or another process wrote it. */
export function createUpserts(api: Api, appId: number, clock: Clock): (message: Message, signal: AbortSignal) => Promise<string> {
  const known = createKnown(clock);
  const underWay = new Map<string, Promise<unknown>>();

  /** One after the other for each name: two at once would both find nothing, and write two. */
  const inTurn = async <Value>(name: string, signal: AbortSignal, work: () => Promise<Value>): Promise<Value> => {
    const whenFree = async (): Promise<Value> => {
      if (signal.aborted) throw requestFailed(signal.reason, api.host, signal);
      return work();
    };
    const mine = (underWay.get(name) ?? Promise.resolve()).then(whenFree, whenFree);
    underWay.set(name, mine);
    try {
      return await mine;
    } finally {
      if (underWay.get(name) === mine) underWay.delete(name);
    }
  };

  const pageOf = async (thing: Thing, perPage: number, page: number, signal: AbortSignal): Promise<readonly unknown[] | undefined> =>
    thing.entries(await api.call(thing.repository, thing.page(perPage, page), signal));

  const findBy = async (thing: Thing, perPage: number, signal: AbortSignal): Promise<Found | "missing" | undefined> => {
    for (let page = 1; page <= Math.ceil(maxEntries / perPage); page += 1) {
      const entries = await pageOf(thing, perPage, page, signal);
      if (entries === undefined) return undefined;
      const found = entries.find((entry) => isEntry(entry) && thing.isIt(entry));
      if (found !== undefined) return foundIn(found);
      if (entries.length < perPage) break;
    }
    return "missing";
  };

  const find = async (thing: Thing, signal: AbortSignal): Promise<Found | "missing"> => {
    for (const perPage of thing.perPage) {
      const found = await findBy(thing, perPage, signal);
      if (found !== undefined) return found;
    }
    throw new DeliveryError("ServiceFailed", `could not ${thing.page(1, 1).what}: ${api.host} answered with something that is no list of them`);
  };

  const write = async (thing: Thing, call: Omit<Call, "headers">, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<string> => {
    const found = foundIn(await api.call(thing.repository, { ...call, headers }, signal));
    // A proxy's page with status 200 is no acceptance.
    if (found === undefined) throw new DeliveryError("ServiceFailed", `could not ${call.what}: ${api.host} answered with something else`, { status: 200 });
    known.note(thing.name, found);
    return found.id;
  };

  const upsert = async (thing: Thing, message: Message, ref: Found | undefined, signal: AbortSignal): Promise<string> => {
    const { headers } = message.request;
    const at = ref ?? known.of(thing.name, thing.ofOneRun ? message.runCreatedAt : undefined);
    const found = at === "unknown" ? await find(thing, signal) : at;
    if (found !== "missing") {
      try {
        return await write(thing, thing.update(found.id), headers, signal);
      } catch (error) {
        // Somebody deleted it, and the news is worth another one.
        if (!(error instanceof DeliveryError) || error.status !== 404) throw error;
        known.doubt(thing.name);
        const other = await find(thing, signal);
        if (other !== "missing") return write(thing, thing.update(other.id), headers, signal);
      }
    }
    // Whatever comes of it, from now on it may be there.
    known.doubt(thing.name);
    return write(thing, thing.create, headers, signal);
  };

  return (message, signal) => {
    const thing = message.target["report"] === "CheckRun" ? checkRun(message, appId) : comment(message, appId);
    const { method, url } = message.request;
    const id = method === "PATCH" ? idIn(url.slice(url.lastIndexOf("/") + 1)) : undefined;
    return inTurn(thing.name, signal, () => upsert(thing, message, id === undefined ? undefined : { id }, signal));
  };
}
