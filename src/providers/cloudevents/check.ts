import type { SectionProblem, SectionUrl } from "../provider.ts";
import { isClusterHost } from "../egress.ts";
import { checkUrl, urlsAt } from "../url.ts";
import type { CloudEventsNotification, CloudEventsProvider } from "./config.ts";

/** A URI reference as far as `source` needs it: no spaces or other characters that must be escaped, no colon in a first segment without a scheme. */
const uriReference = /^(?:[A-Za-z][A-Za-z0-9+.-]*:|(?![^/?#]*:))(?:[A-Za-z0-9._~!$&'()*+,;=:@/?#-]|%[0-9A-Fa-f]{2})*$/;

/** Headers that the event, its signature or the connection itself writes. */
const ownHeaders = /^(?:ce-.*|webhook-.*|content-.*|host|connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|expect)$/;

function checkHeaders({ headers = [], authentication: { type: authentication } = { type: "None" } }: CloudEventsProvider): SectionProblem[] {
  const names = headers.map(({ name }) => name.toLowerCase());
  return names.flatMap((name, index): SectionProblem[] => {
    const path = ["headers", index, "name"];
    if (ownHeaders.test(name)) return [{ path, code: "FieldForbidden", message: "is a header that the event or the connection writes itself" }];
    if (name === "authorization" && authentication !== "None") return [{ path, code: "FieldForbidden", message: `is what the authentication ${authentication} is for: leave one of the two out` }];
    if (names.indexOf(name) !== index) return [{ path, code: "FieldDuplicate", message: "is there already: upper and lower case are one" }];
    return [];
  });
}

function checkSecretKey({ authentication }: CloudEventsProvider): SectionProblem[] {
  const { type, secretRef } = authentication ?? {};
  if (secretRef?.key === undefined || type === "Bearer" || type === "HMAC") return [];
  const keys = type === "Basic" ? "username and password" : "client-id and client-secret";
  return [{ path: ["authentication", "secretRef", "key"], code: "FieldForbidden", message: `may not be set here: the keys are ${keys}` }];
}

/** What the schema cannot say about a receiver. */
export function checkProvider(provider: CloudEventsProvider): readonly SectionProblem[] {
  const { url, source, authentication } = provider;
  return [
    ...checkUrl(url, ["url"]),
    ...(source === undefined || uriReference.test(source) ? [] : [{ path: ["source"], code: "UrlInvalid" as const, message: "is not a URI reference (RFC 3986), such as https://tekton.example.com/ or /ci" }]),
    ...checkHeaders(provider),
    ...checkUrl(authentication?.tokenURL, ["authentication", "tokenURL"]),
    ...checkSecretKey(provider),
  ];
}

export const urlsOf = ({ url, authentication }: CloudEventsProvider): readonly SectionUrl[] => urlsAt([["url"], url], [["authentication", "tokenURL"], authentication?.tokenURL]);

/** A receiver in the cluster may well be one that starts runs: a chain of runs ends only where it passes the number of the generation on. */
export function warnProvider({ url }: CloudEventsProvider): readonly SectionProblem[] {
  if (!isClusterHost(URL.parse(url)?.hostname ?? "")) return [];
  return [{ path: ["url"], code: "LoopPossible", message: "a receiver in the cluster that starts runs is told of those runs too: it must put `tektonloop` into their annotation integrations.tekton.ornew.io/loop" }];
}

/** What the specification, and the product, give a meaning to. */
const taken = new Set(["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "data", "tektonloop"]);

/** What the schema and the templates cannot say about a route. */
export function checkNotification({ extensions = {} }: CloudEventsNotification): readonly SectionProblem[] {
  return Object.keys(extensions).flatMap((name): SectionProblem[] => {
    const path = ["extensions", name];
    if (taken.has(name)) return [{ path, code: "FieldForbidden", message: "is an attribute that every event has: choose another name" }];
    if (!/^[a-z0-9]{1,20}$/.test(name)) return [{ path, code: "FieldInvalid", message: "is no name of an extension: 1 to 20 lower-case letters and digits" }];
    return [];
  });
}
