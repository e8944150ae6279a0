import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { startControllerHere } from "../support/controller-here.ts";
import { installedTests, type World } from "../support/installed-tests.ts";
import type { KubeObject } from "../support/kube-client.ts";
import { leapingClock } from "../support/leaping-clock.ts";
import { makeRun } from "../support/made-runs.ts";
import { notification } from "../support/manifests.ts";
import { startSlack, type SlackChannelState, type SlackDouble } from "../support/slack-double.ts";
import { eventually } from "../support/wait.ts";

const test = installedTests();

const apiVersion = "integrations.tekton.ornew.io/v1alpha1";
const seconds = 1_000;

/** A Provider for three channels, and a controller whose clock the test plays. */
async function scene(world: World, t: TestContext, namespace: string) {
  const { installation: { controller } } = world;
  const channels: (SlackChannelState & { member: boolean })[] = ["one", "two", "three"].map((name, index) => ({ id: `C${index}`, name, member: true }));
  const slack = await startSlack({ channels });
  t.after(() => slack.close());
  const secret: KubeObject = { apiVersion: "v1", kind: "Secret", metadata: { namespace, name: "slack" }, stringData: { "access-token": slack.token } };
  const provider: KubeObject = {
    apiVersion,
    kind: "Provider",
    metadata: { namespace, name: "slack" },
    spec: { type: "SlackApp", slackApp: { baseURL: slack.baseURL, accessToken: { secretRef: { name: "slack" } }, channels: channels.map(({ id }) => ({ id })) } },
  };
  await world.createNamespace(namespace);
  await world.apply(secret, provider, notification(namespace, "failures", "slack", { statuses: ["Failed"] }));
  await controller.kill("SIGTERM");
  t.after(() => controller.start());
  const clock = leapingClock();
  await startControllerHere(world, t, { clock }, "--lease-duration", "10m");
  return { slack, channels, clock };
}

const postsTo = ({ calls }: SlackDouble, id: string): number => calls.filter((call) => call.arguments["channel"] === id).length;

async function reasonOf({ plane }: World, namespace: string): Promise<string | undefined> {
  const { status } = await plane.client.call<{ status?: { conditions?: { type: string; reason: string }[] } }>("GET", `/apis/${apiVersion}/namespaces/${namespace}/notifications/failures`);
  return status?.conditions?.find(({ type }) => type === "Ready")?.reason;
}

test("of three channels only the one that fails is tried again", async (world, t) => {
  const { slack, clock } = await scene(world, t, "second-of-three");
  slack.misbehave(({ body }) => (/(^|&)channel=C1(&|$)/.test(body) ? { answer: { status: 503 } } : undefined), 3);
  const run = await makeRun(world.plane.client, "second-of-three", "run");
  await run.become("False", "Failed");
  await eventually("all three have it", async () => {
    await clock.leap(2 * seconds);
    return slack.messages.length === 3;
  });
  assert.deepEqual(["C0", "C1", "C2"].map((id) => postsTo(slack, id)), [1, 1, 1]);
  assert.equal(slack.received.filter(({ body }) => body.includes("channel=C1")).length, 4);
  assert.equal(slack.received.filter(({ path }) => path.startsWith("/api/chat.")).length, 6);
});

test("a bot that was removed from a channel and invited again goes on by itself; the other channels have their messages meanwhile", async (world, t) => {
  const { slack, channels, clock } = await scene(world, t, "invited-again");
  const [, second] = channels;
  assert.ok(second !== undefined);
  second.member = false;
  const run = await makeRun(world.plane.client, "invited-again", "run");
  await run.become("False", "Failed");
  await eventually("the two others have it, and the Notification says why not all", async () => slack.messages.length === 2 && (await reasonOf(world, "invited-again")) === "DestinationRefused");
  const refused = postsTo(slack, second.id);
  second.member = true;
  await eventually("the third one has it", async () => {
    await clock.leap(60 * seconds);
    return slack.messages.length === 3;
  });
  assert.deepEqual(slack.messages.map(({ channel }) => channel).sort(), ["C0", "C1", "C2"]);
  assert.deepEqual([postsTo(slack, "C0"), postsTo(slack, "C1") - refused, postsTo(slack, "C2")], [1, 1, 1]);
  await eventually("the Notification is ready again", async () => {
    await clock.leap(10 * seconds);
    return (await reasonOf(world, "invited-again")) !== "DestinationRefused";
  });
  assert.deepEqual(slack.violations, []);
});
