import type { Command } from "./command.ts";
import { completionCommand } from "./completion.ts";
import { deliveriesCommand } from "./deliveries.ts";
import { evalCommand } from "./eval.ts";
import { lintCommand } from "./lint.ts";
import { redeliverCommand } from "./redeliver.ts";
import { sendCommand } from "./send.ts";
import { serveCommand } from "./serve.ts";
import { simulateCommand } from "./simulate.ts";

const withoutCompletion: readonly Command[] = [serveCommand, lintCommand, evalCommand, simulateCommand, sendCommand, deliveriesCommand, redeliverCommand];

/** The catalogue of commands: help, completion and docs/reference/cli.md go by it. */
export const commands: readonly Command[] = [...withoutCompletion, completionCommand(withoutCompletion)];
