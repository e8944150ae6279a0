import assert from "node:assert/strict";
import type { LookupAddress } from "node:dns";
import { BlockList, createServer } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { addressAllowed, egressFor, type EgressPolicy, type Resolve } from "../../src/providers/egress.ts";
import { createHttp } from "../../src/providers/http.ts";
import type { DeliveryError } from "../../src/providers/delivery-error.ts";
import { failureOf } from "./errors.ts";

const { signal } = new AbortController();

function ranges(...subnets: readonly (readonly [string, number, "ipv4" | "ipv6"])[]): () => BlockList {
  const list = new BlockList();
  for (const subnet of subnets) list.addSubnet(...subnet);
  return () => list;
}

const denied = ranges(["10.96.0.0", 12, "ipv4"], ["fd00:10::", 108, "ipv6"]);
const production: EgressPolicy = { development: false, denied };

/** Names that exist, with their addresses; what was asked for is kept in order. */
function resolver(names: Readonly<Record<string, readonly string[]>>): { readonly resolve: Resolve; readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    resolve: (hostname, _, callback) => {
      asked.push(hostname);
      const addresses = names[hostname];
      if (addresses === undefined) callback(Object.assign(new Error(`no ${hostname}`), { code: "ENOTFOUND" }), []);
      else callback(null, addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })));
    },
  };
}

/** The addresses of a host for the Providers of a namespace; or the code of the refusal. */
function reached(policy: EgressPolicy, namespace: string | undefined, host: string, resolve: Resolve): Promise<string> {
  const { promise, resolve: settle } = Promise.withResolvers<string>();
  const { checkHost, lookup } = egressFor(policy, namespace, resolve);
  try {
    checkHost(host);
    lookup(host, { all: true }, (error, addresses) => {
      settle(error === null ? (addresses as LookupAddress[]).map(({ address }) => address).join() : ((error as { code?: string }).code ?? ""));
    });
  } catch (error) {
    settle((error as DeliveryError).code);
  }
  return promise;
}

describe("denied ranges", () => {
  for (const [address, allowed, exempt] of [["10.96.0.1", false, true], ["10.111.255.255", false, true], ["10.112.0.1", true, true], ["::ffff:10.96.0.1", false, true], ["fd00:10::1", false, true], ["fd00:11::1", true, true], ["169.254.169.254", false, false], ["127.0.0.1", false, false]] as const) {
    it(`${address} is ${allowed ? "reached" : "not reached"}, and ${exempt ? "reached" : "not reached"} where ranges do not count`, () => {
      assert.deepEqual([addressAllowed(address, production), addressAllowed(address, production, true)], [allowed, exempt]);
    });
  }

  it("count for literal addresses too, unless the installation allows them by name", () => {
    const { checkHost } = egressFor(production, "ci");
    assert.throws(() => {
      checkHost("10.96.0.10");
    }, { code: "EgressDenied" });
    egressFor({ ...production, allowHosts: ["10.96.0.10"] }, "ci").checkHost("10.96.0.10");
  });
});

describe("hosts of the cluster", () => {
  const names = {
    "hooks.ci.svc.cluster.local.": ["10.96.0.1"], "hooks.other.svc.cluster.local.": ["10.96.0.2"], "pod-0.hooks.ci.svc.cluster.local.": ["10.244.0.7"], "hooks.ci.svc.example.org.": ["10.96.0.3"],
    "hooks.ci.": ["203.0.113.1"], "example.com.": ["203.0.113.2"], "hooks.dev.": ["203.0.113.3"], "metadata.ci.svc.cluster.local.": ["169.254.169.254"],
  };
  for (const [namespace, host, expected, asked] of [
    ["ci", "hooks", "10.96.0.1", "hooks.ci.svc.cluster.local."],
    ["ci", "HOOKS.ci.svc", "10.96.0.1", "hooks.ci.svc.cluster.local."],
    ["ci", "hooks.ci.svc.cluster.local", "10.96.0.1", "hooks.ci.svc.cluster.local."],
    ["ci", "hooks.ci.svc.cluster.local.", "10.96.0.1", "hooks.ci.svc.cluster.local."],
    ["ci", "pod-0.hooks.ci.svc", "10.244.0.7", "pod-0.hooks.ci.svc.cluster.local."],
    ["ci", "hooks.ci", "10.96.0.1", "hooks.ci.svc.cluster.local."],
    ["dev", "hooks.dev", "203.0.113.3", "hooks.dev.svc.cluster.local. hooks.dev."],
    ["ci", "metadata", "EgressDenied", "metadata.ci.svc.cluster.local."],
    ["other", "hooks.ci.svc", "EgressDenied", ""],
    ["other", "hooks.ci.svc.cluster.local", "EgressDenied", ""],
    ["other", "pod-0.hooks.ci.svc", "EgressDenied", ""],
    ["other", "hooks.ci", "203.0.113.1", "hooks.ci."],
    ["ci", "svc", "ENOTFOUND", "svc.ci.svc.cluster.local."],
    ["ci", "ci.svc", "EgressDenied", ""],
    ["ci", "cluster.local", "EgressDenied", ""],
    ["ci", "10-244-0-7.ci.pod.cluster.local", "EgressDenied", ""],
    ["ci", "kubernetes.default.svc", "EgressDenied", ""],
    [undefined, "hooks", "EgressDenied", ""],
    ["ci", "example.com", "203.0.113.2", "example.com."],
    ["ci", "no-such.example.com", "ENOTFOUND", "no-such.example.com."],
  ] as const) {
    it(`${host}, for the Providers of ${namespace ?? "no namespace"}, is ${expected}${asked === "" ? ", and is not looked up" : `, looked up as ${asked}`}`, async () => {
      const { resolve, asked: lookedUp } = resolver(names);
      assert.equal(await reached(production, namespace, host, resolve), expected);
      assert.equal(lookedUp.join(" "), asked);
    });
  }

  it("have the domain that the installation says", async () => {
    const policy = { ...production, clusterDomain: "example.org" };
    const { resolve } = resolver(names);
    assert.deepEqual([await reached(policy, "ci", "hooks", resolve), await reached(policy, "ci", "hooks.ci.svc.example.org", resolve), await reached(policy, "other", "hooks.ci.svc.example.org", resolve)], ["10.96.0.3", "10.96.0.3", "EgressDenied"]);
  });

  it("of other namespaces are reached where the installation allows them, by any of their names", async () => {
    const { resolve } = resolver(names);
    for (const allowed of ["hooks.other.svc", "hooks.other.svc.cluster.local", "*.other.svc", "*.other.svc.cluster.local"]) {
      const policy = { ...production, allowHosts: [allowed] };
      assert.equal(await reached(policy, "ci", allowed.includes("cluster") ? "hooks.other.svc.cluster.local" : "hooks.other.svc", resolve), "10.96.0.2", allowed);
      assert.equal(await reached(policy, "ci", "hooks.third.svc", resolve), "EgressDenied", allowed);
    }
    assert.equal(await reached({ ...production, allowHosts: ["hooks.other.svc.cluster.local"] }, "ci", "hooks.other.svc", resolve), "10.96.0.2");
  });

  it("say in their refusal what is not allowed", () => {
    assert.throws(() => {
      egressFor(production, "ci").checkHost("hooks.other.svc");
    }, /^DeliveryError: hooks\.other\.svc is a host of the cluster outside the Provider's namespace/);
  });
});

describe("a name in a denied range", () => {
  it("is reached only where the installation allows it", async () => {
    const { resolve } = resolver({ "intern.example.com.": ["10.96.0.9"] });
    assert.equal(await reached(production, "ci", "intern.example.com", resolve), "EgressDenied");
    assert.equal(await reached({ ...production, allowHosts: ["*.example.com"] }, "ci", "intern.example.com", resolve), "10.96.0.9");
  });

  it("is never reached when it is always denied, allowed or not", async () => {
    const { resolve } = resolver({ "m.example.com.": ["169.254.169.254"], "l.example.com.": ["127.0.0.1"] });
    for (const host of ["m.example.com", "l.example.com"]) assert.equal(await reached({ ...production, allowHosts: ["*.example.com"] }, "ci", host, resolve), "EgressDenied");
  });
});

/** A server on 127.0.0.1 that counts connections. */
async function victim(t: TestContext): Promise<{ readonly port: number; readonly connections: () => number }> {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return { port: (server.address() as { port: number }).port, connections: () => connections };
}

describe("a name that changes its address (DNS rebinding)", () => {
  /** Each look-up has the next answer, the last one for good. */
  const changing = (...answers: readonly (readonly string[])[]): { readonly resolve: Resolve; readonly lookUps: () => number } => {
    let count = 0;
    return {
      lookUps: () => count,
      resolve: (_, __, callback) => {
        const addresses = answers[Math.min(count, answers.length - 1)] ?? [];
        count += 1;
        callback(null, addresses.map((address) => ({ address, family: 4 })));
      },
    };
  };

  it("is refused when the connection would be made to this machine, whatever it was before", async (t) => {
    const { port, connections } = await victim(t);
    // Nobody is there: TEST-NET-1 is never routed.
    const { resolve, lookUps } = changing(["192.0.2.1"], ["127.0.0.1"]);
    const http = createHttp({ policy: production, resolve }, { namespace: "ci" });
    t.after(() => http.close());
    const url = `https://rebinding.example.com:${port}/`;
    const first = await failureOf(http.fetch(url, { signal: AbortSignal.timeout(200) }));
    assert.notEqual(first.code, "EgressDenied");
    const second = await failureOf(http.fetch(url, { signal }));
    assert.deepEqual([second.code, connections()], ["EgressDenied", 0]);
    assert.ok(lookUps() >= 2);
  });

  it("is refused when only one of several addresses is denied", async (t) => {
    const { port, connections } = await victim(t);
    const http = createHttp({ policy: production, resolve: changing(["192.0.2.1", "127.0.0.1"]).resolve });
    t.after(() => http.close());
    assert.equal((await failureOf(http.fetch(`https://rebinding.example.com:${port}/`, { signal }))).code, "EgressDenied");
    assert.equal(connections(), 0);
  });

  it("is connected to at the very address that was checked: one look-up for one connection", async (t) => {
    const { port, connections } = await victim(t);
    const { resolve, lookUps } = changing(["127.0.0.1"], ["192.0.2.1"]);
    const http = createHttp({ policy: { development: true }, resolve });
    t.after(() => http.close());
    await failureOf(http.fetch(`http://rebinding.example.com:${port}/`, { signal }));
    assert.deepEqual([connections() > 0, lookUps() === connections()], [true, true]);
  });
});

describe("plain http", () => {
  it("is sent only where the installation allows it", () => {
    const url = new URL("http://events.example.com/");
    assert.throws(() => {
      egressFor(production, "ci").checkUrl(url);
    }, { code: "EgressDenied" });
    for (const policy of [{ development: true }, { development: false, allowHttp: true }]) egressFor(policy, "ci").checkUrl(url);
  });
});
