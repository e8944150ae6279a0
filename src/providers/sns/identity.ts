import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { defaultProvider } from "@aws-sdk/credential-provider-node";
import type { Clock } from "../../telemetry/clock.ts";
import { DeliveryError } from "../delivery-error.ts";
import type { Http } from "../http.ts";
import { createTokens, type Issued, type OnTokenRequest, type Tokens } from "../tokens.ts";
import { toDeliveryError } from "./errors.ts";
import { handlerOver, type AwsRequestHandler } from "./http-handler.ts";

/** What requests are signed with. */
export interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** An identity whose keys come and go: one request for a key at a time, however many ask for it. */
export type Identity = Tokens<AccessKey>;

interface IdentityOptions {
  readonly clock: Clock;
  readonly learnSecret: (secret: string) => void;
  readonly onTokenRequest?: OnTokenRequest | undefined;
}

export interface RoleOptions extends IdentityOptions {
  readonly roleARN: string;
  readonly externalId: string;
  readonly region: string;
  /** URL of STS. */
  readonly endpoint: string;
  /** Who assumes the role. */
  readonly identity: Identity;
  readonly requestHandler: AwsRequestHandler;
}

/** Keys are renewed this long before they end, so that none ends on its way. */
const renewBeforeMs = 300_000;

/** A role is assumed for an hour; a key that does not say when it ends is asked for again as often. */
const sessionSeconds = 3600;

/** What clients of AWS have in common here: one call is one request, and nothing is read from the environment or from files. */
export const clientDefaults = { maxAttempts: 1, retryMode: "standard", defaultsMode: "standard", useDualstackEndpoint: false, useFipsEndpoint: false, userAgentAppId: "tekton-integrations" } as const;

/** The identity of a key that never changes. */
export const fixedIdentity = (key: AccessKey): Identity => ({ current: () => Promise.resolve(key), refused: () => undefined });

/** A role that another identity assumes. */
export function createRole({ roleARN, externalId, region, endpoint, identity, requestHandler, clock, learnSecret, onTokenRequest }: RoleOptions): Identity {
  const { host } = new URL(endpoint);

  const request = async (signal: AbortSignal): Promise<Issued<AccessKey>> => {
    const by = await identity.current(signal);
    const sts = new STSClient({ ...clientDefaults, region, endpoint, credentials: by, requestHandler });
    try {
      const command = new AssumeRoleCommand({ RoleArn: roleARN, RoleSessionName: "tekton-integrations", ExternalId: externalId, DurationSeconds: sessionSeconds });
      const { Credentials: given } = await sts.send(command, { abortSignal: signal });
      const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, SessionToken: sessionToken, Expiration: expiration } = given ?? {};
      if (accessKeyId === undefined || secretAccessKey === undefined || sessionToken === undefined || expiration === undefined) {
        throw new DeliveryError("ServiceFailed", `could not assume the role: ${host} answered with something that is no key`);
      }
      learnSecret(secretAccessKey);
      learnSecret(sessionToken);
      return { token: { accessKeyId, secretAccessKey, sessionToken }, expiresAt: expiration.getTime() };
    } catch (error) {
      const failure = toDeliveryError(error, { what: "assume the role", host, now: clock.now(), trusted: true, signal });
      if (failure.code === "CredentialsRefused") identity.refused(by);
      throw failure;
    }
  };
  return createTokens({ request, clock, renewBeforeMs, onRequest: onTokenRequest });
}

export interface CallerOptions {
  readonly region: string;
  /** URL of STS. */
  readonly endpoint: string;
  readonly requestHandler: AwsRequestHandler;
  readonly clock: Clock;
}

/** Asks STS whose key it is: everybody may, for every key that is good. Rejects with a {@link DeliveryError}. */
export async function checkKey(credentials: AccessKey, { region, endpoint, requestHandler, clock }: CallerOptions, signal: AbortSignal): Promise<void> {
  const { host } = new URL(endpoint);
  try {
    const { Account: account } = await new STSClient({ ...clientDefaults, region, endpoint, credentials, requestHandler }).send(new GetCallerIdentityCommand({}), { abortSignal: signal });
    if (account === undefined) throw new DeliveryError("ServiceFailed", `could not check the access key: ${host} answered with something that names no account`);
  } catch (error) {
    throw toDeliveryError(error, { what: "check the access key", host, now: clock.now(), trusted: true, signal });
  }
}

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/**
 * The controller's own identity, found as AWS's SDK always does: the environment, a web identity (IRSA), the container's
 * (EKS Pod Identity) or the machine's.
 * @param platform the way to AWS's STS; the SDK asks endpoints on this machine and its own network without it
 */
export function ambientIdentity(platform: Http, { clock, learnSecret, onTokenRequest }: IdentityOptions): Identity {
  const request = async (signal: AbortSignal): Promise<Issued<AccessKey>> => {
    try {
      const { accessKeyId, secretAccessKey, sessionToken, expiration } = await defaultProvider({ logger: silent, clientConfig: { maxAttempts: 1, requestHandler: handlerOver(platform) } })();
      learnSecret(secretAccessKey);
      if (sessionToken !== undefined) learnSecret(sessionToken);
      return { token: { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) }, expiresAt: expiration?.getTime() ?? clock.now() + sessionSeconds * 1000 };
    } catch (error) {
      throw noIdentity(error, clock.now(), signal);
    }
  };
  return createTokens({ request, clock, renewBeforeMs, onRequest: onTokenRequest });
}

/** The SDK's own error may hold what it has read. */
function noIdentity(error: unknown, now: number, signal: AbortSignal): DeliveryError {
  if ((error as Error).name === "CredentialsProviderError") return new DeliveryError("CredentialsRequired", "the controller has no identity of its own at AWS: neither the environment nor a web identity, the container or the machine gives it one");
  return toDeliveryError(error, { what: "get the controller's own identity", host: "AWS STS", now, trusted: true, signal });
}
