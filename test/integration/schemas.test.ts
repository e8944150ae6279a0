import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { bad, good, type Sample } from "../api/objects.ts";
import { collectionPath, type KubeClient } from "../support/kube-client.ts";
import { controlPlaneTests } from "../support/require.ts";
import { eventually } from "../support/wait.ts";

const test = controlPlaneTests({ tekton: false, crds: ["crds"] });

/** The API server's verdict, with the strict field check that kubectl asks for, on an object that is not stored. */
async function create(client: KubeClient, { object }: Sample): Promise<{ readonly status: number; readonly message: string }> {
  const path = `${collectionPath(object.apiVersion, object.kind, "default")}?dryRun=All&fieldValidation=Strict`;
  const { status, body } = await client.send("POST", path, { body: object });
  return { status, message: (body as { message?: string }).message ?? "" };
}

test("the API server accepts every good object of the shared table", async ({ client }) => {
  for (const sample of good) {
    const { status, message } = await create(client, sample);
    assert.equal(status, 201, `${sample.what}: ${message}`);
  }
});

test("the API server refuses every bad object of the shared table", async ({ client }) => {
  for (const sample of bad) {
    const { status } = await create(client, sample);
    assert.ok(status === 422 || status === 400, `${sample.what}: ${status}`);
  }
});

test("every manifest of the first Tekton Integrations applies unchanged, and again without a difference", async ({ kubectl }) => {
  const files = readdirSync("test/testdata/seed").filter((file) => file.endsWith(".yaml"));
  assert.equal(files.length, 3);
  for (const file of files) {
    const path = `test/testdata/seed/${file}`;
    assert.match((await kubectl(["apply", "-f", path])).stdout, /created|configured|unchanged/);
    assert.doesNotMatch((await kubectl(["apply", "-f", path])).stdout, /created|configured/);
    await kubectl(["diff", "-f", path]);
  }
});

test("the spec of a Delivery cannot be changed", async ({ kubectl }) => {
  const sample = good.find(({ object }) => object.kind === "Delivery");
  assert.ok(sample !== undefined);
  await kubectl(["apply", "-f", "-"], { input: JSON.stringify(sample.object) });
  const patch = JSON.stringify({ spec: { notificationRef: { name: "other" } } });
  const { code, stderr } = await kubectl(["patch", "tid", "sample", "--type=merge", "-p", patch], { allowFailure: true });
  assert.equal(code, 1);
  assert.match(stderr, /may not be changed/);
});

test("kubectl explains fields of every kind", async ({ kubectl }) => {
  for (const [field, text] of [
    ["notification.spec.filter.expression", /CEL expression of type bool/],
    ["provider.spec.githubApp.privateKey.secretRef", /private key of the GitHub App/],
    ["delivery.status.destinations", /What became of the message/],
  ] as const) {
    // The API server publishes the schemas of new kinds some time after it serves them.
    const explained = await eventually(`kubectl explains ${field}`, async () => {
      const { code, stdout } = await kubectl(["explain", field], { allowFailure: true });
      return code === 0 && stdout;
    });
    assert.match(explained, text);
  }
});
