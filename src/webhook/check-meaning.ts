import type { ErrorCode } from "../errors.ts";
import { compile, compilePattern, compileTemplate, runEventEnvironment } from "../filter/index.ts";
import { checkOwnIdentity, usesOwnIdentity, type OwnIdentityNamespaces } from "../providers/own-identity.ts";
import { providers } from "../providers/registry.ts";
import { checkTemplates, messageTemplates, type CheckedTemplate } from "../providers/templates.ts";
import { checkTransport } from "../providers/transport.ts";
import type { CheckedKind } from "./check-schema.ts";
import { fieldPath } from "./field-path.ts";
import { at, isObject, own, textOf, type JsonObject } from "./json-value.ts";
import { fromDiagnostic, type Findings, type Problem } from "./problem.ts";

export interface MeaningOptions {
  /** The object's namespace; undefined where it is not known (a file without one). */
  readonly namespace: string | undefined;
  /** Undefined: not known here, and so not judged. */
  readonly ownIdentityNamespaces?: OwnIdentityNamespaces;
  /** Whether the schema found errors in this field or below it. */
  readonly malformed: (field: string) => boolean;
}

const none: Findings = { errors: [], warnings: [] };
const errorsOnly = (errors: readonly Problem[]): Findings => ({ errors, warnings: [] });
const problem = (field: string, code: ErrorCode, message: string): Problem => ({ field, code, message });

/**
 * What a schema cannot say: expressions, templates and patterns compile, selectors make sense, sections pass their provider's own
 * check, and nothing reaches into another namespace. Parts that the schema found malformed are left to it.
 */
export function checkMeaning(kind: CheckedKind, object: JsonObject, options: MeaningOptions): Findings {
  const spec = own(object, "spec");
  if (!isObject(spec)) return none;
  const parts =
    kind === "Provider"
      ? [checkProviderSections(spec, options), checkShared(spec, options), checkHowItTravels(spec, options)]
      : [checkExpression(spec), checkGroupBy(spec), checkResults(spec), checkNamespaceSelector(spec, options), checkLabelSelector(spec, options), checkMessage(spec, options), checkSectionTemplates(spec, options), checkNotificationSections(spec, options)];
  return { errors: parts.flatMap(({ errors }) => errors), warnings: parts.flatMap(({ warnings }) => warnings) };
}

function checkProviderSections(spec: JsonObject, { malformed, namespace, ownIdentityNamespaces }: MeaningOptions): Findings {
  const wellFormed = providers.filter(({ section }) => isObject(own(spec, section)) && !malformed(`spec.${section}`)).map((provider) => ({ provider, section: own(spec, provider.section) }));
  const errors = wellFormed.flatMap(({ provider, section }) => {
    const identity = ownIdentityNamespaces === undefined || namespace === undefined ? [] : checkOwnIdentity(provider, section, namespace, ownIdentityNamespaces);
    return [...provider.check(section), ...identity].map(({ path, code, message }) => problem(fieldPath(["spec", provider.section, ...path]), code, `Invalid value: ${message}`));
  });
  const unknown = ownIdentityNamespaces === undefined ? wellFormed.filter(({ provider, section }) => usesOwnIdentity(provider, section)) : [];
  return { errors, warnings: unknown.map(({ provider }) => problem(fieldPath(["spec", provider.section, "credentials"]), "CredentialsRequired", ownIdentityUnknown)) };
}

const ownIdentityUnknown = "names no Secret: that needs an installation that lets Providers of this namespace use the controller's own identity (--ambient-credentials-namespaces)";

/** What a Provider must say that others than its own namespace may use. */
function checkShared(spec: JsonObject, { malformed }: MeaningOptions): Findings {
  if (own(spec, "allowedNamespaces") === undefined) return none;
  return errorsOnly(
    providers.flatMap(({ section, neededWhenShared = [] }) => {
      const settings = own(spec, section);
      if (!isObject(settings) || malformed(`spec.${section}`)) return [];
      return neededWhenShared
        .filter(({ field }) => own(settings, field) === undefined)
        .map(({ field, why }) => problem(fieldPath(["spec", section, field]), "FieldRequired", `Required value: must be set where allowedNamespaces is: ${why}`));
    }),
  );
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

const checkMessage = (spec: JsonObject, options: MeaningOptions): Findings =>
  templateFindings(checkTemplates(messageTemplates, own(spec, "message")).map((checked) => ({ parent: "message", ...checked })), options);

function templateFindings(templates: readonly (CheckedTemplate & { readonly parent: string })[], { malformed }: MeaningOptions): Findings {
  const checked = templates.map(({ parent, path, errors, warnings }) => ({ field: fieldPath(["spec", parent, ...path]), errors, warnings }));
  const wellFormed = checked.filter(({ field }) => !malformed(field));
  return {
    errors: wellFormed.flatMap(({ field, errors }) => errors.map((error) => fromDiagnostic(field, error))),
    warnings: wellFormed.flatMap(({ field, warnings }) => warnings.map((warning) => fromDiagnostic(field, warning))),
  };
}

const widerSelector = "runs of other namespaces cannot be selected yet: leave the selector out to select runs of the Notification's own namespace";

function checkExpression(spec: JsonObject): Findings {
  const source = textOf(at(spec, "filter", "expression"));
  if (source === undefined || source === "") return none;
  const field = "spec.filter.expression";
  const { errors, warnings } = compile(source, { environment: runEventEnvironment, result: "bool" });
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

function checkNamespaceSelector(spec: JsonObject, { namespace, malformed }: MeaningOptions): Findings {
  const selector = at(spec, "filter", "namespaceSelector");
  const field = "spec.filter.namespaceSelector";
  if (!isObject(selector) || malformed(field)) return none;
  const refuse = (name: string): Problem => problem(fieldPath(["spec", "filter", "namespaceSelector", name]), "NamespaceNotAllowed", `Forbidden: ${widerSelector}`);
  const errors = ["any", "matchLabels", "matchExpressions"].filter((name) => own(selector, name) !== undefined).map(refuse);
  const names = own(selector, "matchNames");
  const home = namespace ?? (Array.isArray(names) ? (names as unknown[])[0] : undefined);
  if (Array.isArray(names) && names.some((name) => name !== home)) errors.push(refuse("matchNames"));
  return errorsOnly(errors);
}

const labelKey = /^(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/u;
const labelValue = /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/u;

function checkLabelSelector(spec: JsonObject, { malformed }: MeaningOptions): Findings {
  const base = ["spec", "filter", "labelSelector"] as const;
  const selector = at(spec, "filter", "labelSelector");
  if (!isObject(selector) || malformed(fieldPath(base))) return none;
  const errors: Problem[] = [];
  const labels = own(selector, "matchLabels");
  for (const [key, value] of isObject(labels) ? Object.entries(labels) : []) {
    const field = fieldPath([...base, "matchLabels", key]);
    if (!labelKey.test(key)) errors.push(problem(field, "FieldInvalid", "Invalid value: the key is not that of a label: `name` or `prefix/name`, each name at most 63 characters"));
    if (typeof value === "string" && !labelValue.test(value)) errors.push(problem(field, "FieldInvalid", "Invalid value: the value is not that of a label: at most 63 letters, digits, `-`, `_` and `.`, beginning and ending with a letter or digit"));
  }
  const requirements = own(selector, "matchExpressions");
  for (const [index, requirement] of Array.isArray(requirements) ? (requirements as unknown[]).entries() : []) {
    errors.push(...checkRequirement(requirement, fieldPath([...base, "matchExpressions", index])));
  }
  return errorsOnly(errors);
}

function checkRequirement(requirement: unknown, field: string): Problem[] {
  const operator = textOf(own(requirement, "operator")) ?? "";
  const key = textOf(own(requirement, "key")) ?? "";
  const values = own(requirement, "values");
  const count = Array.isArray(values) ? values.length : 0;
  const errors: Problem[] = [];
  if (!labelKey.test(key)) errors.push(problem(`${field}.key`, "FieldInvalid", "Invalid value: not the key of a label: `name` or `prefix/name`, each name at most 63 characters"));
  if (["In", "NotIn"].includes(operator) && count === 0) errors.push(problem(`${field}.values`, "FieldRequired", "Required value: must be given when the operator is In or NotIn"));
  if (["Exists", "DoesNotExist"].includes(operator) && count > 0) {
    errors.push(problem(`${field}.values`, "FieldForbidden", "Forbidden: may not be given when the operator is Exists or DoesNotExist"));
  }
  return errors;
}
