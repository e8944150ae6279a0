import type { TSchema } from "typebox";

/**
 * What a provider contributes to the kinds: the section it adds to Provider and, where its routes can be configured, to
 * Notification. `src/providers/<name>/config.ts` declares one; the registry collects them; the kinds are built from them.
 */
export interface Sections {
  /** Value of `spec.type`, for example `GitHubApp`. */
  readonly type: string;
  /** Name of the field in both kinds, for example `githubApp`. */
  readonly section: string;
  /** Schema of the section in a Provider. */
  readonly providerSection: TSchema;
  /** Schema of the section in a Notification. */
  readonly notificationSection: TSchema;
}
