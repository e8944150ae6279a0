import { webUrl } from "../api/web-url.ts";
import type { ErrorCode } from "../errors.ts";
import { compilePattern, compileTemplate, runEventEnvironment, type Compilation } from "../filter/index.ts";
import type { EgressPolicy } from "../providers/egress.ts";
import { checkOwnIdentity, usesOwnIdentity, type OwnIdentityNamespaces } from "../providers/own-identity.ts";
import { providers } from "../providers/registry.ts";
import { checkTemplates, messageTemplates, type CheckedTemplate } from "../providers/templates.ts";
import { checkTransport } from "../providers/transport.ts";
import { checkEgress, type NamedUrl } from "./check-egress.ts";
import type { CheckedKind } from "./check-schema.ts";
import { checkSelection, compiledFilter } from "./check-selection.ts";
import { checkLabels } from "./check-selector.ts";
import { fieldPath } from "./field-path.ts";
import { at, isObject, own, textOf, type JsonObject } from "./json-value.ts";
import { fromDiagnostic, type Findings, type Problem } from "./problem.ts";

export interface MeaningOptions {
  /** The object's namespace; undefined where it is not known (a file without one). */
  readonly namespace: string | undefined;
  /** Undefined: not known here, and so not judged. */
  readonly ownIdentityNamespaces?: OwnIdentityNamespaces;
  /** Where the installation lets Providers send. Undefined: not known here, and so judged by what all installations have in common. */
  readonly egress?: EgressPolicy;
  /** What the filter's expression was compiled to; undefined: it is compiled here. */
  readonly compilation?: Compilation | undefined;
  /** Whether the schema found errors in this field or below it. */
  readonly malformed: (field: string) => boolean;
}

const none: Findings = { errors: [], warnings: [] };
const errorsOnly = (errors: readonly Problem[]): Findings => ({ errors, warnings: [] });
const problem = (field: string, code: ErrorCode, message: string): Problem => ({ field, code, message });

/**
 * What a schema cannot say: expressions, templates and patterns compile, selectors make sense, sections pass their provider's own
 * check. Parts that the schema found malformed are left to it.
 */
export function checkMeaning(kind: CheckedKind, object: JsonObject, options: MeaningOptions): Findings {
  const spec = own(object, "spec");
  if (!isObject(spec)) return none;
  const parts = kind === "Provider" ? partsOfProvider(spec, options) : partsOfNotification(spec, options);
  return { errors: parts.flatMap(({ errors }) => errors), warnings: parts.flatMap(({ warnings }) => warnings) };
}

const partsOfProvider = (spec: JsonObject, options: MeaningOptions): readonly Findings[] => [
  checkProviderSections(spec, options),
  checkShared(spec, options),
  checkHowItTravels(spec, options),
  checkSelectors(spec, selectorsOfProvider, options),
  checkEgress(urlsOf(spec, options), options),
];

function partsOfNotification(spec: JsonObject, options: MeaningOptions): readonly Findings[] {
  const compilation = options.compilation ?? compiledFilter(spec);
  return [
    checkExpression(compilation),
    checkGroupBy(spec),
    checkResults(spec),
    checkSelectors(spec, selectorsOfNotification, options),
    checkMessage(spec, options),
    checkSectionTemplates(spec, options),
    checkNotificationSections(spec, options),
    checkWhatIsSent(spec, compilation),
  ];
}

function checkProviderSections(spec: JsonObject, { malformed, namespace, ownIdentityNamespaces }: MeaningOptions): Findings {
  const wellFormed = providers.filter(({ section }) => isObject(own(spec, section)) && !malformed(`spec.${section}`)).map((provider) => ({ provider, section: own(spec, provider.section) }));
  const errors = wellFormed.flatMap(({ provider, section }) => {
    const identity = ownIdentityNamespaces === undefined || namespace === undefined ? [] : checkOwnIdentity(provider, section, namespace, ownIdentityNamespaces);
    return [...provider.check(section), ...identity].map(({ path, code, message }) => problem(fieldPath(["spec", provider.section, ...path]), code, `Invalid value: ${message}`));
  });
  const unknown = ownIdentityNamespaces === undefined ? wellFormed.filter(({ provider, section }) => usesOwnIdentity(provider, section)) : [];
  const identities = unknown.map(({ provider }) => problem(fieldPath(["spec", provider.section, "credentials"]), "CredentialsRequired", ownIdentityUnknown));
  const doubtful = wellFormed.flatMap(({ provider, section }) => (provider.warn?.(section) ?? []).map(({ path, code, message }) => problem(fieldPath(["spec", provider.section, ...path]), code, message)));
  return { errors, warnings: [...identities, ...doubtful] };
}

const ownIdentityUnknown = "names no Secret: that needs an installation that lets Providers of this namespace use the controller's own identity (--ambient-credentials-namespaces)";

/** What a Provider must say that Notifications of other namespaces may use, or that takes runs of other namespaces. */
function checkShared(spec: JsonObject, { malformed }: MeaningOptions): Findings {
  const reasons = [
    { because: "allowedNamespaces", needed: "neededWhenShared" },
    { because: "runNamespaces", needed: "neededForOtherRuns" },
  ] as const;
  const missing = reasons
    .filter(({ because }) => own(spec, because) !== undefined)
    .flatMap(({ because, needed }) => providers.map(({ section, [needed]: fields = [] }) => ({ because, section, fields, settings: own(spec, section) })))
    .filter(({ section, settings }) => isObject(settings) && !malformed(`spec.${section}`))
    .flatMap(({ because, section, fields, settings }) => fields.filter(({ field }) => own(settings, field) === undefined).map(({ field, why }) => ({ at: fieldPath(["spec", section, field]), because, why })));
  const first = missing.filter(({ at: field }, index) => missing.findIndex((other) => other.at === field) === index);
  return errorsOnly(first.map(({ at: field, because, why }) => problem(field, "FieldRequired", `Required value: must be set where ${because} is: ${why}`)));
}

function checkHowItTravels(spec: JsonObject, { malformed }: MeaningOptions): Findings {
  const part = (name: string): JsonObject => (isObject(own(spec, name)) && !malformed(`spec.${name}`) ? { [name]: own(spec, name) } : {});
  return errorsOnly(checkTransport({ ...part("tls"), ...part("proxy") }).map(({ path, code, message }) => problem(fieldPath(["spec", ...path]), code, `Invalid value: ${message}`)));
}

function checkNotificationSections(spec: JsonObject, { malformed }: MeaningOptions): Findings {
  return errorsOnly(
    providers
      .filter(({ section }) => isObject(own(spec, section)) && !malformed(`spec.${section}`))
      .flatMap((provider) =>
        (provider.checkNotification?.(own(spec, provider.section)) ?? []).map(({ path, code, message }) => problem(fieldPath(["spec", provider.section, ...path]), code, `Invalid value: ${message}`)),
      ),
  );
}

/** Templates of all sections that are there: a second section is an error of its own, and no reason to hide these. */
const checkSectionTemplates = (spec: JsonObject, options: MeaningOptions): Findings =>
  templateFindings(providers.flatMap((provider) => checkTemplates(provider, own(spec, provider.section)).map((checked) => ({ parent: provider.section, ...checked }))), options);

function checkMessage(spec: JsonObject, options: MeaningOptions): Findings {
  const checked = checkTemplates(messageTemplates, own(spec, "message"));
  const { errors, warnings } = templateFindings(checked.map((part) => ({ parent: "message", ...part })), options);
  const address = checked.find(({ path }) => path[0] === "url")?.template;
  if (address?.constant !== true || webUrl(address.source) !== undefined || options.malformed("spec.message.url")) return { errors, warnings };
  return { errors: [...errors, problem("spec.message.url", "UrlInvalid", "Invalid value: is no web address: write https://... without credentials")], warnings };
}

function templateFindings(templates: readonly (CheckedTemplate & { readonly parent: string })[], { malformed }: MeaningOptions): Findings {
  const checked = templates.map(({ parent, path, errors, warnings }) => ({ field: fieldPath(["spec", parent, ...path]), errors, warnings }));
  const wellFormed = checked.filter(({ field }) => !malformed(field));
  return {
    errors: wellFormed.flatMap(({ field, errors }) => errors.map((error) => fromDiagnostic(field, error))),
    warnings: wellFormed.flatMap(({ field, warnings }) => warnings.map((warning) => fromDiagnostic(field, warning))),
  };
}

function checkExpression(compilation: Compilation | undefined): Findings {
  if (compilation === undefined) return none;
  const field = "spec.filter.expression";
  const { errors, warnings } = compilation;
  return { errors: errors.map((error) => fromDiagnostic(field, error)), warnings: warnings.map((warning) => fromDiagnostic(field, warning)) };
}

function checkGroupBy(spec: JsonObject): Findings {
  const source = textOf(own(spec, "groupBy"));
  if (source === undefined) return none;
  const { errors, warnings } = compileTemplate(source, { environment: runEventEnvironment });
  return { errors: errors.map((error) => fromDiagnostic("spec.groupBy", error)), warnings: warnings.map((warning) => fromDiagnostic("spec.groupBy", warning)) };
}

function checkResults(spec: JsonObject): Findings {
  const results = at(spec, "filter", "results");
  if (!Array.isArray(results)) return none;
  const names = new Set<string>();
  const errors: Problem[] = [];
  for (const [index, result] of (results as unknown[]).slice(0, 100).entries()) {
    const path = (...rest: string[]): string => fieldPath(["spec", "filter", "results", index, ...rest]);
    const name = textOf(own(result, "name"));
    if (name !== undefined && names.has(name)) errors.push(problem(path(), "FieldDuplicate", `Duplicate value: {"name":${JSON.stringify(name.slice(0, 80))}}`));
    names.add(name ?? "");
    const pattern = textOf(own(result, "matches"));
    const compiled = pattern === undefined ? undefined : compilePattern(pattern);
    if (typeof compiled === "string") errors.push(problem(path("matches"), "PatternInvalid", `Invalid value: not an RE2 pattern: ${compiled}`));
  }
  return errorsOnly(errors);
}

const selectorsOfNotification = [["spec", "filter", "labelSelector"], ["spec", "filter", "namespaceSelector"]] as const;
const selectorsOfProvider = [["spec", "allowedNamespaces"], ["spec", "runNamespaces"]] as const;

function checkSelectors(spec: JsonObject, paths: readonly (readonly string[])[], { malformed }: MeaningOptions): Findings {
  const found = paths.flatMap((path) => {
    const selector = at(spec, ...path.slice(1));
    return isObject(selector) && !malformed(fieldPath(path)) ? [checkLabels(selector, path)] : [];
  });
  return { errors: found.flatMap(({ errors }) => errors), warnings: found.flatMap(({ warnings }) => warnings) };
}

/** The URLs of all sections and of the proxy. */
function urlsOf(spec: JsonObject, { malformed }: MeaningOptions): readonly NamedUrl[] {
  const ofSections = providers
    .filter(({ section }) => isObject(own(spec, section)) && !malformed(`spec.${section}`))
    .flatMap((provider) => (provider.urls?.(own(spec, provider.section)) ?? []).map(({ path, url }) => ({ field: fieldPath(["spec", provider.section, ...path]), url })));
  const proxy = textOf(at(spec, "proxy", "url"));
  return proxy === undefined || malformed("spec.proxy") ? ofSections : [...ofSections, { field: "spec.proxy.url", url: proxy, isProxy: true }];
}

/** Where the section tells which provider it is for, its default statuses count. */
function checkWhatIsSent(spec: JsonObject, compilation: Compilation | undefined): Findings {
  const [definition, ...others] = providers.filter(({ section }) => isObject(own(spec, section)));
  return { errors: [], warnings: checkSelection(spec, compilation, others.length === 0 ? definition : undefined) };
}
