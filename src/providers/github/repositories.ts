import type { GitHubProvider } from "./config.ts";

/** The most entries of a mapping. */
export const maxRepositories = 100;

/** The most namespaces of an entry. */
export const maxNamespaces = 100;

/** Whether a text is what a pattern says, in which `*` stands for any characters; takes no more than length times length steps. */
export function fitsGlob(pattern: string, text: string): boolean {
  let [at, inText, star, retry] = [0, 0, -1, 0];
  while (inText < text.length) {
    if (pattern[at] === "*") [star, retry, at] = [at, inText, at + 1];
    else if (at < pattern.length && pattern[at] === text[inText]) [at, inText] = [at + 1, inText + 1];
    else if (star >= 0) [at, retry, inText] = [star + 1, retry + 1, retry + 1];
    else return false;
  }
  return /^\**$/.test(pattern.slice(at));
}

/** Whether `owner/name` is what the pattern says; names at GitHub are the same in upper and lower case. */
function fits(match: string, repository: Repository): boolean {
  const [owner = "", name = ""] = match.toLowerCase().split("/");
  return fitsGlob(owner, repository.owner.toLowerCase()) && fitsGlob(name, repository.repo.toLowerCase());
}

interface Repository {
  readonly owner: string;
  readonly repo: string;
}

/**
 * Whether runs of a namespace may report to a repository through the Provider: one of its `repositories` maps the two to each
 * other. A Provider without such a mapping serves the runs of its own namespace, wherever they report to.
 */
export function mayReport({ repositories }: GitHubProvider, providerNamespace: string, runNamespace: string, repository: Repository): boolean {
  if (repositories === undefined) return runNamespace === providerNamespace;
  return repositories.some(({ match, namespaces = [providerNamespace] }) => namespaces.includes(runNamespace) && fits(match, repository));
}
