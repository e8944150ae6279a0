import { join } from "node:path";
import { after, test, type TestContext } from "node:test";
import { type ControlPlane, ControlPlaneUnavailable, startControlPlane } from "./control-plane.ts";
import { install, type Installation, type InstallationOptions } from "./installation.ts";
import { documentsOf, type KubeObject } from "./kube-client.ts";
import { lacking } from "./require.ts";

/** A control plane with the product installed in it. */
export interface World {
  readonly plane: ControlPlane;
  readonly installation: Installation;
  /** Creates a namespace. */
  readonly createNamespace: (name: string) => Promise<void>;
  /** `kubectl apply` of these objects, all in one call. */
  readonly apply: (...objects: readonly KubeObject[]) => Promise<void>;
}

/** For tests that kill the controller: its Lease is left to run out, and the next one need not wait long for it. */
export const shortLease: InstallationOptions = { flags: { controller: ["--lease-duration", "3s"] } };

export type InstalledTest = (name: string, body: (world: World, t: TestContext) => Promise<void>) => void;

/** What tests do with a control plane in which the product is installed. */
export function worldOf(plane: ControlPlane, installation: Installation): World {
  return {
    plane,
    installation,
    createNamespace: async (name) => {
      await plane.kubectl(["create", "namespace", name]);
    },
    apply: async (...objects) => {
      await plane.kubectl(["apply", "-f", "-"], { input: documentsOf(objects) });
    },
  };
}

async function begin(options: InstallationOptions): Promise<World> {
  const plane = await startControlPlane({ crds: [join(import.meta.dirname, "../../crds")] });
  try {
    return worldOf(plane, await install(plane, options));
  } catch (error) {
    await plane.stop();
    throw error;
  }
}

/**
 * The `test` of a file whose tests share one control plane with the product installed: webhook and controller run as processes
 * under their own ServiceAccounts. Started by the first test, ended after the last; skipped where no control plane can be had.
 */
export function installedTests(options: InstallationOptions = {}): InstalledTest {
  let started: Promise<World> | undefined;
  after(async () => {
    const world = await started?.catch(() => undefined);
    await world?.installation.stop();
    await world?.plane.stop();
  });
  return (name, body) => {
    test(name, async (t) => {
      started ??= begin(options);
      let world: World;
      try {
        world = await started;
      } catch (error) {
        if (!(error instanceof ControlPlaneUnavailable)) throw error;
        lacking(t, `no control plane can be had: ${error.message}`);
        return;
      }
      await body(world, t);
    });
  };
}
