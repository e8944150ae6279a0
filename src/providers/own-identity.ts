import type { AnyProviderDefinition, SectionProblem } from "./provider.ts";

/** Namespaces whose Providers may use the controller's own identity. */
export type OwnIdentityNamespaces = ReadonlySet<string>;

/** Whether the section names no credentials, and leaves it to the controller's own identity. */
export const usesOwnIdentity = ({ usesOwnIdentity: uses }: AnyProviderDefinition, section: unknown): boolean => uses?.(section) === true;

/** A section that would use the controller's own identity in a namespace that may not. */
export function checkOwnIdentity(definition: AnyProviderDefinition, section: unknown, namespace: string, allowed: OwnIdentityNamespaces): SectionProblem[] {
  if (!usesOwnIdentity(definition, section) || allowed.has(namespace)) return [];
  return [{ path: ["credentials"], code: "CredentialsRequired", message: "must name a Secret: this installation does not let Providers of this namespace use the controller's own identity (--ambient-credentials-namespaces)" }];
}
