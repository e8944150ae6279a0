import type { TestContext } from "node:test";

/** Variables by which SDKs find identities; the machine's own ones must not leak into tests. */
const identities = /^(?:AWS_|GOOGLE_|GCE_|GCLOUD_|CLOUDSDK_|METADATA_|HOME$|NO_GCE_CHECK$|GCP_|APPDATA$|(?:HTTPS?|NO)_PROXY$|(?:https?|no)_proxy$)/;

/** For the rest of the test, this process has these variables, and no others that lead to an identity. */
export function withEnvironment(t: TestContext, variables: Readonly<Record<string, string>>): void {
  const before = { ...process.env };
  for (const name of Object.keys(process.env)) if (identities.test(name)) Reflect.deleteProperty(process.env, name);
  Object.assign(process.env, { HOME: "/nonexistent", ...variables });
  t.after(() => {
    for (const name of Object.keys(process.env)) if (!Object.hasOwn(before, name)) Reflect.deleteProperty(process.env, name);
    Object.assign(process.env, before);
  });
}
