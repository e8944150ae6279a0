import { Type, type Static } from "typebox";
import type { KindDefinition, Metadata } from "./kind.ts";
import { conditionFields, objectName, oneWordOf, rulesOf, text, time, unseen } from "./schema.ts";
import type { Sections } from "./section.ts";
import { namespaceSelector, type NamespaceSelector } from "./selectors.ts";

const secretName = (description: string) =>
  Type.Object({ name: objectName({ description: "Name of the Secret, in the namespace of the Provider." }) }, { description });

const tls = Type.Object(
  {
    caBundle: Type.Optional(
      text(65_536, {
        description: "Certificates in PEM form that certificates of servers are checked against, instead of those of the public: of the service, of whatever else requests go to, and of an https proxy.",
        minLength: 1,
      }),
    ),
    clientCertificate: Type.Optional(
      Type.Object(
        { secretRef: secretName("The Secret with the keys tls.crt and tls.key, as type kubernetes.io/tls has them.") },
        { description: "What servers are shown that ask for a certificate." },
      ),
    ),
  },
  { description: "How servers are trusted, and trust in turn.", ...rulesOf({ rule: "atLeastOneOf", fields: ["caBundle", "clientCertificate"] }) },
);

const proxy = Type.Object(
  {
    url: text(2048, { description: "Scheme, host and port of the proxy, without credentials.", examples: ["http://proxy.example.com:3128"], minLength: 1, pattern: "^https?://[^\\s/?#]+/?$" }),
    secretRef: Type.Optional(secretName("The Secret with the keys username and password, for a proxy that asks for them (Basic).")),
  },
  { description: "The proxy that every request of this Provider goes through (CONNECT). When left out: the installation's own, if it has one." },
);

const frame = {
  suspend: Type.Optional(
    Type.Boolean({ default: false, description: "Whether sending through this Provider stands still. What falls due meanwhile is kept and sent on resume." }),
  ),
  allowedNamespaces: Type.Optional(
    namespaceSelector("The other namespaces whose Notifications may refer to this Provider. When left out: none."),
  ),
  runNamespaces: Type.Optional(
    namespaceSelector("The namespaces whose runs Notifications that select other namespaces may send through this Provider. Runs of the Provider's and of the Notification's own are always among them. When left out: no others."),
  ),
  timeout: Type.Optional(
    Type.String({
      default: "15s",
      pattern: "^([1-9]|[1-5][0-9]|60)s$",
      maxLength: 3,
      description: "How long one request to the service may take, from `1s` to `60s`.",
      examples: ["15s"],
    }),
  ),
  rateLimit: Type.Optional(
    Type.Object(
      {
        requests: Type.Integer({ minimum: 1, maximum: 100_000, description: "How many requests." }),
        per: Type.Optional(Type.String({ pattern: "^[1-9][0-9]{0,3}(s|m|h)$", maxLength: 5, default: "1m", description: "In which time: a number and `s`, `m` or `h`.", examples: ["1m"] })),
      },
      { description: "The most requests that are begun in any such time, on top of the service's own limits. When left out: no limit of our own." },
    ),
  ),
  tls: Type.Optional(tls),
  proxy: Type.Optional(proxy),
};

const status = Type.Object(
  {
    ...conditionFields("Ready, CredentialsValid"),
    lastDelivery: Type.Optional(
      Type.Object({ time: time("When the service accepted it.") }, { description: "The last message that the service accepted." }),
    ),
    lastError: Type.Optional(
      Type.Object(
        {
          code: text(64, { description: "Code from the error catalogue." }),
          message: text(1024, { description: "What happened; secrets are left out." }),
          time: time("When it happened."),
        },
        { description: "The last error of a delivery. Absent since the last success." },
      ),
    ),
  },
  { default: unseen, description: "What the controller found out about this Provider." },
);

/** The kind Provider, with the sections of the given providers. */
export function providerKind(providers: readonly Sections[]): KindDefinition {
  const types = providers.map((provider) => provider.type);
  const spec = Type.Object(
    {
      type: oneWordOf(types, { description: "Which service this is; exactly the section of this type is set. When left out, it follows from the section." }),
      ...frame,
      ...Object.fromEntries(providers.map((provider) => [provider.section, Type.Optional(provider.providerSection)])),
    },
    {
      description: "Settings of the service.",
      ...rulesOf({
        rule: "sectionOf",
        discriminator: "type",
        sections: Object.fromEntries(providers.map((provider) => [provider.type, provider.section])),
      }),
    },
  );
  return {
    kind: "Provider",
    plural: "providers",
    singular: "provider",
    shortName: "tip",
    description: "A Provider holds the settings of one external service and says which Secrets hold its credentials. Notifications refer to it.",
    spec,
    status,
    columns: [
      { name: "Type", type: "string", jsonPath: ".spec.type", description: "Which service." },
      { name: "Ready", type: "string", jsonPath: ".status.conditions[?(@.type==\"Ready\")].status", description: "Whether messages can be sent." },
      { name: "Reason", type: "string", jsonPath: ".status.conditions[?(@.type==\"Ready\")].reason", description: "Why, in one word." },
      { name: "Suspended", type: "boolean", jsonPath: ".spec.suspend", description: "Whether sending stands still.", priority: 1 },
      { name: "Last Delivery", type: "date", jsonPath: ".status.lastDelivery.time", description: "When the service last accepted a message." },
      { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp", description: "Age of the object." },
    ],
  };
}

export type ProviderStatus = Static<typeof status>;

/** How requests travel, as the frame of a Provider says. */
export interface TransportSpec {
  readonly tls?: Static<typeof tls>;
  readonly proxy?: Static<typeof proxy>;
}

/** A Provider as the API server stores it. The section of `type` is checked by its provider's own schema. */
export interface Provider {
  readonly metadata: Metadata;
  readonly spec: Readonly<Record<string, unknown>> & TransportSpec & {
    readonly type: string;
    readonly suspend?: boolean;
    readonly allowedNamespaces?: NamespaceSelector;
    readonly runNamespaces?: NamespaceSelector;
    readonly timeout?: string;
    readonly rateLimit?: { readonly requests: number; readonly per?: string };
  };
  readonly status?: ProviderStatus;
}
