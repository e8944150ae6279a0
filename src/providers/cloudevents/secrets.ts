import type { SecretNeeded } from "../provider.ts";
import type { CloudEventsProvider } from "./config.ts";

type Section = Pick<CloudEventsProvider, "authentication" | "headers">;

const needed = (name: string, key: string, what: string): SecretNeeded => ({ name, key, what });

/** The keys of the Secret that the authentication needs; none without authentication. */
export function credentialRefs({ authentication }: Section): readonly SecretNeeded[] {
  const { type = "None", secretRef } = authentication ?? {};
  if (secretRef === undefined) return [];
  const { name, key } = secretRef;
  switch (type) {
    case "None":
      return [];
    case "Bearer":
      return [needed(name, key ?? "token", "the bearer token")];
    case "Basic":
      return [needed(name, "username", "the user name"), needed(name, "password", "the password")];
    case "OAuth2":
      return [needed(name, "client-id", "the client's id"), needed(name, "client-secret", "the client's secret")];
    case "HMAC":
      return [needed(name, key ?? "secret", "the key that events are signed with")];
  }
}

/** Every key of a Secret that the section names. */
export function secretRefs(section: Section): readonly SecretNeeded[] {
  const values = (section.headers ?? []).flatMap(({ name, valueFrom }) =>
    valueFrom === undefined ? [] : [needed(valueFrom.secretRef.name, valueFrom.secretRef.key, `the value of the header ${name}`)],
  );
  return [...credentialRefs(section), ...values];
}
