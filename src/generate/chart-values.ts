import { serveFlags } from "../config.ts";

/** Flags that the manifests themselves set, or that make no sense in a cluster. */
const fixed = new Set(["webhook", "controller", "kubeconfig", "namespace", "bind-address", "webhook-port", "webhook-url", "metrics-port", "instance", "development", "certificates"]);

/** The flags of `serve` that are a user's to set. */
export const openFlags = serveFlags.filter(({ name }) => !fixed.has(name));

/** What a Deployment of deploy/base says that a user may want otherwise. */
export interface RoleDefaults {
  readonly replicas: number;
  readonly resources: unknown;
  readonly affinity: unknown;
}

export interface ChartDefaults {
  readonly repository: string;
  readonly webhook: RoleDefaults;
  readonly controller: RoleDefaults;
}

/** A value of the chart: its JSON Schema, and its default. */
interface Value {
  readonly schema: Readonly<Record<string, unknown>>;
  readonly value: unknown;
}

const given = (type: string, description: string, value: unknown, more: Readonly<Record<string, unknown>> = {}): Value => ({ schema: { type, description, ...more }, value });

function group(description: string, members: Readonly<Record<string, Value>>): Value {
  const properties = Object.fromEntries(Object.entries(members).map(([name, { schema }]) => [name, schema]));
  return { schema: { type: "object", description, additionalProperties: false, properties }, value: Object.fromEntries(Object.entries(members).map(([name, { value }]) => [name, value])) };
}

const names = { items: { type: "string", minLength: 1 } };

const role = (what: string, { replicas, resources, affinity }: RoleDefaults): Value =>
  group(`The Deployment of the ${what}.`, {
    replicas: given("integer", "Number of Pods.", replicas, { minimum: 1 }),
    resources: given("object", "Requests and limits of the container.", resources),
    affinity: given("object", "Where its Pods may and should run.", affinity),
    nodeSelector: given("object", "Labels of the nodes that it may run on.", {}, { additionalProperties: { type: "string" } }),
    tolerations: given("array", "Taints of nodes that it tolerates.", [], { items: { type: "object" } }),
    priorityClassName: given("string", "Its priority class; empty: none.", ""),
    podAnnotations: given("object", "Annotations of its Pods.", {}, { additionalProperties: { type: "string" } }),
  });

/** A flag, by its name on the command line. */
function flag({ name, type, description, ...more }: (typeof openFlags)[number]): readonly [string, Value] {
  if (type === "boolean") return [name, given("boolean", description, false)];
  return [name, "repeatable" in more ? given("array", description, [], names) : given("string", description, "")];
}

function values(defaults: ChartDefaults): Value {
  return group("Values of the chart.", {
    image: group("The image of the program.", {
      repository: given("string", "Where it is.", defaults.repository, { minLength: 1 }),
      tag: given("string", "Its tag; empty: the version of the chart.", ""),
      pullPolicy: given("string", "When it is pulled; empty: as Kubernetes sees fit.", "", { enum: ["", "Always", "IfNotPresent", "Never"] }),
      pullSecrets: given("array", "Names of Secrets to pull it with.", [], names),
    }),
    webhook: role("webhook", defaults.webhook),
    controller: role("controller", defaults.controller),
    certificates: given("string", "Who makes the webhook's certificate: the controller itself, or cert-manager, which must be installed before.", "self", { enum: ["self", "cert-manager"] }),
    secretNamespaces: given("array", "Namespaces whose Secrets the controller may read; empty: all.", [], names),
    crds: group("The CustomResourceDefinitions.", {
      keep: given("boolean", "Whether they, and with them all Providers, Notifications and Deliveries, stay when the release is uninstalled.", true),
    }),
    flags: group("Flags of `serve` (docs/reference/flags.md), for both roles.", Object.fromEntries(openFlags.map(flag))),
  });
}

/** What `helm` checks values against. */
export const valuesSchema = (defaults: ChartDefaults): unknown => ({ $schema: "http://json-schema.org/draft-07/schema#", title: "Values", ...values(defaults).schema });

/** The default of each value. */
export const defaultValues = (defaults: ChartDefaults): unknown => values(defaults).value;
