import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import type { Clock } from "../../telemetry/clock.ts";
import { DeliveryError } from "../delivery-error.ts";
import { toDeliveryError } from "./errors.ts";
import type { AwsRequestHandler } from "./http-handler.ts";

/** What requests are signed with. */
export interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface RoleOptions {
  readonly roleARN: string;
  readonly externalId: string;
  readonly region: string;
  /** URL of STS. */
  readonly endpoint: string;
  /** The identity that assumes the role. */
  readonly key: AccessKey;
  readonly requestHandler: AwsRequestHandler;
  readonly clock: Clock;
  readonly learnSecret: (secret: string) => void;
}

/** An assumed role. */
export interface Role {
  /** A key that is good for a while; one request an hour, however many ask at once. */
  readonly key: (signal: AbortSignal) => Promise<AccessKey>;
  /** Forgets a key that was refused, unless a newer one has come since. */
  readonly refused: (key: AccessKey) => void;
}

/** A role is assumed for an hour, and anew this long before the hour is over, so that no key ends on its way. */
const sessionSeconds = 3600;
const renewBeforeMs = 300_000;

/** What client of AWS have in common here: one call is one request, and nothing is read from the environment or from files. */
export const clientDefaults = { maxAttempts: 1, retryMode: "standard", defaultsMode: "standard", useDualstackEndpoint: false, useFipsEndpoint: false, userAgentAppId: "tekton-integrations" } as const;

interface Session {
  readonly key: AccessKey;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

export function createRole({ roleARN, externalId, region, endpoint, key, requestHandler, clock, learnSecret }: RoleOptions): Role {
  const sts = new STSClient({ ...clientDefaults, region, endpoint, credentials: key, requestHandler });
  const host = new URL(endpoint).host;
  let session: Session | undefined;
  let renewal: Promise<Session> | undefined;

  const assume = async (signal: AbortSignal): Promise<Session> => {
    try {
      const command = new AssumeRoleCommand({ RoleArn: roleARN, RoleSessionName: "tekton-integrations", ExternalId: externalId, DurationSeconds: sessionSeconds });
      const { Credentials: given } = await sts.send(command, { abortSignal: signal });
      const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, SessionToken: sessionToken, Expiration: expiration } = given ?? {};
      if (accessKeyId === undefined || secretAccessKey === undefined || sessionToken === undefined || expiration === undefined) {
        throw new DeliveryError("ServiceFailed", `could not assume the role: ${host} answered with something that is no key`);
      }
      learnSecret(secretAccessKey);
      learnSecret(sessionToken);
      return { key: { accessKeyId, secretAccessKey, sessionToken }, expiresAt: expiration.getTime() };
    } catch (error) {
      throw toDeliveryError(error, { what: "assume the role", host, now: clock.now(), trusted: true, signal });
    }
  };

  return {
    key: async (signal) => {
      if (session !== undefined && session.expiresAt - renewBeforeMs > clock.now()) return session.key;
      renewal ??= assume(signal).finally(() => {
        renewal = undefined;
      });
      session = await renewal;
      return session.key;
    },
    refused: (refusedKey) => {
      if (session?.key === refusedKey) session = undefined;
    },
  };
}
