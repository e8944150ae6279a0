/**
 * What the parts of a commit's place look like at GitHub. Annotations, templates and records are held against these before
 * they become part of a URL; a value that does not fit is as good as absent.
 */
export const commitPatterns = {
  owner: /^[A-Za-z0-9_-]{1,39}$/,
  repo: /^(?!\.\.?$)[A-Za-z0-9._-]{1,100}$/,
  sha: /^([0-9a-fA-F]{40}|[0-9a-fA-F]{64})$/,
} as const;

/** The name of a repository without the suffix of clone URLs: no repository's name ends so. */
export const withoutGitSuffix = (name: string): string => name.replace(/\.git$/, "");
