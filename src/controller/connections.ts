import { createHash } from "node:crypto";
import type { Provider } from "../api/provider.ts";
import { CodedError, errorCatalogue, type ErrorCode } from "../errors.ts";
import type { Kube } from "../kube/kube.ts";
import type { Http } from "../providers/http.ts";
import type { Outbound } from "../providers/outbound.ts";
import type { DeliveryError } from "../providers/delivery-error.ts";
import { checkOwnIdentity, usesOwnIdentity, type OwnIdentityNamespaces } from "../providers/own-identity.ts";
import type { AnyProviderDefinition, Sender } from "../providers/provider.ts";
import { providerOfType } from "../providers/registry.ts";
import { checkTransport, transportOf } from "../providers/transport.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Rate } from "./lanes.ts";
import { readSecrets } from "./read-secrets.ts";

/** Whether messages can go out through a Provider. */
export type Connection =
  | { readonly ready: true; readonly sender: Sender; readonly timeoutMs: number }
  | { readonly ready: false; readonly code: ErrorCode; readonly message: string };

interface Open {
  readonly fingerprint: string;
  readonly sender: Sender;
  /** What the redactor was told: values of Secrets, and tokens that the service handed out. */
  readonly secrets: readonly string[];
}

/** Tokens live for an hour or so; older ones than these are masked by their form alone. */
const maxTokensLearnt = 500;

interface Known {
  readonly connection: Connection;
  /** Of the Provider that was looked at. */
  readonly version: string;
  /** `Clock.monotonic()` of when the Secrets were read. */
  readonly readAt: number;
}

/** The Secrets of a connection in use are read again this often, so that a rotated one takes effect. */
export const secretEveryMs = 60_000;

/** Live connections to services, one per Provider, made anew when the Provider or one of its Secrets changes. */
export interface Connections {
  /**
   * Reads the Provider's Secrets, and opens, keeps or replaces its connection. A connection that works is only looked at
   * again after a change of the Provider, or when {@link secretEveryMs} have passed. Throws only for an aborted signal.
   */
  readonly refresh: (key: string, provider: Provider, signal: AbortSignal) => Promise<Connection>;
  /** The connection as last refreshed; undefined before. */
  readonly current: (key: string) => Connection | undefined;
  /**
   * The service refused the credentials that `sender` was opened with: nothing more is sent with them until
   * {@link recheckMs} are over. Says whether the connection was ready until then; nothing happens to one that has been made
   * anew since.
   */
  readonly refused: (key: string, error: DeliveryError, sender: Sender) => boolean;
  readonly drop: (key: string) => void;
  readonly close: () => Promise<void>;
}

export interface ConnectionsOptions {
  readonly kube: Kube;
  readonly outbound: Outbound;
  readonly ownIdentityNamespaces: OwnIdentityNamespaces;
  /** Secrets are used only where they name the Provider. Default: false. */
  readonly requireSecretOptIn?: boolean;
  readonly telemetry: Telemetry;
}

const defaultTimeoutMs = 15_000;

const timeoutMs = ({ spec }: Provider): number => (spec.timeout === undefined ? defaultTimeoutMs : Number.parseInt(spec.timeout, 10) * 1000);

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

/** The rate that a Provider sets for itself. */
export function rateOf(provider: Provider | undefined): Rate | undefined {
  const { requests, per = "1m" } = provider?.spec.rateLimit ?? {};
  return requests === undefined ? undefined : { requests, perMs: Number.parseInt(per, 10) * (unitMs[per.slice(-1)] ?? 60_000) };
}

function fingerprintOf({ metadata, spec }: Provider, section: unknown, values: ReadonlyMap<string, string>): string {
  return createHash("sha256").update(JSON.stringify([metadata.uid, spec.type, section, spec.tls, spec.proxy, [...values]])).digest("hex");
}

/** The sender, whose way to the network stays open until what is under way has ended. */
function untilIdle(sender: Sender, http: Http): Sender {
  let sending = 0;
  let closing = false;
  const idle = Promise.withResolvers<undefined>();
  const rest = (): void => {
    if (closing && sending === 0) idle.resolve(undefined);
  };
  const counted = async <Value>(work: () => Promise<Value>): Promise<Value> => {
    sending += 1;
    try {
      return await work();
    } finally {
      sending -= 1;
      rest();
    }
  };
  const { verify } = sender;
  return {
    send: (message, signal) => counted(() => sender.send(message, signal)),
    ...(verify !== undefined && { verify: (signal) => counted(() => verify(signal)) }),
    close: async () => {
      closing = true;
      rest();
      await sender.close();
      await idle.promise;
      await http.close();
    },
  };
}

/** The Secrets are not what was opened with any more. */
const unusable: ReadonlySet<ErrorCode> = new Set(["SecretNotFound", "SecretForbidden", "SecretNotAllowed", "SecretMalformed"]);

export function createConnections({ kube, outbound, ownIdentityNamespaces, requireSecretOptIn = false, telemetry }: ConnectionsOptions): Connections {
  const opened = new Map<string, Open>();
  const state = new Map<string, Known>();
  /** Fingerprints whose credentials the service refused, until another one comes or they are tried again. */
  const refusals = new Map<string, { readonly fingerprint: string; readonly error: DeliveryError; readonly at: number }>();

  const shut = (key: string): void => {
    const open = opened.get(key);
    opened.delete(key);
    for (const secret of open?.secrets ?? []) telemetry.redactor.forget(secret);
    open?.sender.close().catch((error: unknown) => {
      telemetry.log.warn("a connection could not be closed", { provider: key, error });
    });
  };

  const openSender = async (definition: AnyProviderDefinition, provider: Provider, values: ReadonlyMap<string, string>): Promise<Pick<Open, "sender" | "secrets">> => {
    const { metadata, spec } = provider;
    const providerName = { namespace: metadata.namespace, name: metadata.name };
    const { open } = await definition.load();
    const { redactor, clock } = telemetry;
    const secrets = [...values.values()];
    for (const secret of secrets) redactor.learn(secret);
    const learnSecret = (token: string): void => {
      redactor.learn(token);
      secrets.push(token);
      if (secrets.length > values.size + maxTokensLearnt) for (const oldest of secrets.splice(values.size, 1)) redactor.forget(oldest);
    };
    let http: Http | undefined;
    try {
      const transport = transportOf(provider, values);
      if (transport.proxy?.authorization !== undefined) learnSecret(transport.proxy.authorization.slice("Basic ".length));
      http = outbound.client(transport);
      const section = spec[definition.section];
      const platform = usesOwnIdentity(definition, section) && ownIdentityNamespaces.has(metadata.namespace) ? { platform: outbound.platform } : {};
      const onTokenRequest = (granted: boolean): void => {
        telemetry.metrics.add("credential_requests_total", { provider_type: definition.type, result: granted ? "granted" : "failed" });
      };
      const sender = open({ provider: section, providerName, secrets: values, http, ...platform, clock, learnSecret, onTokenRequest });
      return { sender: untilIdle(sender, http), secrets };
    } catch (error) {
      await http?.close();
      for (const secret of secrets) redactor.forget(secret);
      throw error;
    }
  };

  const openFor = async (key: string, provider: Provider, signal: AbortSignal): Promise<Connection> => {
    const definition = providerOfType(provider.spec.type);
    const section = definition === undefined ? undefined : provider.spec[definition.section];
    if (definition === undefined || section === undefined) {
      return { ready: false, code: "ProviderInvalid", message: `this version does not serve a Provider of type ${provider.spec.type} with these sections` };
    }
    const ofSection = [...definition.check(section), ...checkOwnIdentity(definition, section, provider.metadata.namespace, ownIdentityNamespaces)];
    const [problem] = [...ofSection.map((found) => ({ ...found, path: [definition.section, ...found.path] })), ...checkTransport(provider.spec)];
    if (problem !== undefined) return { ready: false, code: problem.code, message: `spec.${problem.path.join(".")} ${problem.message}` };
    const values = await readSecrets({ kube, requireOptIn: requireSecretOptIn }, provider, definition, signal);
    const fingerprint = fingerprintOf(provider, section, values);
    const refusal = refusals.get(key);
    if (refusal?.fingerprint === fingerprint && telemetry.clock.monotonic() - refusal.at < recheckMs) {
      return { ready: false, code: refusal.error.code, message: refusal.error.message };
    }
    refusals.delete(key);
    const existing = opened.get(key);
    if (existing?.fingerprint === fingerprint) return { ready: true, sender: existing.sender, timeoutMs: timeoutMs(provider) };
    const made = await openSender(definition, provider, values);
    shut(key);
    opened.set(key, { fingerprint, ...made });
    return { ready: true, sender: made.sender, timeoutMs: timeoutMs(provider) };
  };

  /** Only the texts of our own errors are known to hold no secret. */
  const messageOf = (key: string, error: unknown): string => {
    if (error instanceof CodedError) return error.message;
    telemetry.log.error("a connection could not be made", { provider: key, error });
    return "the connection could not be made; the controller's log says why";
  };

  return {
    refresh: async (key, provider, signal) => {
      const known = state.get(key);
      const version = `${provider.metadata.uid}/${String(provider.metadata.generation)}`;
      const inUse = known?.connection.ready === true && known.version === version ? known : undefined;
      if (inUse !== undefined && telemetry.clock.monotonic() - inUse.readAt < secretEveryMs) return inUse.connection;
      let connection: Connection;
      try {
        connection = await openFor(key, provider, signal);
      } catch (error) {
        if (signal.aborted) throw error;
        const code = error instanceof CodedError ? error.code : "ServiceFailed";
        // A failed read of a Secret says nothing about the credentials in use.
        if (inUse !== undefined && errorCatalogue[code].area === "kubernetes") return inUse.connection;
        if (unusable.has(code)) shut(key);
        connection = { ready: false, code, message: messageOf(key, error) };
      }
      state.set(key, { connection, version, readAt: telemetry.clock.monotonic() });
      return connection;
    },
    current: (key) => state.get(key)?.connection,
    refused: (key, error, sender) => {
      const open = opened.get(key);
      if (open?.sender !== sender) return false;
      const wasReady = state.get(key)?.connection.ready === true;
      refusals.set(key, { fingerprint: open.fingerprint, error, at: telemetry.clock.monotonic() });
      state.set(key, { connection: { ready: false, code: error.code, message: error.message }, version: "", readAt: 0 });
      return wasReady;
    },
    drop: (key) => {
      shut(key);
      state.delete(key);
      refusals.delete(key);
    },
    close: async () => {
      const senders = [...opened.values()].map(({ sender }) => sender);
      opened.clear();
      await Promise.allSettled(senders.map((sender) => sender.close()));
    },
  };
}

/** Refused credentials are tried again after this long, even if nothing changed. */
export const recheckMs = 600_000;
