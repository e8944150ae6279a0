import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { promisify } from "node:util";
import { connect } from "../../src/kube/client.ts";
import { pipelineRuns } from "../../src/kube/resources.ts";
import { CodedError } from "../../src/errors.ts";
import { manualClock } from "../support/manual-clock.ts";
import { json, kubeconfigFor, run, startScriptedApiServer, status } from "../support/scripted-api-server.ts";
import { selfSignedCertificate } from "../support/self-signed-certificate.ts";

const signal = AbortSignal.timeout(20_000);
const ref = { namespace: "ci", name: "a" };
const found = json(run({ name: "a", version: 8 }));

async function folder(test: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "access-test-"));
  test.after(() => rm(path, { recursive: true }));
  return path;
}

const refusal = async (kubeconfig: string): Promise<string> => {
  const error: unknown = await connect({ kubeconfig }).then(
    () => assert.fail("connected"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof CodedError && error.code === "KubernetesConfigurationInvalid", String(error));
  return error.message;
};

describe("kube access", () => {
  it("reads a Pod's ServiceAccount, and its token again every minute", async (test) => {
    const server = await startScriptedApiServer();
    const path = await folder(test);
    const { port } = new URL(server.url);
    await writeFile(join(path, "ca.crt"), server.certificate);
    await writeFile(join(path, "namespace"), "tekton-integrations\n");
    await writeFile(join(path, "token"), "first-token\n");
    const clock = manualClock();
    const kube = await connect({ serviceAccountFolder: path, inCluster: { host: "127.0.0.1", port }, clock });
    test.after(async () => {
      await kube.close();
      await server.close();
    });
    await kube.get(pipelineRuns, ref, signal);
    await writeFile(join(path, "token"), "second-token\n");
    await kube.get(pipelineRuns, ref, signal);
    clock.advance(60_001);
    await kube.get(pipelineRuns, ref, signal);
    assert.equal(kube.namespace, "tekton-integrations");
    assert.deepEqual(server.requests.map((seen) => seen.headers["authorization"]), ["Bearer first-token", "Bearer first-token", "Bearer second-token"]);
  });

  it("reads the token again at once after a 401, and repeats the request only when it has changed", async (test) => {
    const server = await startScriptedApiServer();
    const path = await folder(test);
    await writeFile(join(path, "token"), "first-token");
    await writeFile(join(path, "config"), kubeconfigFor(server.url, server.certificate, { tokenFile: join(path, "token") }));
    const kube = await connect({ kubeconfig: join(path, "config"), clock: manualClock() });
    test.after(async () => {
      await kube.close();
      await server.close();
    });
    server.others.push(status(401, "Unauthorized"), status(401, "Unauthorized"), found);
    await assert.rejects(kube.get(pipelineRuns, ref, signal), /401 Unauthorized/);
    await writeFile(join(path, "token"), "second-token");
    assert.equal((await kube.get(pipelineRuns, ref, signal))?.metadata.name, "a");
    assert.deepEqual(server.requests.map((seen) => seen.headers["authorization"]), ["Bearer first-token", "Bearer first-token", "Bearer second-token"]);
  });

  it("runs an exec plugin and uses its token", async (test) => {
    const server = await startScriptedApiServer();
    const path = await folder(test);
    const credential = JSON.stringify({ apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential", status: { token: "from-plugin" } });
    const exec = { apiVersion: "client.authentication.k8s.io/v1", command: process.execPath, args: ["-e", `console.log(${JSON.stringify(credential)})`], interactiveMode: "Never" };
    await writeFile(join(path, "config"), kubeconfigFor(server.url, server.certificate, { exec }));
    const kube = await connect({ kubeconfig: join(path, "config") });
    test.after(async () => {
      await kube.close();
      await server.close();
    });
    await kube.get(pipelineRuns, ref, signal);
    assert.equal(server.requests[0]?.headers["authorization"], "Bearer from-plugin");
  });

  it("asks the whole library about providers of credentials that kubectl no longer has", async (test) => {
    const server = await startScriptedApiServer();
    const path = await folder(test);
    const user = { "auth-provider": { name: "gcp", config: { "access-token": "from-provider", expiry: "2100-01-01T00:00:00Z" } } };
    await writeFile(join(path, "config"), kubeconfigFor(server.url, server.certificate, user));
    const kube = await connect({ kubeconfig: join(path, "config") });
    test.after(async () => {
      await kube.close();
      await server.close();
    });
    await kube.get(pipelineRuns, ref, signal);
    assert.equal(server.requests[0]?.headers["authorization"], "Bearer from-provider");
  });

  it("takes the first of several kubeconfigs that says something, and file names from where each lies", async (test) => {
    const server = await startScriptedApiServer();
    const path = await folder(test);
    await writeFile(join(path, "token"), "from-file\n");
    await writeFile(join(path, "ca.crt"), server.certificate);
    const write = (name: string, config: object): Promise<void> => writeFile(join(path, name), JSON.stringify(config));
    const cluster = (url: string): object => ({ name: "c", cluster: { server: url, "certificate-authority": "ca.crt" } });
    await write("one", { "current-context": "", clusters: [cluster(server.url)], users: [{ name: "u", user: { token: "old", tokenFile: "token", as: "somebody" } }] });
    await write("two", { "current-context": "x", clusters: [cluster("https://127.0.0.1:1")], users: [{ name: "u", user: { token: "other" } }, { name: "basic", user: { username: "jo", password: "hunter2" } }], contexts: [{ name: "x", context: { cluster: "c", user: "u", namespace: "tools" } }] });
    await write("three", { "current-context": "basic", contexts: [{ name: "basic", context: { cluster: "c", user: "basic" } }] });
    for (const files of [["one", "two"], ["three", "one", "two"]]) {
      const kube = await connect({ kubeconfig: files.map((file) => join(path, file)).join(delimiter) });
      test.after(() => kube.close());
      await kube.get(pipelineRuns, ref, signal);
      assert.equal(kube.namespace, files.length === 2 ? "tools" : undefined);
    }
    test.after(() => server.close());
    const seen = server.requests.map(({ headers }) => [headers["authorization"], headers["impersonate-user"]]);
    assert.deepEqual(seen, [["Bearer from-file", "somebody"], [`Basic ${Buffer.from("jo:hunter2").toString("base64")}`, undefined]]);
  });

  it("loads no more of the library than it needs, which would take more memory than all the rest", async (test) => {
    const path = await folder(test);
    await writeFile(join(path, "config"), kubeconfigFor("https://127.0.0.1:1", "", { token: "t" }));
    const program = `
      const { registerHooks } = await import("node:module");
      const loaded = [];
      registerHooks({ resolve: (specifier, context, next) => { const found = next(specifier, context); loaded.push(found.url); return found; } });
      const { connect } = await import(${JSON.stringify(new URL("../../src/kube/client.ts", import.meta.url).href)});
      await connect({ kubeconfig: ${JSON.stringify(join(path, "config"))} });
      console.log(JSON.stringify(loaded.filter((url) => url.includes("@kubernetes/client-node")).map((url) => url.split("/").at(-1))));`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program]);
    assert.deepEqual((JSON.parse(stdout) as string[]).sort(), ["config_types.js", "exec_auth.js"]);
  });

  it("presents a client certificate", async (test) => {
    const client = await selfSignedCertificate("client.test");
    const server = await startScriptedApiServer({ clientCa: client.cert });
    const path = await folder(test);
    const base64 = (text: string): string => Buffer.from(text).toString("base64");
    const user = { "client-certificate-data": base64(client.cert), "client-key-data": base64(client.key) };
    await writeFile(join(path, "config"), kubeconfigFor(server.url, server.certificate, user));
    const kube = await connect({ kubeconfig: join(path, "config") });
    test.after(async () => {
      await kube.close();
      await server.close();
    });
    server.others.push(found);
    assert.equal((await kube.get(pipelineRuns, ref, signal))?.metadata.name, "a");
    assert.equal(server.requests[0]?.headers["authorization"], undefined);
  });

  it("does not talk to a server whose certificate the CA did not sign", async (test) => {
    const server = await startScriptedApiServer();
    const path = await folder(test);
    const other = await selfSignedCertificate("127.0.0.1");
    await writeFile(join(path, "config"), kubeconfigFor(server.url, other.cert, { token: "secret-token" }));
    const kube = await connect({ kubeconfig: join(path, "config") });
    test.after(async () => {
      await kube.close();
      await server.close();
    });
    await assert.rejects(kube.get(pipelineRuns, ref, signal), { code: "KubernetesUnreachable" });
    assert.equal(server.requests.length, 0);
  });

  it("says what is wrong with a kubeconfig without quoting it", async (test) => {
    const path = await folder(test);
    const write = async (name: string, text: string): Promise<string> => {
      await writeFile(join(path, name), text);
      return join(path, name);
    };
    assert.match(await refusal(join(path, "none")), /none: the kubeconfig cannot be read \(ENOENT\)$/);
    const broken = await refusal(await write("broken", "users:\n- name: x\n  user: {token: hunter2\n"));
    assert.match(broken, /broken: not YAML \(line \d\)$/);
    assert.doesNotMatch(broken, /hunter2/);
    assert.match(await refusal(await write("empty", "{}")), /empty: the current context names no cluster$/);
    assert.match(await refusal(await write("noserver", '{"clusters":[{"name":"x","cluster":{}}]}')), /noserver: not a usable kubeconfig: clusters\[0\]\.cluster\.server is missing$/);
    assert.match(await refusal(await write("http", kubeconfigFor("http://127.0.0.1:1", "", { token: "hunter2" }))), /plain http/);
    const plugin = kubeconfigFor("https://127.0.0.1:1", "", { exec: { command: process.execPath, args: ["-e", "console.error('hunter2'); process.exit(1)"] } });
    const refused = await refusal(await write("plugin", plugin));
    assert.match(refused, /credentials of the current context cannot be obtained/);
    assert.doesNotMatch(refused, /hunter2/);
  });

  it("says what to do where there is neither a kubeconfig nor a Pod", async (test) => {
    await assert.rejects(connect({ serviceAccountFolder: await folder(test) }), /no --kubeconfig is given and .* cannot be read \(ENOENT\): name a kubeconfig, or run in a Pod/);
  });
});
