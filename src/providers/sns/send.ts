import { PublishCommand, SNSClient, type PublishCommandInput } from "@aws-sdk/client-sns";
import { DeliveryError } from "../delivery-error.ts";
import { requestFailed } from "../http.ts";
import type { Message, Sender, SenderOptions } from "../provider.ts";
import type { SnsProvider } from "./config.ts";
import { toDeliveryError } from "./errors.ts";
import { decodePublish } from "./form.ts";
import { handlerOver } from "./http-handler.ts";
import { ambientIdentity, checkKey, clientDefaults, createRole, fixedIdentity, type AccessKey, type Identity } from "./identity.ts";
import { serviceUrl, snsUrl, topicOf } from "./render.ts";

/** The access key in the Provider's Secret. Throws SecretMalformed. */
function accessKeyOf(name: string, secrets: ReadonlyMap<string, string>): AccessKey {
  // Files that were put into Secrets often end in a line break. What is left goes into headers.
  const read = (key: string, form: RegExp, what: string): string => {
    const value = (secrets.get(`${name}/${key}`) ?? "").trim();
    if (!form.test(value)) throw new DeliveryError("SecretMalformed", `Secret ${name}, key ${key}: not ${what} as AWS gives it out`);
    return value;
  };
  return {
    accessKeyId: read("access-key-id", /^[A-Za-z0-9_]{16,128}$/, "the id of an access key"),
    secretAccessKey: read("secret-access-key", /^[\x21-\x7e]{16,256}$/, "a secret access key"),
    ...(secrets.has(`${name}/session-token`) && { sessionToken: read("session-token", /^[\x21-\x7e]{16,8192}$/, "a session token") }),
  };
}

/** Who publishes, or assumes the role to. Throws CredentialsRequired, SecretMalformed. */
function identityOf(options: SenderOptions<SnsProvider>): Identity {
  const name = options.provider.credentials?.secretRef.name;
  if (name !== undefined) return fixedIdentity(accessKeyOf(name, options.secrets));
  if (options.platform === undefined) throw new DeliveryError("CredentialsRequired", "spec.awsSNS.credentials must name a Secret with an access key: the controller's own identity may not be used here");
  return ambientIdentity(options.platform, options);
}

function inputOf(message: Message): PublishCommandInput {
  const { attributes, ...parameters } = decodePublish(message.request.body as string);
  return { ...parameters, MessageAttributes: Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, { DataType: "String", StringValue: value }])) };
}

/** Publishes to one topic, as the identity in the Provider's Secret, or the controller's own, or a role that one of them assumes. */
export function open(options: SenderOptions<SnsProvider>): Sender {
  const { provider, http, clock, learnSecret, onTokenRequest, providerName } = options;
  const own = identityOf(options);
  const endpoint = snsUrl(provider);
  const host = new URL(endpoint).host;
  const region = topicOf(provider.topicARN).region ?? "";
  const requestHandler = handlerOver(http);
  const clientFor = (credentials: AccessKey): SNSClient => new SNSClient({ ...clientDefaults, region, endpoint, credentials, requestHandler });

  const sts = { region, endpoint: serviceUrl("sts", provider.topicARN), requestHandler, clock };
  const roleOf = (roleARN: string): Identity => {
    if (providerName === undefined) throw new DeliveryError("ProviderInvalid", "a role can only be assumed for a Provider whose name is known");
    const externalId = `${providerName.namespace}/${providerName.name}`;
    return createRole({ ...sts, roleARN, externalId, identity: own, learnSecret, onTokenRequest });
  };
  const identity = provider.roleARN === undefined ? own : roleOf(provider.roleARN);
  const changes = provider.roleARN !== undefined || provider.credentials === undefined;

  // One client for each key: clients keep the key that they were made with.
  let current: { readonly key: AccessKey; readonly client: SNSClient } | undefined;
  const clientNow = async (signal: AbortSignal): Promise<NonNullable<typeof current>> => {
    const key = await identity.current(signal).catch((error: unknown) => {
      throw requestFailed(error, host, signal);
    });
    if (key !== current?.key) current = { key, client: clientFor(key) };
    return current;
  };

  const publish = async (client: SNSClient, input: PublishCommandInput, signal: AbortSignal): Promise<string> => {
    try {
      const { MessageId: id, $metadata } = await client.send(new PublishCommand(input), { abortSignal: signal });
      // A proxy's page with status 200 is no acceptance.
      if (id === undefined) throw new DeliveryError("ServiceFailed", `${host} answered ${$metadata.httpStatusCode ?? 200} with something that names no message`);
      return id;
    } catch (error) {
      throw toDeliveryError(error, { what: "publish", host, now: clock.now(), trusted: provider.endpoint === undefined, signal });
    }
  };

  // An endpoint of somebody else's has no STS that would know the key. A role that was assumed needs no other proof.
  const verify = async (signal: AbortSignal): Promise<void> => {
    const { key } = await clientNow(signal);
    if (provider.roleARN !== undefined) return;
    await checkKey(key, sts, signal);
  };

  return {
    ...((provider.endpoint === undefined || provider.roleARN !== undefined) && { verify }),
    send: async (message, signal) => {
      const input = inputOf(message);
      for (let again = changes; ; again = false) {
        const used = await clientNow(signal);
        try {
          return { externalRef: await publish(used.client, input, signal) };
        } catch (error) {
          if (!(error instanceof DeliveryError) || error.code !== "CredentialsRefused") throw error;
          identity.refused(used.key);
          // A session can be revoked before its time: the role is assumed once more before the credentials are blamed.
          if (!again) throw error;
        }
      }
    },
    close: () => Promise.resolve(),
  };
}
