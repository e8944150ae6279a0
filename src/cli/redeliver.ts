import { annotations } from "../api/group.ts";
import type { Delivery } from "../api/delivery.ts";
import { CodedError } from "../errors.ts";
import { statusOf } from "../kube/kube-error.ts";
import { deliveries } from "../kube/resources.ts";
import { systemClock } from "../telemetry/clock.ts";
import { readArguments, usage } from "./arguments.ts";
import type { Command, CommandIo } from "./command.ts";
import { deliveryOptions, findDeliveries } from "./find-deliveries.ts";
import { connectAsUser } from "./user-cluster.ts";

const options = { ...deliveryOptions, "dry-run": { type: "boolean", description: "Say which, and change nothing." } } as const;

async function runRedeliver(args: readonly string[], io: CommandIo, signal: AbortSignal): Promise<number> {
  const { values, positionals } = readArguments(args, options, true);
  const chosen = [values.notification, values.run, values.state].some((value) => value !== undefined);
  if (positionals.length === 0 && !chosen) throw usage("name Deliveries, or choose them by --notification, --run or --state");
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

export const redeliverCommand: Command = {
  name: "redeliver",
  summary: "have the controller send something again",
  usage: ["NAME... [OPTIONS]", "--state DeadLetter [--notification NAME] [OPTIONS]"],
  description: ["Asks the controller to send again what Deliveries are about, by an annotation and with your own rights. Names, or at least one of", "--notification, --run and --state, say which."],
  options,
  exits: { 0: "all of them are asked for", 1: "some could not be, or there are none", 2: "the command line is not understood" },
  examples: ["tekton-integrations redeliver -n ci --state DeadLetter --dry-run", "tekton-integrations redeliver -n ci --notification pipeline-runs --run shop-x7k2"],
  run: runRedeliver,
};
