import type { TestContext } from "node:test";
import { serve, type Injected } from "../../src/cli/serve.ts";
import { readConfig } from "../../src/config.ts";
import { exposedName } from "../../src/telemetry/metrics.ts";
import { freePort } from "./control-plane/components.ts";
import { ownNamespace } from "./installation.ts";
import type { World } from "./installed-tests.ts";
import { eventually } from "./wait.ts";

/** A controller in this process, so that a test can play its clock. */
export interface ControllerHere {
  /** Where `/metrics` and `/readyz` are. */
  readonly metricsUrl: string;
  /** Resolves when it has ended, as after SIGTERM. */
  readonly stop: () => Promise<void>;
  /** The sum of a metric over its series, those whose labels hold `label` (`kind="Lease"`). */
  readonly metric: (name: string, label?: string) => Promise<number>;
}

export interface ControllerHereOptions extends Injected {
  /** Default: that of the installed controller. */
  readonly kubeconfig?: string;
}

/**
 * Starts the controller in this process, with the rights of the installed one; resolves when it is ready. The installed one is to
 * have been stopped. It is ended with the test.
 */
export async function startControllerHere({ installation }: World, t: TestContext, options: ControllerHereOptions, ...flags: readonly string[]): Promise<ControllerHere> {
  const port = await freePort();
  const common = ["--controller", "--kubeconfig", options.kubeconfig ?? installation.controller.kubeconfig, "--namespace", ownNamespace, "--bind-address", "127.0.0.1", "--metrics-port", String(port), "--development", "--log-level", "error"];
  const ending = new AbortController();
  const ended = serve(readConfig([...common, ...flags]), ending.signal, options);
  const stop = async (): Promise<void> => {
    ending.abort();
    await ended;
  };
  t.after(stop);
  const metricsUrl = `http://127.0.0.1:${port}`;
  await eventually("the controller is ready", async () => (await fetch(`${metricsUrl}/readyz`).catch(() => undefined))?.status === 200);
  return {
    metricsUrl,
    stop,
    metric: async (name, label = "") => {
      const lines = (await (await fetch(`${metricsUrl}/metrics`)).text()).split("\n");
      return lines.filter((line) => [`${exposedName(name)}{`, `${exposedName(name)} `].some((start) => line.startsWith(start)) && line.includes(label)).reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
    },
  };
}
