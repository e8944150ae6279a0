import { parseArgs } from "node:util";
import { annotations } from "../api/group.ts";
import type { Delivery } from "../api/delivery.ts";
import { CodedError } from "../errors.ts";
import { statusOf } from "../kube/kube-error.ts";
import { deliveries } from "../kube/resources.ts";
import { systemClock } from "../telemetry/clock.ts";
import type { Command, CommandIo } from "./command.ts";
import { deliveryHelp, deliveryOptions, findDeliveries } from "./find-deliveries.ts";
import { connectAsUser } from "./user-cluster.ts";

const help = `Usage: tekton-integrations redeliver NAME... [OPTIONS]
       tekton-integrations redeliver --state DeadLetter [--notification NAME] [OPTIONS]

Asks the controller to send again what Deliveries are about, by an annotation and with your own rights. Names, or at least one of
--notification, --run and --state, say which.

${deliveryHelp}      --dry-run            say which, and change nothing

Exit code: 0 all of them are asked for, 1 some could not be, or there are none, 2 the command line is not understood.
`;

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: { ...deliveryOptions, "dry-run": { type: "boolean" } }, allowPositionals: true });
  } catch (cause) {
    throw new CodedError("UsageInvalid", cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

async function runRedeliver(args: readonly string[], io: CommandIo, signal: AbortSignal): Promise<number> {
  const { values, positionals } = parse(args);
  const chosen = [values.notification, values.run, values.state].some((value) => value !== undefined);
  if (positionals.length === 0 && !chosen) throw new CodedError("UsageInvalid", "name Deliveries, or choose them by --notification, --run or --state");
  const kube = await connectAsUser(values.kubeconfig);
  try {
    const found = (await findDeliveries(kube, values, signal)).filter(({ metadata }) => positionals.length === 0 || positionals.includes(metadata.name));
    const unknown = positionals.filter((name) => !found.some(({ metadata }) => metadata.name === name));
    for (const name of unknown) io.err(`there is no such Delivery: ${name}\n`);
    if (found.length === 0 && positionals.length === 0) io.err("there are no such Deliveries\n");
    const word = new Date(systemClock.now()).toISOString();
    let failed = unknown.length;
    const ask = async ({ metadata: { namespace, name } }: Delivery): Promise<void> => {
      await kube.patch(deliveries, { namespace, name }, { type: "application/merge-patch+json", body: { metadata: { annotations: { [annotations.redeliver]: word } } } }, signal);
    };
    for (const delivery of found) {
      const { namespace, name } = delivery.metadata;
      try {
        if (values["dry-run"] !== true) await ask(delivery);
        io.out(`${namespace}/${name}: ${values["dry-run"] === true ? "would be sent again" : "is sent again"}\n`);
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
        failed += 1;
        io.err(`${namespace}/${name}: ${statusOf(error) === 403 ? `you may not patch deliveries in namespace ${namespace}` : error.message}\n`);
      }
    }
    return failed > 0 || found.length === 0 ? 1 : 0;
  } finally {
    await kube.close();
  }
}

export const redeliverCommand: Command = { name: "redeliver", summary: "have the controller send something again", help, run: runRedeliver };
