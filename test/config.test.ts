import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { durationMs, environmentName, readConfig, serveFlags } from "../src/config.ts";

const page = readFileSync(join(import.meta.dirname, "../docs/reference/flags.md"), "utf8");

describe("docs/reference/flags.md", () => {
  it("lists every flag with its variable and its meaning, and none that does not exist", () => {
    const rows = page.split("\n").filter((line) => line.startsWith("| `--"));
    assert.deepEqual(
      rows,
      serveFlags.map((flag) => `| \`--${flag.name}${"value" in flag ? ` ${flag.value}` : ""}\` | \`${environmentName(flag.name)}\` | ${flag.description} |`),
    );
  });
});

describe("without flags", () => {
  it("both roles run, with the defaults that the descriptions name", () => {
    assert.deepEqual(readConfig([], {}), {
      webhook: true,
      controller: true,
      kubeconfig: undefined,
      namespace: undefined,
      watchNamespaces: [],
      bindAddress: undefined,
      webhookPort: 8443,
      webhookUrl: undefined,
    certificates: "self",
      metricsPort: 9090,
      logLevel: "info",
      runUrlTemplate: undefined,
      instance: undefined,
      leaseDurationMs: 15_000,
      deliveryDeadlineMs: 86_400_000,
      ambientCredentialsNamespaces: [],
      requireSecretOptIn: false,
      egressAllowHosts: [],
      egressAllowHttp: false,
      egressDenyCidrs: [],
      clusterDomain: "cluster.local",
      development: false,
      proxies: { none: [] },
    });
  });

  it("nothing can change what was read", () => {
    assert.ok(Object.isFrozen(readConfig([], {})));
  });
});

describe("a flag", () => {
  const template = "https://dash.example.com/#/namespaces/{namespace}/{plural}/{name}";
  for (const [args, field, expected] of [
    [["--webhook"], "controller", false],
    [["--controller"], "webhook", false],
    [["--controller", "--webhook"], "webhook", true],
    [["--kubeconfig", "/k"], "kubeconfig", "/k"],
    [["--namespace", "tools"], "namespace", "tools"],
    [["--bind-address=127.0.0.1"], "bindAddress", "127.0.0.1"],
    [["--webhook-port", "0"], "webhookPort", 0],
    [["--metrics-port", "65535"], "metricsPort", 65_535],
    [["--webhook-url", "https://127.0.0.1:9443/x/"], "webhookUrl", "https://127.0.0.1:9443/x"],
    [["--log-level", "debug"], "logLevel", "debug"],
    [["--run-url-template", template], "runUrlTemplate", template],
    [["--delivery-deadline", "1h30m"], "deliveryDeadlineMs", 5_400_000],
    [["--development"], "development", true],
  ] as const) {
    it(`${args.join(" ")} sets ${field}`, () => {
      assert.equal(readConfig(args, {})[field], expected);
    });
  }
});

describe("the environment", () => {
  it("stands in for each flag, and a flag wins", () => {
    assert.equal(environmentName("webhook-port"), "TEKTON_INTEGRATIONS_WEBHOOK_PORT");
    const environment = { TEKTON_INTEGRATIONS_WEBHOOK_PORT: "1", TEKTON_INTEGRATIONS_CONTROLLER: "true", TEKTON_INTEGRATIONS_LOG_LEVEL: "" };
    const { webhookPort, webhook, controller, logLevel } = readConfig(["--webhook-port", "2"], environment);
    assert.deepEqual([webhookPort, webhook, controller, logLevel], [2, false, true, "info"]);
    assert.equal(readConfig([], environment).webhookPort, 1);
    assert.deepEqual([readConfig([], { TEKTON_INTEGRATIONS_WEBHOOK: "false" }).webhook, readConfig([], { TEKTON_INTEGRATIONS_DEVELOPMENT: "false" }).development], [true, false]);
  });

  it("holds the values of a flag that can be repeated with commas between them; each counts once", () => {
    const environment = { TEKTON_INTEGRATIONS_WATCH_NAMESPACE: "team-a, team-b,team-a" };
    assert.deepEqual(readConfig([], environment).watchNamespaces, ["team-a", "team-b"]);
    assert.deepEqual(readConfig(["--watch-namespace", "team-c", "--watch-namespace=team-d"], environment).watchNamespaces, ["team-c", "team-d"]);
  });

  it("names the kubeconfig as kubectl's does, after flag and own variable", () => {
    const KUBECONFIG = "/kubectl";
    const TEKTON_INTEGRATIONS_KUBECONFIG = "/own";
    assert.deepEqual(
      [readConfig([], { KUBECONFIG }), readConfig([], { KUBECONFIG, TEKTON_INTEGRATIONS_KUBECONFIG }), readConfig(["--kubeconfig", "/flag"], { KUBECONFIG, TEKTON_INTEGRATIONS_KUBECONFIG }), readConfig([], { KUBECONFIG: "" })].map(({ kubeconfig }) => kubeconfig),
      ["/kubectl", "/own", "/flag", undefined],
    );
  });
});

describe("lists", () => {
  it("have commas between, and lose spaces and what is empty", () => {
    const args = ["--egress-allow-hosts", " Events.Platform.svc, *.example.com,10.0.0.1 ,", "--egress-deny-cidrs=10.96.0.0/12,fd00::/108", "--ambient-credentials-namespaces", "ci"];
    const { egressAllowHosts, egressDenyCidrs, ambientCredentialsNamespaces } = readConfig(args, { TEKTON_INTEGRATIONS_AMBIENT_CREDENTIALS_NAMESPACES: "other" });
    assert.deepEqual([egressAllowHosts, egressDenyCidrs, ambientCredentialsNamespaces], [["events.platform.svc", "*.example.com", "10.0.0.1"], ["10.96.0.0/12", "fd00::/108"], ["ci"]]);
    assert.deepEqual(readConfig([], { TEKTON_INTEGRATIONS_AMBIENT_CREDENTIALS_NAMESPACES: "a,b" }).ambientCredentialsNamespaces, ["a", "b"]);
  });
});

describe("proxies", () => {
  it("are those of the usual variables, in either case, the password taken out of the URL", () => {
    const environment = { HTTPS_PROXY: "http://upper.example.com:1", https_proxy: "http://a%40b:p%20w@proxy.example.com:3128/", HTTP_PROXY: "proxy.example.com:3129", NO_PROXY: ".svc, 10.0.0.0/8,," };
    assert.deepEqual(readConfig([], environment).proxies, {
      https: { url: "http://proxy.example.com:3128", authorization: `Basic ${Buffer.from("a@b:p w").toString("base64")}` },
      http: { url: "http://proxy.example.com:3129" },
      none: [".svc", "10.0.0.0/8"],
    });
  });

  for (const value of ["socks5://u:s3cret@x", "http://u:%zzs3cret@x", "http://", "http://s3cret@:1"]) {
    it(`that are none are refused without being repeated: ${value}`, () => {
      assert.throws(() => readConfig([], { HTTPS_PROXY: value }), (error) => error instanceof Error && /^HTTPS_PROXY: is not/.test(error.message) && !JSON.stringify(error).includes("s3cret") && error.cause === undefined);
    });
  }
});

describe("what is not understood", () => {
  for (const [args, environment, message] of [
    [["--egress-deny-cidrs", "10.0.0.0/33"], {}, /^--egress-deny-cidrs: "10\.0\.0\.0\/33" is not a range/],
    [["--egress-deny-cidrs", "10.0.0.0"], {}, /is not a range/],
    [["--egress-allow-hosts", "https://x.example.com"], {}, /^--egress-allow-hosts: "https:\/\/x\.example\.com" is not a host/],
    [["--egress-allow-hosts", "a.*.example.com"], {}, /is not a host/],
    [["--ambient-credentials-namespaces", "ci,*"], {}, /^--ambient-credentials-namespaces: "\*" is not the name of a namespace/],
    [["--cluster-domain", ".local"], {}, /^--cluster-domain: "\.local" is not a domain/],
    [["--nonsense"], {}, /nonsense/],
    [["positional"], {}, /positional/],
    [["--webhook-port", "65536"], {}, /^--webhook-port: "65536" is not a port/],
    [["--metrics-port", "-1"], {}, /metrics-port/],
    [["--metrics-port", "9e3"], {}, /^--metrics-port: "9e3" is not a port/],
    [["--webhook-url", "http://x"], {}, /^--webhook-url: "http:\/\/x" is not a plain https URL/],
    [["--webhook-url", "https://u:p@x"], {}, /is not a plain https URL/],
    [["--webhook-url", "https://x/?a"], {}, /is not a plain https URL/],
    [["--log-level", "trace"], {}, /^--log-level: "trace" is not one of debug, info, warn, error/],
    [["--run-url-template", "dash.example.com/{name}"], {}, /is not an http\(s\) URL/],
    [["--run-url-template", "https://x/{run}"], {}, /^--run-url-template: there is no placeholder \{run\}/],
    [["--delivery-deadline", "1 day"], {}, /^--delivery-deadline: "1 day" is not a duration/],
    [["--webhook=yes"], {}, /webhook/],
    [["--watch-namespace", "team-a,team-b"], {}, /^--watch-namespace: "team-a,team-b" is not the name of a namespace/],
    [[], { TEKTON_INTEGRATIONS_WATCH_NAMESPACE: "team-a,," }, /^--watch-namespace: "" is not/],
    [[], { TEKTON_INTEGRATIONS_WEBHOOK: "yes" }, /^TEKTON_INTEGRATIONS_WEBHOOK: "yes" is neither true nor false/],
    [[], { TEKTON_INTEGRATIONS_METRICS_PORT: "x" }, /metrics-port/],
  ] as const) {
    it(`${[...args, ...Object.entries(environment).map(([name, value]) => `${name}=${value}`)].join(" ")} is refused`, () => {
      assert.throws(() => readConfig(args, environment), (error) => error instanceof Error && "code" in error && error.code === "UsageInvalid" && message.test(error.message));
    });
  }
});

describe("durationMs", () => {
  for (const [value, expected] of [["250ms", 250], ["90s", 90_000], ["30m", 1_800_000], ["24h", 86_400_000], ["1h30m10s", 5_410_000], [undefined, 7]] as const) {
    it(`reads ${value ?? "nothing"} as ${expected} ms`, () => {
      assert.equal(durationMs("flag", value, 7), expected);
    });
  }

  for (const value of ["", "0s", "10", "s", "-1s", "1.5h", "1d", "1h 30m", "1hx"]) {
    it(`does not take ${JSON.stringify(value)}`, () => {
      assert.throws(() => durationMs("flag", value, 7), { code: "UsageInvalid" });
    });
  }
});
