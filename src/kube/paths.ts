import { KubeError } from "./kube-error.ts";
import type { Resource } from "./resources.ts";

export interface PathOptions {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: "status" | undefined;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
}

/**
 * The request path below the server's base URL.
 * @throws KubeError for a name that would lead elsewhere: empty, `.`, `..`.
 */
export function objectPath(resource: Resource, options: PathOptions): string {
  const { namespace, name, subresource } = options;
  let path = resource.group === "" ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  if (namespace !== undefined && resource.namespaced) path += `/namespaces/${segment(namespace, resource)}`;
  path += `/${resource.plural}`;
  if (name !== undefined) path += `/${segment(name, resource)}`;
  if (subresource !== undefined) path += `/${subresource}`;
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(options.query ?? {})) if (value !== undefined) query.set(key, String(value));
  return query.size === 0 ? path : `${path}?${query.toString()}`;
}

function segment(text: string, resource: Resource): string {
  if (text === "" || text === "." || text === "..") {
    throw new KubeError("KubernetesRequestFailed", `${resource.plural}: ${JSON.stringify(text)} cannot be the name of an object`, { reason: "InvalidName" });
  }
  return encodeURIComponent(text);
}
