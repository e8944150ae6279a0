import type { Delivery } from "../api/delivery.ts";
import { readArguments } from "./arguments.ts";
import type { Command, CommandIo } from "./command.ts";
import { deliveryOptions, findDeliveries } from "./find-deliveries.ts";
import { formatted, outputOption, table } from "./output.ts";
import { connectAsUser } from "./user-cluster.ts";

const options = { ...deliveryOptions, output: outputOption("One object per Delivery") } as const;

/** What is shown of one destination. */
interface Shown {
  readonly key: string;
  readonly state: string;
  readonly sentStatus?: string;
  readonly sentAt?: string;
  readonly attempts?: number;
  readonly nextAttemptAt?: string;
  readonly lastError?: { readonly code: string; readonly message: string };
  readonly externalRef?: string;
}

function line({ metadata, spec, status }: Delivery): object {
  const { kind, namespace, name, uid } = spec.runRef;
  const destinations = (status?.destinations ?? []).map(({ key, state, sentStatus, sentAt, attempts, nextAttemptAt, lastError, externalRef }): Shown => ({
    key,
    state,
    ...(sentStatus !== undefined && { sentStatus }),
    ...(sentAt !== undefined && { sentAt }),
    ...(attempts !== undefined && { attempts }),
    ...(nextAttemptAt !== undefined && { nextAttemptAt }),
    ...(lastError !== undefined && { lastError }),
    ...(externalRef !== undefined && { externalRef }),
  }));
  const notification = `${spec.notificationRef.namespace ?? metadata.namespace}/${spec.notificationRef.name}`;
  return { namespace: metadata.namespace, name: metadata.name, state: status?.state ?? "Pending", notification, run: { kind, namespace, name, uid }, destinations };
}

function row({ metadata, spec, status }: Delivery): string[] {
  const destinations = status?.destinations ?? [];
  const sent = destinations.map(({ sentStatus }) => sentStatus ?? "-").join(",");
  const error = destinations.find(({ lastError }) => lastError !== undefined)?.lastError;
  const run = `${spec.runRef.kind}/${spec.runRef.name}`;
  return [metadata.namespace, metadata.name, status?.state ?? "Pending", spec.notificationRef.name, run, sent === "" ? "-" : sent, error === undefined ? "" : `${error.code}: ${error.message}`];
}

/** Of each state, how it looks. */
const colours: Readonly<Record<string, "green" | "yellow" | "red">> = { Delivered: "green", Retrying: "yellow", DeadLetter: "red" };
const stateColumn = 2;

function show(found: readonly Delivery[], io: CommandIo): void {
  const painted = (cell: string, column: number): string => {
    const colour = column === stateColumn ? colours[cell] : undefined;
    return colour === undefined ? cell : (io.paint?.("out", colour, cell) ?? cell);
  };
  if (found.length === 0) io.err("there are no such Deliveries\n");
  else io.out(table([["NAMESPACE", "NAME", "STATE", "NOTIFICATION", "RUN", "SENT", "ERROR"], ...found.map(row)], painted));
}

async function runDeliveries(args: readonly string[], io: CommandIo, signal: AbortSignal): Promise<number> {
  const { values } = readArguments(args, options);
  const kube = await connectAsUser(values.kubeconfig);
  try {
    const found = await findDeliveries(kube, values, signal);
    if (values.output === undefined) show(found, io);
    else for (const delivery of found) io.out(formatted(values.output, line(delivery)));
    return 0;
  } finally {
    await kube.close();
  }
}

export const deliveriesCommand: Command = {
  name: "deliveries",
  summary: "list what was sent, and what could not be",
  usage: ["[OPTIONS]"],
  description: ["Lists what was sent, and what could not be, with your own rights."],
  options,
  exits: { 0: "listed", 1: "the cluster does not answer or does not let you", 2: "the command line is not understood" },
  examples: ["tekton-integrations deliveries -n ci", "tekton-integrations deliveries -A --state DeadLetter --state Retrying", "tekton-integrations deliveries -n ci --run shop-x7k2 -o yaml"],
  run: runDeliveries,
};
