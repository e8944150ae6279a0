/**
 * The error catalogue: every code the product can show, once. `docs/reference/errors.md` lists the same codes; a test
 * compares the two both ways.
 */

/**
 * What an error means for whoever caused it:
 * - `input`: something a user wrote is wrong; fix it and apply again.
 * - `retryable`: the service or the network failed; tried again with back-off.
 * - `credentials`: the Provider's credentials were refused; tried again when they change and every 10 minutes.
 * - `route`: this Notification's destination was refused, the Provider is fine; tried again like `credentials`.
 * - `permanent`: this message can never be delivered.
 * - `internal`: a fault of this program or of the cluster below it.
 */
export type ErrorClass = "input" | "retryable" | "credentials" | "route" | "permanent" | "internal";

/** Which part of the product reports it. */
export type ErrorArea = "filter" | "admission" | "delivery" | "kubernetes" | "command";

export interface ErrorEntry {
  readonly area: ErrorArea;
  readonly class: ErrorClass;
  /** One sentence: what happened. */
  readonly meaning: string;
  /** One sentence: what to do about it. */
  readonly remedy: string;
}

const entry = (area: ErrorArea, errorClass: ErrorClass, meaning: string, remedy: string): ErrorEntry => ({
  area,
  class: errorClass,
  meaning,
  remedy,
});

export const errorCatalogue = {
  // filter (entries of src/filter)
  FilterTooLong: entry("filter", "input", "The expression has more bytes than an expression may have.", "Shorten it, or spread it over several Notifications."),
  FilterTooComplex: entry("filter", "input", "The expression has too many parts, or they are nested too deeply.", "Simplify it; replace chains of || by `in [...]`."),
  FilterTooExpensive: entry("filter", "input", "On the largest possible run the expression would take more steps than an evaluation may take.", "Loop over fewer things: no loops in loops over tasks, no searches in long texts within a loop."),
  TemplateTooLong: entry("filter", "input", "The template has more bytes, or more `${...}` parts, than a template may have.", "Shorten it."),
  TemplateUnterminated: entry("filter", "input", "A part of a template that begins with `${` has no end.", "Write `}` behind the expression; for the two characters themselves write `$${`."),
  TemplateEmptyPart: entry("filter", "input", "A part of a template has no expression.", "Write an expression between the braces; for the two characters `${` themselves write `$${`."),
  FilterSyntax: entry("filter", "input", "The text is not a valid expression.", "Mend it at the place shown."),
  FilterInvalidLiteral: entry("filter", "input", "A literal is out of range, or a pattern, time or duration written in the expression is not valid.", "Correct the literal at the place shown."),
  FilterUnknownVariable: entry("filter", "input", "The expression uses a name that does not exist.", "Use one of the variables in docs/filters.md."),
  FilterUnknownField: entry("filter", "input", "The expression reads a field that its operand does not have.", "Use one of the fields in docs/filters.md."),
  FilterUnknownFunction: entry("filter", "input", "The expression calls a function that does not exist.", "Use one of the functions in docs/filters.md."),
  FilterTypeMismatch: entry("filter", "input", "An operator or function does not take operands of these types.", "Compare or combine values of the same type; the message names the types."),
  FilterInvalidArgument: entry("filter", "input", "A call or macro such as has() or exists() has arguments of the wrong number or form.", "Write it in the form that the message shows."),
  FilterResultType: entry("filter", "input", "The expression's result is not of the type that is needed.", "Make it a condition that is true or false, such as a comparison."),
  FilterNotSupported: entry("filter", "input", "The expression uses syntax that is not part of this language.", "Use the form that the message names."),
  FilterNotSupportedYet: entry("filter", "input", "The expression uses a part of CEL that this version does not check yet, and so does not run.", "Express it without that part, or use a later version."),
  FilterNeverTrue: entry("filter", "input", "A comparison is with a value that the field never has (a warning).", "Use one of the values that the message names."),
  FilterUnusualValue: entry("filter", "input", "A comparison is with a reason that Tekton does not give (a warning).", "Use the reason that the message suggests; leave it where the run is of another controller."),
  FilterAlwaysSame: entry("filter", "input", "A condition is true, or false, for every run (a warning).", "Remove it, or compare with what was meant: two values at once are `||` with `==`, or `in [...]`; none of them is `&&` with `!=`."),
  FilterUnguarded: entry("filter", "input", "A field that only ended runs have is read without asking whether the run has ended (a warning).", "Add `terminal &&` in front, if ended runs are what is meant."),
  FilterOverflow: entry("filter", "input", "While the expression ran, a number or time went out of its range.", "Guard the arithmetic with a condition."),
  FilterDivisionByZero: entry("filter", "input", "While the expression ran, it divided by zero.", "Guard the division with a condition."),
  FilterWrongType: entry("filter", "input", "While the expression ran, a value whose type is known only then was of a type the operation does not take.", "Test the value first, or compare it with a literal of its type."),
  FilterInvalidValue: entry("filter", "input", "While the expression ran, a text was no valid pattern, time or duration, or an argument was out of range.", "Guard the call with a condition."),
  FilterAbsent: entry("filter", "input", "The expression reads something that this run does not have; as a filter it does not match.", "Ask has() first where that is not what you mean."),
  FilterBudgetExceeded: entry("filter", "input", "The expression took more steps on this run than an evaluation may take.", "Avoid loops in loops and patterns over long texts."),
  FilterInternal: entry("filter", "internal", "The filter engine itself failed; nothing was selected.", "Report it with the expression."),

  // admission (entries of src/webhook)
  FieldRequired: entry("admission", "input", "A field that must be set is missing.", "Set it; `kubectl explain` describes it."),
  FieldUnknown: entry("admission", "input", "There is no field of this name.", "Correct its name, or take it out; `kubectl explain` lists the fields."),
  FieldTypeInvalid: entry("admission", "input", "The value is not of the field's type.", "Write a value of the type that the message names."),
  FieldInvalid: entry("admission", "input", "The value is not one that the field can have.", "Write a value as the message describes."),
  FieldNotSupported: entry("admission", "input", "The value is not one of the field's fixed values.", "Use one of the values that the message names."),
  FieldDuplicate: entry("admission", "input", "The same entry stands in a list twice.", "Take one of them out."),
  FieldTooLong: entry("admission", "input", "The text is longer than the field may be.", "Shorten it."),
  FieldTooMany: entry("admission", "input", "The list or map has more entries than it may have.", "Use fewer, or spread them over several objects."),
  FieldForbidden: entry("admission", "input", "The field may not be set here.", "Take it out."),
  RuleBroken: entry("admission", "input", "Fields that depend on each other do not agree.", "Set them as the message describes."),
  PatternInvalid: entry("admission", "input", "A regular expression is not valid RE2.", "Mend the pattern; RE2 knows no look-around and no back-references."),
  SectionUnused: entry("admission", "input", "A section of a Notification is not that of its Provider's type (a warning).", "Take it out, or refer to a Provider of its type."),
  SelectsNothing: entry("admission", "input", "Parts of a filter or selector exclude each other, so that nothing passes it (a warning).", "Change one of the parts."),
  StatusNotSent: entry("admission", "input", "A filter's expression asks for a status that is not reported (a warning).", "Name the status in spec.filter.statuses, or take it out of the expression."),
  KindNotSelected: entry("admission", "input", "A filter's expression asks for a kind of run that is not selected (a warning).", "Name the kind in spec.filter.kinds, or take it out of the expression."),
  LoopPossible: entry("admission", "input", "A Provider sends to a receiver in the cluster, which could start a run for each message about a run (a warning).", "Have what starts the runs pass `tektonloop` on, as docs/providers/cloudevents.md shows."),
  PermissionMissing: entry("admission", "input", "Whoever writes the object lacks a right that the object needs: to read a Secret that it names, or to list runs that it selects.", "Ask for the right that the message names, or let somebody who has it write the object."),
  KindNotSupported: entry("admission", "input", "The object is not of a kind and version that is checked here.", "Use a kind of integrations.tekton.ornew.io/v1alpha1: Provider or Notification."),
  ReviewInvalid: entry("admission", "input", "A request to the webhook is not an AdmissionReview of admission.k8s.io/v1 in JSON.", "Only the API server calls the webhook; look at the webhook configuration."),
  ReviewTooLarge: entry("admission", "input", "A request to the webhook is larger than 3 MiB.", "Make the object smaller."),
  TooManyReviews: entry("admission", "retryable", "The webhook has more requests under way than it has memory for.", "Nothing to do: the API server asks again in a second. Where it happens often, run more replicas of the webhook."),
  AdmissionFailed: entry("admission", "internal", "The webhook itself failed while it judged an object; the object was refused.", "Try again, and report it with the webhook's log."),
  CertificateUnusable: entry("admission", "internal", "The webhook's certificate is missing or cannot be used.", "Look at the Secret tekton-integrations-webhook-tls; the controller makes it when it is missing."),
  UrlInvalid: entry("admission", "input", "A URL is not valid, or holds what it must not.", "Write an absolute http(s) URL without credentials and fragment."),

  // delivery (entries of src/providers and src/controller)
  ServiceUnreachable: entry("delivery", "retryable", "No connection to the service, or it broke before an answer came.", "Check the service, DNS, proxies and network policies; the message is tried again."),
  ServiceTimeout: entry("delivery", "retryable", "The service did not answer within the Provider's timeout.", "Check the service, or raise spec.timeout; the message is tried again."),
  NotLeading: entry("delivery", "retryable", "The controller lost its Lease before the request was begun.", "Nothing to do; the controller that leads now sends the message."),
  ServiceFailed: entry("delivery", "retryable", "The service answered with an error of its own (5xx) or with something that is no valid answer.", "Check the service; the message is tried again."),
  RateLimited: entry("delivery", "retryable", "The service asked to wait.", "Nothing to do: the message is sent when the service allows it. Fewer statuses or a narrower filter send less."),
  CredentialsRefused: entry("delivery", "credentials", "The service refused the credentials.", "Mend the Secret or the permissions at the service; messages are kept and sent once it works."),
  SecretNotFound: entry("delivery", "credentials", "The Secret that the Provider names does not exist, or lacks the key.", "Create the Secret, or mend the reference; messages are kept and sent once it is there."),
  SecretForbidden: entry("delivery", "credentials", "The installation does not let the controller read Secrets in the Provider's namespace.", "Bind the ClusterRole tekton-integrations-controller-secrets to the controller's ServiceAccount by a RoleBinding there (deploy/overlays/strict); messages are kept and sent once it is."),
  SecretNotAllowed: entry("delivery", "credentials", "The installation uses only Secrets that allow it, and this one does not name the Provider.", "Annotate the Secret with integrations.tekton.ornew.io/allowed-providers: the names of Providers, with commas between, or *."),
  SecretMalformed: entry("delivery", "credentials", "The Secret's value is not of the form that the service needs.", "Put the value in as the Provider's page describes."),
  CredentialsRequired: entry("delivery", "credentials", "The Provider names no credentials, and the controller's own identity may not be used for it, or there is none.", "Name a Secret in the section's credentials, or have the installation allow the namespace with --ambient-credentials-namespaces."),
  ProviderNotFound: entry("delivery", "credentials", "The Provider that the Notification refers to does not exist or is being deleted.", "Create it, or mend spec.providerRef; messages are kept and sent once it is there."),
  RunsNotCovered: entry("delivery", "credentials", "The Notification selects runs of namespaces that its Provider does not take.", "Name them in spec.runNamespaces of the Provider, or select fewer; no run of such a namespace is sent."),
  ProviderSuspended: entry("delivery", "credentials", "The Provider is suspended.", "Set its spec.suspend to false; messages are kept and sent then."),
  MessagesThrottled: entry("delivery", "retryable", "The Notification has more messages than its maxPerMinute; they wait.", "Nothing to do; raise spec.maxPerMinute, or narrow the filter, if that is not wanted."),
  ProviderInvalid: entry("delivery", "credentials", "The Provider is not one that this version can use.", "Apply a Provider that the webhook accepts, or install a version that serves its type."),
  EgressDenied: entry("delivery", "credentials", "The address of the service is one that this installation does not send to.", "Use another URL, or ask whoever installed the controller to allow it."),
  DestinationRefused: entry("delivery", "route", "The service does not know this destination, or does not let us write to it.", "Check the destination's name and that the App is installed there; messages are kept and sent once it works."),
  DestinationGone: entry("delivery", "route", "The receiver answered that it is gone for good (410); nothing more is sent to it.", "Point the Provider elsewhere. Where the receiver is back, suspend the Provider and resume it; messages are kept and sent then."),
  MessageRefused: entry("delivery", "permanent", "The service refused this message for good.", "Read the service's answer in the Delivery; the message is not tried again."),
  DeadlinePassed: entry("delivery", "permanent", "The message could not be delivered within the delivery deadline.", "Mend the cause, which the Delivery names, and send again with the redeliver annotation where offered."),

  // kubernetes (entries of src/kube)
  KubernetesRequestFailed: entry("kubernetes", "retryable", "The Kubernetes API server refused or failed a request.", "Look at the status code and reason in the message; the request is tried again."),
  KubernetesUnreachable: entry("kubernetes", "retryable", "The Kubernetes API server could not be reached, or the connection broke.", "Look at the address and the network between; the request is tried again."),
  KubernetesAnswerInvalid: entry("kubernetes", "retryable", "The Kubernetes API server, or something between, gave an answer that is not of the Kubernetes API.", "Look for a proxy that answers in the API server's name; the request is tried again."),
  KubernetesConfigurationInvalid: entry("kubernetes", "input", "The configuration for reaching the Kubernetes API server cannot be used.", "Mend the kubeconfig that the message names, or run in a Pod with a ServiceAccount."),

  // command (entries of src/cli and src/config.ts)
  ManifestUnreadable: entry("command", "input", "A file or standard input cannot be read, or is neither YAML nor JSON.", "Mend it at the place that the message names."),
  UsageInvalid: entry("command", "input", "The command line or the environment is not understood.", "Read the message, or the command's --help."),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorCatalogue;

/** An error with a code from the catalogue. `message` is safe to log and to show: it never holds a secret or run data. */
export class CodedError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "CodedError";
    this.code = code;
  }

  get class(): ErrorClass {
    return errorCatalogue[this.code].class;
  }
}
