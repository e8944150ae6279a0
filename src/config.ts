import { BlockList, isIP, isIPv6 } from "node:net";
import { parseArgs, type ParseArgsConfig } from "node:util";
import { CodedError } from "./errors.ts";
import { logLevels, type LogLevel } from "./telemetry/log.ts";

interface Flag {
  readonly name: string;
  readonly type: "boolean" | "string";
  /** What a value looks like, for the help text. */
  readonly value?: string;
  /** All values that there are. */
  readonly values?: readonly string[];
  /** Whether it may be given several times; in the environment the values are separated by commas. */
  readonly repeatable?: boolean;
  readonly description: string;
}

/**
 * The flags of `serve`. Each can also be given in the environment as `TEKTON_INTEGRATIONS_<FLAG>`, with `_` for `-`.
 * `docs/reference/flags.md` lists the same; a test compares the two both ways.
 */
export const serveFlags = [
  { name: "webhook", type: "boolean", description: "Run the admission webhook. With neither --webhook nor --controller, both run." },
  { name: "controller", type: "boolean", description: "Run the controller." },
  { name: "kubeconfig", type: "string", value: "FILE", description: "How to reach the API server. Default: KUBECONFIG, else the in-cluster configuration." },
  { name: "namespace", type: "string", value: "NAME", description: "The namespace this program is installed in. Default: the Pod's own, else tekton-integrations." },
  { name: "watch-namespace", type: "string", value: "NAME", repeatable: true, description: "Watch runs, Providers and Notifications in this namespace, and need no rights elsewhere. Repeatable. Default: all namespaces." },
  { name: "bind-address", type: "string", value: "ADDRESS", description: "The address to listen on. Default: all." },
  { name: "webhook-port", type: "string", value: "PORT", description: "Port of the webhook. Default: 8443; 0 takes a free one." },
  { name: "webhook-url", type: "string", value: "URL", description: "For a webhook outside the cluster: the https URL that the API server is told to call." },
  { name: "certificates", type: "string", value: "BY", values: ["self", "cert-manager"], description: "Who makes the webhook's certificate: self or cert-manager. Default: self." },
  { name: "metrics-port", type: "string", value: "PORT", description: "Port of /metrics, /healthz and /readyz. Default: 9090; 0 takes a free one." },
  { name: "log-level", type: "string", value: "LEVEL", values: logLevels, description: "debug, info, warn or error. Default: info. The signal SIGUSR2 switches to debug, and back." },
  { name: "run-url-template", type: "string", value: "URL", description: "Link to a run, with {kind}, {plural}, {namespace} and {name} as placeholders. Default: none." },
  { name: "instance", type: "string", value: "NAME", description: "What this process is called in the Lease and in Events. Default: the name of the host, which is that of the Pod." },
  { name: "lease-duration", type: "string", value: "DURATION", description: "How long another controller waits before it takes over from one that vanished, 3s to 10m. Default: 15s." },
  { name: "delivery-deadline", type: "string", value: "DURATION", description: "How long a message is tried, such as 30m or 24h. Default: 24h." },
  { name: "ambient-credentials-namespaces", type: "string", value: "NAMES", repeatable: true, description: "Namespaces, with commas between or the flag repeated, whose Providers may use the identity of this program at AWS and Google. Default: none." },
  { name: "require-secret-opt-in", type: "boolean", description: "Use only Secrets that name the Provider in their annotation integrations.tekton.ornew.io/allowed-providers." },
  { name: "egress-allow-hosts", type: "string", value: "HOSTS", repeatable: true, description: "Hosts, with commas between or the flag repeated, that Providers may reach although they are in another namespace of the cluster or in a denied range, such as events.platform.svc or *.corp.example.com. Default: none." },
  { name: "egress-allow-http", type: "boolean", description: "Allow Providers to send over plain http." },
  { name: "egress-deny-cidrs", type: "string", value: "CIDRS", repeatable: true, description: "Ranges of addresses, with commas between or the flag repeated, that Providers may not reach, besides those of ServiceCIDR objects. Default: none." },
  { name: "cluster-domain", type: "string", value: "DOMAIN", description: "The domain of names in the cluster. Default: cluster.local." },
  { name: "development", type: "boolean", description: "Allow Providers to reach loopback addresses and plain http. Refused with the in-cluster configuration." },
] as const satisfies readonly Flag[];

export interface Config {
  readonly webhook: boolean;
  readonly controller: boolean;
  readonly kubeconfig: string | undefined;
  readonly namespace: string | undefined;
  /** None: all. */
  readonly watchNamespaces: readonly string[];
  readonly bindAddress: string | undefined;
  readonly webhookPort: number;
  readonly webhookUrl: string | undefined;
  readonly certificates: "self" | "cert-manager";
  readonly metricsPort: number;
  readonly logLevel: LogLevel;
  readonly runUrlTemplate: string | undefined;
  readonly instance: string | undefined;
  readonly leaseDurationMs: number;
  readonly deliveryDeadlineMs: number;
  readonly ambientCredentialsNamespaces: readonly string[];
  readonly requireSecretOptIn: boolean;
  readonly egressAllowHosts: readonly string[];
  readonly egressAllowHttp: boolean;
  readonly egressDenyCidrs: readonly string[];
  readonly clusterDomain: string;
  readonly development: boolean;
  /** From HTTPS_PROXY, HTTP_PROXY and NO_PROXY. */
  readonly proxies: Proxies;
}

interface ProxyLogin {
  readonly url: string;
  /** The value of Proxy-Authorization. */
  readonly authorization?: string;
}

interface Proxies {
  readonly https?: ProxyLogin;
  readonly http?: ProxyLogin;
  readonly none: readonly string[];
}

const prefix = "TEKTON_INTEGRATIONS_";

/** The environment variable of a flag. */
export const environmentName = (flag: string): string => `${prefix}${flag.toUpperCase().replaceAll("-", "_")}`;

const usage = (message: string): CodedError => new CodedError("UsageInvalid", message);

function port(flag: string, value: string | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  if (!/^[0-9]{1,5}$/.test(value) || Number(value) > 65_535) throw usage(`--${flag}: ${JSON.stringify(value)} is not a port (0 to 65535)`);
  return Number(value);
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds of a duration such as `90s`, `30m`, `24h` or `1h30m`. */
export function durationMs(flag: string, value: string | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  const parts = [...value.matchAll(/([0-9]{1,9})(ms|s|m|h)/g)];
  const total = parts.reduce((sum, [, number, unit]) => sum + Number(number) * (unitMs[unit ?? ""] ?? 0), 0);
  if (parts.map(([part]) => part).join("") !== value || total <= 0) {
    throw usage(`--${flag}: ${JSON.stringify(value)} is not a duration such as 90s, 30m or 24h`);
  }
  return total;
}

/** Shorter leases would be lost to a slow answer, longer ones keep messages waiting. */
function leaseDuration(value: string | undefined): number {
  const ms = durationMs("lease-duration", value, 15_000);
  if (ms < 3_000 || ms > 600_000) throw usage(`--lease-duration: ${JSON.stringify(value)} is not between 3s and 10m`);
  return ms;
}

function webhookUrl(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const url = URL.parse(value);
  if (url?.protocol !== "https:" || url.username !== "" || url.search !== "" || url.hash !== "") {
    throw usage(`--webhook-url: ${JSON.stringify(value)} is not a plain https URL`);
  }
  return value.replace(/\/+$/, "");
}

function certificates(value = "self"): Config["certificates"] {
  if (value !== "self" && value !== "cert-manager") throw usage(`--certificates: ${JSON.stringify(value)} is not one of self, cert-manager`);
  return value;
}

function runUrlTemplate(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const [unknown] = Array.from(value.matchAll(/\{(\w*)\}/g), ([, name = ""]) => name).filter((name) => !["kind", "plural", "namespace", "name"].includes(name));
  const protocol = URL.parse(value.replace(/\{\w+\}/g, "x"))?.protocol;
  if (unknown !== undefined) throw usage(`--run-url-template: there is no placeholder {${unknown}}; there are {kind}, {plural}, {namespace} and {name}`);
  if (protocol !== "https:" && protocol !== "http:") throw usage(`--run-url-template: ${JSON.stringify(value)} is not an http(s) URL`);
  return value;
}

const listOf = (value: string | undefined): string[] => (value ?? "").split(",").map((entry) => entry.trim()).filter((entry) => entry !== "");

/** Entries of a list, given one by one or with commas between, that look as they must. */
function entriesOf(flag: string, values: readonly string[], isEntry: (entry: string) => boolean, what: string): string[] {
  const entries = values.flatMap(listOf);
  const wrong = entries.find((entry) => !isEntry(entry));
  if (wrong !== undefined) throw usage(`--${flag}: ${JSON.stringify(wrong)} is not ${what}`);
  return entries;
}

const label = "[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?";
const namespaceForm = new RegExp(`^${label}$`);
const domainForm = new RegExp(`^${label}(?:\\.${label})*$`);
const hostForm = new RegExp(`^(?:\\*\\.)?${label}(?:\\.${label})*$`);

const isHost = (entry: string): boolean => hostForm.test(entry) || isIP(entry) !== 0;

function isCidr(entry: string): boolean {
  const [network = "", prefix = "", ...more] = entry.split("/");
  if (isIP(network) === 0 || !/^[0-9]{1,3}$/.test(prefix) || more.length > 0) return false;
  try {
    new BlockList().addSubnet(network, Number(prefix), isIPv6(network) ? "ipv6" : "ipv4");
    return true;
  } catch {
    return false;
  }
}

function clusterDomain(value: string | undefined): string {
  const domain = value ?? "cluster.local";
  if (!domainForm.test(domain)) throw usage(`--cluster-domain: ${JSON.stringify(value)} is not a domain such as cluster.local`);
  return domain;
}

/** A variable that most programs know, in either case; the lower one wins, as with curl. */
const usual = (environment: NodeJS.ProcessEnv, name: string): string | undefined => [environment[name.toLowerCase()], environment[name]].find((value) => value !== undefined && value !== "");

/** A proxy as programs of all kinds are told of it. The message does not repeat it: it may hold a password. */
function proxyOf(environment: NodeJS.ProcessEnv, name: string): ProxyLogin | undefined {
  const value = usual(environment, name);
  if (value === undefined) return undefined;
  try {
    const { protocol, origin, username, password } = new URL(value.includes("://") ? value : `http://${value}`);
    if (protocol !== "http:" && protocol !== "https:") throw new TypeError("another protocol");
    const login = username === "" ? undefined : `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    return { url: origin, ...(login !== undefined && { authorization: `Basic ${Buffer.from(login).toString("base64")}` }) };
  } catch {
    throw usage(`${name}: is not the URL of an http or https proxy`);
  }
}

function proxiesOf(environment: NodeJS.ProcessEnv): Proxies {
  const https = proxyOf(environment, "HTTPS_PROXY");
  const http = proxyOf(environment, "HTTP_PROXY");
  return { ...(https !== undefined && { https }), ...(http !== undefined && { http }), none: listOf(usual(environment, "NO_PROXY")) };
}

function logLevel(value: string | undefined): LogLevel {
  const level = logLevels.find((known) => known === (value ?? "info"));
  if (level === undefined) throw usage(`--log-level: ${JSON.stringify(value)} is not one of ${logLevels.join(", ")}`);
  return level;
}

/** Each once. */
function namespaces(values: readonly string[]): readonly string[] {
  const wrong = values.find((value) => !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(value));
  if (wrong !== undefined) throw usage(`--watch-namespace: ${JSON.stringify(wrong)} is not the name of a namespace`);
  return [...new Set(values)];
}

function fromEnvironment(flag: Flag, environment: NodeJS.ProcessEnv): string | boolean | readonly string[] | undefined {
  const value = environment[environmentName(flag.name)];
  if (value === undefined || value === "") return undefined;
  if (flag.repeatable === true) return value.split(",").map((part) => part.trim());
  if (flag.type === "string") return value;
  if (value === "true" || value === "false") return value === "true";
  throw usage(`${environmentName(flag.name)}: ${JSON.stringify(value)} is neither true nor false`);
}

/** The kubeconfig that is named by a flag, else by KUBECONFIG (which may name several); undefined: none. */
export const kubeconfigFiles = (flag: string | undefined, environment: NodeJS.ProcessEnv = process.env): string | undefined =>
  flag ?? (environment["KUBECONFIG"] === "" ? undefined : environment["KUBECONFIG"]);

/** Reads the flags of `serve` and, where a flag is not given, its environment variable. Throws UsageInvalid. */
export function readConfig(args: readonly string[], environment: NodeJS.ProcessEnv = process.env): Config {
  const options: ParseArgsConfig["options"] = Object.fromEntries(serveFlags.map((flag) => [flag.name, { type: flag.type, multiple: "repeatable" in flag }]));
  let parsed;
  try {
    parsed = parseArgs({ args: [...args], options, strict: true, allowPositionals: false });
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error));
  }
  const given = Object.fromEntries(
    serveFlags.map((flag) => [flag.name, parsed.values[flag.name] ?? fromEnvironment(flag, environment)]),
  );
  const text = (name: string): string | undefined => (typeof given[name] === "string" ? given[name] : undefined);
  const list = (name: string): readonly string[] => (Array.isArray(given[name]) ? given[name].map(String) : []);
  const both = given["webhook"] !== true && given["controller"] !== true;
  return Object.freeze({
    webhook: both || given["webhook"] === true,
    controller: both || given["controller"] === true,
    kubeconfig: kubeconfigFiles(text("kubeconfig"), environment),
    namespace: text("namespace"),
    watchNamespaces: namespaces(list("watch-namespace")),
    bindAddress: text("bind-address"),
    webhookPort: port("webhook-port", text("webhook-port"), 8443),
    webhookUrl: webhookUrl(text("webhook-url")),
    certificates: certificates(text("certificates")),
    metricsPort: port("metrics-port", text("metrics-port"), 9090),
    logLevel: logLevel(text("log-level")),
    runUrlTemplate: runUrlTemplate(text("run-url-template")),
    instance: text("instance"),
    leaseDurationMs: leaseDuration(text("lease-duration")),
    deliveryDeadlineMs: durationMs("delivery-deadline", text("delivery-deadline"), 24 * 3_600_000),
    ambientCredentialsNamespaces: entriesOf("ambient-credentials-namespaces", list("ambient-credentials-namespaces"), (entry) => namespaceForm.test(entry), "the name of a namespace"),
    requireSecretOptIn: given["require-secret-opt-in"] === true,
    egressAllowHosts: entriesOf("egress-allow-hosts", list("egress-allow-hosts").map((value) => value.toLowerCase()), isHost, "a host such as events.platform.svc or *.example.com"),
    egressAllowHttp: given["egress-allow-http"] === true,
    egressDenyCidrs: entriesOf("egress-deny-cidrs", list("egress-deny-cidrs"), isCidr, "a range of addresses such as 10.96.0.0/12"),
    clusterDomain: clusterDomain(text("cluster-domain")),
    development: given["development"] === true,
    proxies: proxiesOf(environment),
  });
}

/** Where Providers may send, as far as flags say it; ServiceCIDR objects say more. */
export const egressOf = ({ development, egressAllowHttp: allowHttp, egressAllowHosts: allowHosts, clusterDomain }: Config) => ({ development, allowHttp, allowHosts, clusterDomain });
