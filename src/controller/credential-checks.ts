import { startDeadline } from "../kube/deadline.ts";
import { DeliveryError } from "../providers/delivery-error.ts";
import type { Sender } from "../providers/provider.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Finding } from "./conditions.ts";
import { recheckMs, type Connection } from "./connections.ts";

/** What is known about the credentials of a connection. */
export type CredentialsFinding = Pick<Finding, "status" | "reason" | "message">;

/** Whether the credentials of connections are good, as far as services say so. */
export interface CredentialChecks {
  /**
   * Has the service asked, in the background, where it can be: once for each connection, and again when {@link recheckMs} are
   * over. Nothing waits for the answer.
   */
  readonly begin: (key: string, connection: Connection & { readonly ready: true }) => void;
  /** A message was accepted, which says enough where the service could not be asked. */
  readonly accepted: (key: string) => void;
  /** What is known of the connection; undefined: nothing yet. */
  readonly finding: (key: string, sender: Sender) => CredentialsFinding | undefined;
  readonly forget: (key: string) => void;
}

export interface CredentialCheckOptions {
  readonly telemetry: Telemetry;
  /** Ends checks under way. */
  readonly signal: AbortSignal;
  /** There is something new to tell about a Provider. */
  readonly onFinding: (key: string) => void;
  /** The service refused the credentials that the sender was opened with. */
  readonly onRefused: (key: string, error: DeliveryError, sender: Sender) => void;
}

interface Check {
  readonly sender: Sender;
  /** `Clock.monotonic()` of when it began. */
  readonly beganAt: number;
  finding: CredentialsFinding | undefined;
}

const good: CredentialsFinding = { status: "True", reason: "Verified", message: "the service knows the credentials" };
const used: CredentialsFinding = { status: "True", reason: "Accepted", message: "the service has accepted a message" };
const changed: CredentialsFinding = { status: "Unknown", reason: "NotChecked", message: "the credentials or the Provider have changed, and the service has no call that would show whether they are good: the next message will" };

export function createCredentialChecks({ telemetry: { clock, log }, signal, onFinding, onRefused }: CredentialCheckOptions): CredentialChecks {
  const checks = new Map<string, Check>();

  /** What a check that failed says. What is no fault of the credentials says nothing about them. */
  const failed = (key: string, check: Check, error: unknown): void => {
    if (error instanceof DeliveryError && error.class === "credentials") {
      onRefused(key, error, check.sender);
      return;
    }
    if (!(error instanceof DeliveryError)) log.error("credentials could not be checked", { provider: key, error });
    if (check.finding?.status === "True") return;
    const why = error instanceof DeliveryError ? error.message : "the controller's log says why";
    check.finding = { status: "Unknown", reason: error instanceof DeliveryError ? error.code : "ServiceFailed", message: `could not be checked: ${why}` };
  };

  const ask = async (key: string, check: Check, verify: NonNullable<Sender["verify"]>, timeoutMs: number): Promise<void> => {
    const deadline = startDeadline(timeoutMs, () => new DOMException("the service did not answer in time", "TimeoutError"), clock, signal);
    try {
      await verify(deadline.signal);
      check.finding = good;
    } catch (error) {
      if (signal.aborted || checks.get(key) !== check) return;
      failed(key, check, error);
    } finally {
      deadline.dispose();
    }
    if (checks.get(key) === check) onFinding(key);
  };

  return {
    begin: (key, { sender, timeoutMs }) => {
      const known = checks.get(key);
      const now = clock.monotonic();
      if (known?.sender === sender && (sender.verify === undefined || now - known.beganAt < recheckMs)) return;
      const before = known?.sender === sender ? known.finding : undefined;
      const check: Check = { sender, beganAt: now, finding: known !== undefined && sender.verify === undefined ? changed : before };
      checks.set(key, check);
      if (sender.verify !== undefined) void ask(key, check, (until) => sender.verify?.(until) ?? Promise.resolve(), timeoutMs);
    },
    accepted: (key) => {
      const check = checks.get(key);
      if (check !== undefined && check.finding?.status !== "True") check.finding = used;
    },
    finding: (key, sender) => {
      const check = checks.get(key);
      return check?.sender === sender ? check.finding : undefined;
    },
    forget: (key) => {
      checks.delete(key);
    },
  };
}
