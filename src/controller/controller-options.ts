import type { Kube } from "../kube/kube.ts";
import type { Outbound } from "../providers/outbound.ts";
import type { OwnIdentityNamespaces } from "../providers/own-identity.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { StepObserver } from "./steps.ts";

export interface ControllerOptions {
  readonly kube: Kube;
  /** Makes what requests to services go through. They are begun only while `mayBegin` says so. */
  readonly outbound: (mayBegin: () => boolean) => Outbound;
  readonly ownIdentityNamespaces: OwnIdentityNamespaces;
  /** Secrets are used only where they name the Provider. Default: false. */
  readonly requireSecretOptIn?: boolean;
  readonly telemetry: Telemetry;
  readonly observe: StepObserver;
  readonly urlTemplate: string | undefined;
  /** How long a message is tried, in milliseconds. */
  readonly deadlineMs: number;
  /** Which process this is, for people who read the Lease and Events. */
  readonly instance: string;
  /** The installation's own namespace, where the Lease is. */
  readonly namespace: string;
  /** Where runs, Providers and Notifications are watched; none: everywhere. */
  readonly watchNamespaces: readonly string[];
  readonly leaseDurationMs: number;
  /** What else only one process may do; until the signal aborts. */
  readonly whileLeading: (signal: AbortSignal) => Promise<void>;
}
