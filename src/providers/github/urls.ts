import { varies } from "../provider.ts";
import type { GitHubProvider } from "./config.ts";

/** The API's default address. */
const publicApi = "https://api.github.com";

/** Where the REST API is, without a slash at the end. */
export const apiBase = (provider: Pick<GitHubProvider, "baseURL">): string => (provider.baseURL ?? publicApi).replace(/\/+$/, "");

/** Where a repository is in the REST API. Its names are of the patterns that names at GitHub have. */
export const repositoryUrl = (provider: Pick<GitHubProvider, "baseURL">, { owner, repo }: { readonly owner: string; readonly repo: string }): string =>
  `${apiBase(provider)}/repos/${owner}/${repo}`;

/** The id that a Delivery keeps of a check run or a comment; undefined for what is none. */
export const idIn = (externalRef: string | undefined): string | undefined =>
  externalRef !== undefined && (externalRef === varies || /^[1-9][0-9]{0,15}$/.test(externalRef)) ? externalRef : undefined;
