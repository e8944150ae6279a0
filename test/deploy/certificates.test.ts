import assert from "node:assert/strict";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { installation } from "../../src/api/installation.ts";
import { serve } from "../../src/cli/serve.ts";
import { readConfig } from "../../src/config.ts";
import { issueAuthority, issueLeaf } from "../../src/controller/issue-certificate.ts";
import { freePort } from "../support/control-plane/components.ts";
import type { KubeObject } from "../support/kube-client.ts";
import { controlPlaneTests } from "../support/require.ts";
import { eventually } from "../support/wait.ts";

const project = join(import.meta.dirname, "../..");
const own = "tekton-integrations";
const test = controlPlaneTests();

test("certs/cert-manager leaves the certificate to cert-manager, under the names that the webhook is called by", async (plane) => {
  const { stdout } = await plane.kubectl(["kustomize", join(project, "certs/cert-manager")]);
  const objects = parseAllDocuments(stdout).map((document) => document.toJS() as KubeObject);
  const named = (kind: string, name: string): KubeObject => {
    const found = objects.find((object) => object.kind === kind && object.metadata.name === name);
    assert.ok(found !== undefined, `${kind} ${name}`);
    return found;
  };
  const certificate = named("Certificate", "tekton-integrations-webhook");
  const { secretName, dnsNames } = certificate.spec as { secretName: string; dnsNames: string[] };
  const service = installation.webhookService;
  assert.deepEqual([secretName, dnsNames], [installation.leafSecret, [service, `${service}.${own}`, `${service}.${own}.svc`, `${service}.${own}.svc.cluster.local`]]);
  for (const kind of ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"]) {
    assert.equal(named(kind, installation.webhookConfiguration).metadata.annotations?.["cert-manager.io/inject-ca-from"], `${own}/${certificate.metadata.name}`);
  }
  const { template } = named("Deployment", "tekton-integrations-controller").spec as { template: { spec: { containers: { args: string[] }[] } } };
  assert.deepEqual(template.spec.containers.map(({ args }) => args.at(-1)), ["--certificates=cert-manager"]);
  const shipped = parseAllDocuments((await plane.kubectl(["kustomize", join(project, "deploy")])).stdout).map((document) => document.toJS() as KubeObject);
  assert.equal(objects.length, shipped.length + 4);
});

test("with --certificates=cert-manager the controller makes none, and the webhook serves what somebody else put into the Secret", async (plane, t) => {
  await plane.kubectl(["apply", "-k", join(project, "deploy")]);
  const port = await freePort();
  const validity = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 3_600_000) };
  const authority = await issueAuthority("somebody else's", validity);
  const leaf = await issueLeaf(authority, ["127.0.0.1"], validity);
  const stringData = { "tls.crt": leaf.cert, "tls.key": leaf.key, "ca.crt": authority.cert };
  await plane.kubectl(["apply", "-f", "-"], { input: JSON.stringify({ apiVersion: "v1", kind: "Secret", type: "kubernetes.io/tls", metadata: { name: installation.leafSecret, namespace: own }, stringData }) });
  const caBundle = Buffer.from(authority.cert).toString("base64");
  for (const [kind, path] of [["mutating", installation.mutatePath], ["validating", installation.validatePath]] as const) {
    const value = { url: `https://127.0.0.1:${port}${path}`, caBundle };
    await plane.kubectl(["patch", `${kind}webhookconfiguration`, installation.webhookConfiguration, "--type=json", "-p", JSON.stringify([{ op: "replace", path: "/webhooks/0/clientConfig", value }])]);
  }
  const stop = new AbortController();
  const served = Promise.all(["controller", "webhook"].map(async (role) => {
    const kubeconfig = await plane.kubeconfigFor({ serviceAccount: { namespace: own, name: `${own}-${role}` } });
    const flags = ["--kubeconfig", kubeconfig, "--namespace", own, "--bind-address", "127.0.0.1", "--metrics-port", "0", "--webhook-port", String(port), "--development", "--log-level", "error", "--certificates", "cert-manager"];
    await serve(readConfig([`--${role}`, ...flags]), stop.signal);
  }));
  t.after(async () => {
    stop.abort();
    await served;
  });
  const bad = { apiVersion: "integrations.tekton.ornew.io/v1alpha1", kind: "Notification", metadata: { name: "bad", namespace: "default" }, spec: { providerRef: { name: "p" }, filter: { expression: "nope" } } };
  await eventually("the webhook is asked", async () => (await plane.kubectl(["apply", "-f", "-"], { input: JSON.stringify(bad), allowFailure: true })).stderr.includes("nope"));
  const good = { ...bad, metadata: { ...bad.metadata, name: "good" }, spec: { providerRef: { name: "p" } } };
  await plane.kubectl(["apply", "-f", "-"], { input: JSON.stringify(good) });
  await eventually("the controller leads", async () => (await plane.kubectl(["get", "notification", "good", "-o", "jsonpath={.status.conditions[*].type}"])).stdout !== "");
  const { stdout } = await plane.kubectl(["-n", own, "get", "secrets", "-o", "name"]);
  assert.deepEqual(stdout.trim().split("\n"), [`secret/${installation.leafSecret}`]);
  const bundles = await plane.kubectl(["get", "mutatingwebhookconfiguration,validatingwebhookconfiguration", "-o", "jsonpath={.items[*].webhooks[*].clientConfig.caBundle}"]);
  assert.deepEqual(bundles.stdout.split(" "), [caBundle, caBundle]);
});
