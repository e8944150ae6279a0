import { parseArgs } from "node:util";
import type { Delivery } from "../api/delivery.ts";
import { CodedError } from "../errors.ts";
import type { Command, CommandIo } from "./command.ts";
import { deliveryHelp, deliveryOptions, findDeliveries } from "./find-deliveries.ts";
import { connectAsUser } from "./user-cluster.ts";

const help = `Usage: tekton-integrations deliveries [OPTIONS]

Lists what was sent, and what could not be, with your own rights.

${deliveryHelp}  -o, --output FORMAT      json: one JSON object per line. Default: a table

Exit code: 0 listed, 1 the cluster does not answer or does not let you, 2 the command line is not understood.
`;

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

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((cells) => (cells[column] ?? "").length)));
  return rows.map((cells) => `${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("   ").trimEnd()}\n`).join("");
}

async function runDeliveries(args: readonly string[], io: CommandIo, signal: AbortSignal): Promise<number> {
  let values;
  try {
    ({ values } = parseArgs({ args: [...args], options: { ...deliveryOptions, output: { type: "string", short: "o" } } }));
  } catch (cause) {
    throw new CodedError("UsageInvalid", cause instanceof Error ? cause.message : String(cause), { cause });
  }
  if (values.output !== undefined && values.output !== "json") throw new CodedError("UsageInvalid", "-o knows json only");
  const kube = await connectAsUser(values.kubeconfig);
  try {
    const found = await findDeliveries(kube, values, signal);
    if (values.output === "json") for (const delivery of found) io.out(`${JSON.stringify(line(delivery))}\n`);
    else if (found.length === 0) io.err("there are no such Deliveries\n");
    else io.out(table([["NAMESPACE", "NAME", "STATE", "NOTIFICATION", "RUN", "SENT", "ERROR"], ...found.map(row)]));
    return 0;
  } finally {
    await kube.close();
  }
}

export const deliveriesCommand: Command = { name: "deliveries", summary: "list what was sent, and what could not be", help, run: runDeliveries };
