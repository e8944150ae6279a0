import type { SectionProblem, SectionUrl } from "./provider.ts";

/** The URLs that are set, for {@link ProviderDefinition.urls}. */
export const urlsAt = (...urls: readonly (readonly [path: readonly string[], url: string | undefined])[]): readonly SectionUrl[] =>
  urls.flatMap(([path, url]) => (url === undefined ? [] : [{ path, url }]));

/** A base that paths are put behind: a query would come before them. */
export function checkBaseUrl(value: string | undefined, path: readonly (string | number)[]): SectionProblem[] {
  const problems = checkUrl(value, path);
  if (problems.length > 0 || value === undefined || !value.includes("?")) return problems;
  return [{ path, code: "UrlInvalid", message: "must not have a query (?...): paths are put behind it" }];
}

/** What can be known at admission about a URL that a user gave: that it is one, is http(s), and holds no credentials. */
export function checkUrl(value: string | undefined, path: readonly (string | number)[]): SectionProblem[] {
  if (value === undefined) return [];
  const url = URL.parse(value);
  if (url === null) return [{ path, code: "UrlInvalid", message: "is not a valid URL" }];
  if (url.protocol !== "https:" && url.protocol !== "http:") return [{ path, code: "UrlInvalid", message: "must begin with https:// or http://" }];
  if (url.username !== "" || url.password !== "") {
    return [{ path, code: "UrlInvalid", message: "must not hold a user name or password: credentials belong in a Secret" }];
  }
  if (url.hash !== "") return [{ path, code: "UrlInvalid", message: "must not have a fragment (#...)" }];
  return [];
}
