import type { SectionProblem } from "./provider.ts";

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
