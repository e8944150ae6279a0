import { notificationKind } from "../api/notification.ts";
import { deliveryKind } from "../api/delivery.ts";
import type { KindDefinition } from "../api/kind.ts";
import { providerKind } from "../api/provider.ts";
import { cloudEvents } from "./cloudevents/config.ts";
import { gitHubApp } from "./github/config.ts";
import type { AnyProviderDefinition } from "./provider.ts";
import { gcpPubSub } from "./pubsub/config.ts";
import { slackApp } from "./slack/config.ts";
import { awsSns } from "./sns/config.ts";

/** Every provider, in the order of the documentation. A new one is one line here. */
export const providers: readonly AnyProviderDefinition[] = [
  gitHubApp,
  slackApp,
  awsSns,
  gcpPubSub,
  cloudEvents,
];

/** The definition of a `spec.type`; undefined for a type that is not known. */
export const providerOfType = (type: string): AnyProviderDefinition | undefined => providers.find((provider) => provider.type === type);

/** The product's kinds with the sections of every provider. */
export const kinds: { readonly provider: KindDefinition; readonly notification: KindDefinition; readonly delivery: KindDefinition } = {
  provider: providerKind(providers),
  notification: notificationKind(providers),
  delivery: deliveryKind,
};
