import type { ErrorCode } from "../errors.ts";
import type { MessagePart } from "../api/notification.ts";
import type { RunEvent, RunStatus } from "../api/run-event.ts";
import type { SecretKeyRef } from "../api/schema.ts";
import type { Sections } from "../api/section.ts";
import type { Clock } from "../telemetry/clock.ts";
import type { Http } from "./http.ts";
import type { OnTokenRequest } from "./tokens.ts";

/** Stands in a rendered request for a credential; only the sender knows the value. */
export const redacted = "[redacted]";

/** Stands in a simulated request for what only the service can say, such as the id of a message that was sent before. */
export const varies = "[varies]";

/** One HTTP request as it will be sent, credentials left out. What `simulate` prints. */
export interface RenderedRequest {
  readonly method: "POST" | "PUT" | "PATCH";
  readonly url: string;
  /** Lower-case names. A value that holds a credential is {@link redacted}. */
  readonly headers: Readonly<Record<string, string>>;
  /** JSON where the content type is JSON. */
  readonly body: unknown;
}

/** One message to one destination. */
export interface Message {
  /** Which of the Notification's destinations; stable for a (Notification, run). At most 253 characters. */
  readonly key: string;
  /** The rate-limit domain at the service: messages of one lane take turns. Left out: one for the Provider. */
  readonly lane?: string;
  /** The resolved place, for the record (owner, repo, sha, context; url). */
  readonly target: Readonly<Record<string, string>>;
  /** When the run was made, as its object says: nothing of a run that is younger than a sender was sent by one before it. */
  readonly runCreatedAt?: string;
  /** What is changed is this run's alone: whatever a newer run said in the same place, it is no less true. */
  readonly placeOfItsOwn?: boolean;
  readonly request: RenderedRequest;
}

/** What the ledger knows about a destination when its next message is rendered. */
export interface SentBefore {
  /** How many messages the service accepted for this (Notification, run, destination). */
  readonly sentCount: number;
  /** The status that the service last accepted. */
  readonly sentStatus?: RunStatus;
  readonly externalRef?: string;
  /** The place of the last one: all that is left to go by when the run itself is gone. */
  readonly target?: Readonly<Record<string, string>>;
}

export interface RenderInput<ProviderSection, NotificationSection> {
  readonly event: RunEvent;
  readonly provider: ProviderSection;
  readonly notification: NotificationSection;
  /** The run's own object as the API server had it in this state, without `managedFields`; known only where {@link ProviderDefinition.readsObject} says so, and then not always. */
  readonly object?: Readonly<Record<string, unknown>>;
  /** Names of the Notification, for ids that must differ between Notifications. */
  readonly notificationName: { readonly namespace: string; readonly name: string };
  /** The Provider's namespace: whose runs it may report is its own decision. */
  readonly providerNamespace: string;
  readonly sentBefore: (key: string) => SentBefore;
  /**
   * What a field among {@link ProviderDefinition.templates} says for this event, at most `maxBytes` bytes of UTF-8: run data,
   * so input from anywhere. Undefined when the field is not set. Paths of more than one segment are joined by dots.
   * `escape` is applied to what each part `${...}` says, and not to the text around it, which is the user's own.
   */
  readonly template: (field: string, maxBytes: number, escape?: (part: string) => string) => string | undefined;
  /** The same for the parts of the Notification's `message`; `notice.ts` says what they mean. */
  readonly message: (part: MessagePart, maxBytes: number, escape?: (part: string) => string) => string | undefined;
}

/** Messages to send for a state of a run; or why there is nothing to send, which is no error. */
export type Rendered =
  | { readonly messages: readonly Message[] }
  | { readonly nothing: { readonly reason: string; readonly message: string } };

/** What the service said when it accepted a message. */
export interface Accepted {
  /** The service's own name for the message: an id or URL. */
  readonly externalRef?: string;
}

/** A live connection to one service with one set of credentials. */
export interface Sender {
  /** Resolves once the service has accepted the message; rejects with a {@link DeliveryError}. One call is one request that carries the message. */
  send(message: Message, signal: AbortSignal): Promise<Accepted>;
  /**
   * Asks the service whether the credentials are good, with a call that changes nothing, needs no permission and is cheap;
   * rejects with a {@link DeliveryError}, whose class `credentials` says that they are not. Left out where there is no such call.
   */
  readonly verify?: (signal: AbortSignal) => Promise<void>;
  /** Releases sockets and forgets credentials. Sends under way may still end. */
  close(): Promise<void>;
}

export interface SenderOptions<ProviderSection> {
  readonly provider: ProviderSection;
  /** Values of the Secrets that {@link ProviderDefinition.secretRefs} names, by `<secret name>/<key>`. */
  readonly secrets: ReadonlyMap<string, string>;
  /** Names of the Provider. */
  readonly providerName?: { readonly namespace: string; readonly name: string };
  readonly http: Http;
  /** The way to endpoints of the platform's own; there only where the controller's own identity may be used. */
  readonly platform?: Http;
  readonly clock: Clock;
  /** Called with every secret that the service hands out (tokens), so that it is masked wherever it turns up. */
  readonly learnSecret: (secret: string) => void;
  readonly onTokenRequest?: OnTokenRequest | undefined;
}

/** One key of a Secret. */
export interface SecretNeeded {
  readonly name: string;
  readonly key: string;
  /** For people: `the private key`. */
  readonly what: string;
  /** Whether it may be missing, as long as the Secret is there. */
  readonly optional?: boolean;
}

interface NeededField {
  readonly field: string;
  readonly why: string;
}

/** A finding of a provider's own check, with the path below the provider's section. */
export interface SectionProblem {
  readonly path: readonly (string | number)[];
  readonly code: ErrorCode;
  readonly message: string;
}

/** A URL that a section names, with the path below the provider's section. */
export interface SectionUrl {
  readonly path: readonly string[];
  readonly url: string;
}

/** `tasks`: other objects are listed, and awaited, for it. */
export type CostlyPart = "tasks";

/**
 * Everything the product knows about one provider. `config.ts` of its folder makes it, without importing the vendor's SDK;
 * the SDK comes in through `load` when the first Provider of the type sends.
 */
export interface ProviderDefinition<ProviderSection = never, NotificationSection = never> extends Sections {
  /** The service's name for people. */
  readonly title: string;
  /** Statuses reported when a Notification names none. */
  readonly defaultStatuses: readonly RunStatus[];
  /** The same where it depends on the route; wins over {@link defaultStatuses}. */
  readonly defaultStatusesFor?: (notification: NotificationSection) => readonly RunStatus[];
  /** Whether the service shows one current state that must not be left unfinished (GitHub), or takes a stream of messages (queues). */
  readonly keepsState: boolean;
  /** The same where it depends on the route; wins over {@link keepsState}. */
  readonly keepsStateFor?: (notification: NotificationSection) => boolean;
  /** The state as the service tells it apart; two statuses with the same one are not sent twice in a row. */
  readonly serviceState: (status: RunStatus, notification: NotificationSection) => string;
  /** Whether it names no credentials where it could, so that the controller's own identity would be used. */
  readonly usesOwnIdentity?: (provider: ProviderSection) => boolean;
  /** The Secret keys that a section names. */
  readonly secretRefs: (provider: ProviderSection) => readonly SecretNeeded[];
  /** Fields of a Provider's section that follow from others, for those that are left out. The section is as a user wrote it, and not checked yet. */
  readonly defaults?: (provider: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>;
  /**
   * Paths of the fields of `notificationSection` that are templates: checked at admission, rendered through
   * {@link RenderInput.template}. A path that ends in `**` means every text inside a list or an object.
   */
  readonly templates: readonly (readonly string[])[];
  /** Parts of a RunEvent that `render` puts into messages by itself, and that cost something to know. */
  readonly reads: (notification: NotificationSection) => readonly CostlyPart[];
  /** Whether messages hold more of the run's own object than `run` has; it costs memory. */
  readonly readsObject?: (provider: ProviderSection) => boolean;
  /** Fields of a Provider's section that must be set once Notifications of other namespaces may use it, and why: half a sentence. */
  readonly neededWhenShared?: readonly NeededField[];
  /** The same once runs of other namespaces may be sent through it. */
  readonly neededForOtherRuns?: readonly NeededField[];
  /** What the schema cannot say about a Provider's section. */
  readonly check: (provider: ProviderSection) => readonly SectionProblem[];
  /** The URLs that a Provider's section names, whatever is sent there: admission asks of each whether the installation allows it. */
  readonly urls?: (provider: ProviderSection) => readonly SectionUrl[];
  /** What is legal and probably wrong about a Provider's section. */
  readonly warn?: (provider: ProviderSection) => readonly SectionProblem[];
  /** What the schema and the templates cannot say about a Notification's section. */
  readonly checkNotification?: (notification: NotificationSection) => readonly SectionProblem[];
  readonly render: (input: RenderInput<ProviderSection, NotificationSection>) => Rendered;
  /** Loads the SDK; `open` throws a {@link DeliveryError} of class `credentials` when a Secret's value cannot be used. */
  readonly load: () => Promise<{ readonly open: (options: SenderOptions<ProviderSection>) => Sender }>;
}

/**
 * A definition whose section types are known only inside its folder. Sections are checked by the definition's own schema
 * before they reach its functions, so the registry can treat all definitions alike.
 */
export type AnyProviderDefinition = ProviderDefinition<unknown, unknown>;

/** Declares a provider. The sections it is called with have passed `providerSection` and `notificationSection`. */
export function defineProvider<ProviderSection, NotificationSection>(
  definition: ProviderDefinition<ProviderSection, NotificationSection>,
): AnyProviderDefinition {
  return {
    ...definition,
    secretRefs: (provider) => definition.secretRefs(provider as ProviderSection),
    check: (provider) => definition.check(provider as ProviderSection),
    urls: (provider) => definition.urls?.(provider as ProviderSection) ?? [],
    warn: (provider) => definition.warn?.(provider as ProviderSection) ?? [],
    defaultStatusesFor: (notification) => definition.defaultStatusesFor?.(notification as NotificationSection) ?? definition.defaultStatuses,
    serviceState: (status, notification) => definition.serviceState(status, notification as NotificationSection),
    reads: (notification) => definition.reads(notification as NotificationSection),
    keepsStateFor: (notification) => definition.keepsStateFor?.(notification as NotificationSection) ?? definition.keepsState,
    usesOwnIdentity: (provider) => definition.usesOwnIdentity?.(provider as ProviderSection) === true,
    readsObject: (provider) => definition.readsObject?.(provider as ProviderSection) === true,
    checkNotification: (notification) => definition.checkNotification?.(notification as NotificationSection) ?? [],
    render: (input) => definition.render(input as RenderInput<ProviderSection, NotificationSection>),
    load: async () => {
      const { open } = await definition.load();
      return { open: (options) => open(options as SenderOptions<ProviderSection>) };
    },
  };
}

/** Name and key of a Secret reference, with the default key filled in. */
export function secretOf(ref: SecretKeyRef, defaultKey: string, what: string): { name: string; key: string; what: string } {
  return { name: ref.secretRef.name, key: ref.secretRef.key ?? defaultKey, what };
}
