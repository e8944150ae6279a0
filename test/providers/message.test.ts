import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parse } from "node:querystring";
import { Ajv } from "ajv";
import formats from "ajv-formats";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Notification } from "../../src/api/notification.ts";
import type { RunEvent } from "../../src/api/run-event.ts";
import type { Message } from "../../src/providers/provider.ts";
import { providerOfType } from "../../src/providers/registry.ts";
import { ended, sha } from "../controller/runs.ts";
import { templatesOn } from "./templates.ts";

const secretRef = { name: "s" };
const sections: Readonly<Record<string, unknown>> = {
  GitHubApp: { appId: 1, privateKey: { secretRef } },
  SlackApp: { accessToken: { secretRef }, channels: [{ id: "C1" }] },
  AWSSNS: { topicARN: "arn:aws:sns:eu-central-1:123456789012:runs", credentials: { secretRef } },
  GCPPubSub: { projectId: "example-project", topic: "runs", credentials: { secretRef } },
  CloudEvents: { url: "https://events.example.com/" },
};

type NotificationMessage = NonNullable<Notification["spec"]["message"]>;

/** The one message of a Provider's type for an event. */
function rendered(type: string, event: RunEvent, message?: NotificationMessage, section: unknown = {}): Message {
  const definition = providerOfType(type) ?? assert.fail();
  const result = definition.render({
    event, provider: sections[type], notification: section, notificationName: { namespace: "ci", name: "n" }, providerNamespace: "ci", sentBefore: () => ({ sentCount: 0 }), ...templatesOn(definition, section, event, message),
  });
  const [one, ...others] = "messages" in result ? result.messages : [];
  assert.equal(others.length, 0);
  return one ?? assert.fail("nothing was rendered");
}

const event = ended("Failed", {
  name: "build-1", reason: "StepFailed", message: "exit *1* of @octocat <!here>", params: { version: "v1.2_3", page: "https://releases.example.com/v1" }, url: "https://dash.example.com/x",
  commit: { owner: "o", repo: "r", sha, pullRequest: 7 },
});
const message = { title: "Release ${params.version}\nof ${pipeline}", text: "**${reason}**: ${message}", url: "${params.page}" };
const empty = { title: "${results.none}", text: " ${results.none}\n", url: "${results.none}" };
const url = "https://releases.example.com/v1";

const bodyOf = (type: string, of?: NotificationMessage, section?: unknown): Record<string, unknown> => rendered(type, event, of, section).request.body as Record<string, unknown>;

for (const type of Object.keys(sections)) {
  it(`${type}: a message that is empty for a run is as good as none`, () => {
    assert.deepEqual(rendered(type, event, empty), rendered(type, event));
    assert.notDeepEqual(rendered(type, event, message), rendered(type, event));
  });

  it(`${type}: an address that is none is as good as none`, () => {
    for (const address of ["javascript:alert(1)", "//x", "https://user:secret@x.example.com/", "nowhere", `https://x.example.com/${"x".repeat(2040)}`]) assert.deepEqual(rendered(type, event, { url: address }), rendered(type, event), address);
  });
}

describe("the message at GitHub", () => {
  it("is a commit status' description and link", () => {
    const { description, target_url: target } = bodyOf("GitHubApp", message);
    assert.deepEqual([description, target], ["Release v1.2_3 of build", url]);
    assert.equal(bodyOf("GitHubApp", { text: message.text })["description"], "**StepFailed**: exit *1* of @octocat <!here>");
    assert.equal(String(bodyOf("GitHubApp", { title: "é".repeat(500) })["description"]).length, 140);
  });

  it("is a check run's title, summary and link; the table of tasks stays", () => {
    const tasks = [{ name: "lint", kind: "TaskRun", status: "Failed", reason: "", message: "", ignored: false }] as const;
    const { output, details_url: details } = rendered("GitHubApp", { ...event, tasks: [...tasks] }, message, { report: "CheckRun" }).request.body as { output: Record<string, string>; details_url: string };
    assert.deepEqual([output["title"], output["summary"], details], ["Release v1.2_3 of build", "**StepFailed**: exit ∗1∗ of @\u200boctocat ‹!here›", url]);
    assert.match(output["text"] ?? "", /`lint`/);
  });

  it("is all that a comment says, but for the commit and the link", () => {
    const { body } = bodyOf("GitHubApp", message, { report: "PullRequestComment" }) as { body: string };
    assert.deepEqual(body.split("\n\n").slice(1), ["### Release v1.2_3 of build", "**StepFailed**: exit ∗1∗ of @\u200boctocat ‹!here›", `Commit ${sha} · [Open the run](${url})`]);
  });
});

describe("the message at Slack", () => {
  const form = (of: NotificationMessage, section?: unknown): Record<string, unknown> => {
    const { text, attachments, blocks } = parse(rendered("SlackApp", event, of, section).request.body as string);
    return { text, attachments: JSON.parse(String(attachments ?? "[]")) as unknown, blocks: JSON.parse(String(blocks ?? "[]")) as unknown };
  };

  it("is the title, the text and the link; facts about the run stay", () => {
    const { text, attachments } = form({ ...message, text: "*${reason}* <!here>: ${message}" }) as { text: string; attachments: { fallback: string; blocks: { type: string; text?: unknown }[] }[] };
    const [attachment] = attachments;
    assert.deepEqual([text, attachment?.fallback], ["Release v1.2_3 of build", "Release v1.2_3 of build"]);
    assert.deepEqual(attachment?.blocks.map(({ type }) => type), ["section", "context", "section"]);
    assert.deepEqual(attachment.blocks[0]?.text, { type: "mrkdwn", text: "*StepFailed* <!here>: exit ∗1∗ of @octocat &lt;!here&gt;", verbatim: true });
    assert.deepEqual(attachment.blocks[2]?.text, { type: "mrkdwn", text: `<${url}|Open the run>`, verbatim: true });
  });

  it("is the title beside blocks of one's own", () => {
    const { text, attachments, blocks } = form(message, { blocks: [{ type: "divider" }] });
    assert.deepEqual([text, attachments, blocks], ["Release v1.2_3 of build", [], [{ type: "divider" }]]);
  });

  it("fits", () => {
    const { text, attachments } = form({ title: "${message}".repeat(30), text: "${message}".repeat(30) }) as { text: string; attachments: { blocks: { text: { text: string } }[] }[] };
    assert.ok(text.length <= 1024 && (attachments[0]?.blocks[0]?.text.text.length ?? 0) <= 3000);
  });
});

describe("the message in events and queues", () => {
  const ajv = new Ajv({ strict: false });
  formats.default(ajv);
  const isRunEvent = ajv.compile(JSON.parse(readFileSync(join(import.meta.dirname, "../../schemas/run-event.json"), "utf8")) as object);
  const dataOf: Readonly<Record<string, (message: Message) => unknown>> = {
    AWSSNS: ({ request }) => JSON.parse(String(parse(request.body as string)["Message"])) as unknown,
    GCPPubSub: ({ request }) => JSON.parse(Buffer.from((request.body as { messages: { data: string }[] }).messages[0]?.data ?? "", "base64").toString()) as unknown,
    CloudEvents: ({ request }) => (request.body as { data: unknown }).data,
  };
  const notice = { title: "Release v1.2_3 of build", text: "**StepFailed**: exit *1* of @octocat <!here>", url };

  for (const [type, read] of Object.entries(dataOf)) {
    it(`${type}: stands in the RunEvent as notice, beside the run's own message, valid by the schema`, () => {
      const data = read(rendered(type, event, message));
      assert.ok(isRunEvent(data), ajv.errorsText(isRunEvent.errors));
      assert.deepEqual([(data as { notice: unknown }).notice, (data as RunEvent).message], [notice, event.message]);
      assert.deepEqual((read(rendered(type, event, { title: "x" })) as { notice: unknown }).notice, { title: "x" });
      assert.ok(!("notice" in (read(rendered(type, event)) as object)));
    });
  }

  it("is the subject of an SNS message, unless the section has one of its own", () => {
    const subject = (section: unknown): unknown => parse(rendered("AWSSNS", event, { title: "Relëase ${params.version}" }, section).request.body as string)["Subject"];
    assert.deepEqual([subject({}), subject({ subject: "own" })], ["Release v1.2_3", "own"]);
  });

  it("is no part of Tekton's own events", () => {
    const definition = providerOfType("CloudEvents") ?? assert.fail();
    const render = (of?: NotificationMessage): unknown =>
      definition.render({
        event, provider: { url: "https://events.example.com/", format: "Tekton" }, notification: {}, notificationName: { namespace: "ci", name: "n" }, providerNamespace: "ci", sentBefore: () => ({ sentCount: 0 }), ...templatesOn(definition, {}, event, of),
      });
    assert.deepEqual(render(message), render());
  });
});
