import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runStatuses, type RunEvent } from "../../src/api/run-event.ts";
import { slackApp, type SlackNotification } from "../../src/providers/slack/config.ts";
import { checkObject } from "../../src/webhook/check-object.ts";
import { deepFreeze, ended, recorded, runEvent, sha } from "../controller/runs.ts";
import { normaliseRun } from "../../src/controller/normalise-run.ts";
import { blocksOf, channel, formOf, messagesOf, rendered, textsIn } from "./slack-harness.ts";

type Json = Readonly<Record<string, unknown>>;

const task = (name: string, fields: Partial<RunEvent["tasks"][number]> = {}): RunEvent["tasks"][number] =>
  ({ name, kind: "TaskRun", status: "Failed", reason: "StepFailed", message: "exit 1", duration: "3s", ignored: false, ...fields });

const one = (of: Parameters<typeof messagesOf>[0]) => messagesOf({ ...of, event: deepFreeze(of.event) })[0] ?? assert.fail("nothing was rendered");
const plainText = (text: string): Json => ({ type: "plain_text", text, emoji: false });

describe("the message that is made for you", () => {
  it("has the run as its title, and tells reason and message, duration, commit, failed tasks and the link", () => {
    const event = ended("Failed", {
      reason: "Failed", message: "Tasks Completed: 2", duration: "192s", url: "https://dash.example.com/#/run|x",
      commit: { owner: "example-org", repo: "shop-api", sha, branch: "main" },
      tasks: [task("lint", { status: "Succeeded" }), task("unit-tests"), task("flaky", { ignored: true }), task("e2e", { status: "TimedOut", reason: "TaskRunTimeout", message: "" })],
    });
    const message = one({ event });
    const { text, attachments, channel: to } = formOf(message) as { text: string; channel: string; attachments: Json[] };
    assert.deepEqual([to, text], [channel, "build-1.ci: Failed"]);
    assert.deepEqual(attachments, [
      {
        color: "#e01e5a",
        fallback: "build-1.ci: Failed",
        blocks: [
          { type: "section", text: plainText("Failed: Tasks Completed: 2") },
          { type: "context", elements: ["PipelineRun of build", "took 3m12s", "example-org/shop-api@0f98b1f", "on main"].map(plainText) },
          { type: "section", text: plainText("Failed tasks:\n• unit-tests: StepFailed: exit 1\n• e2e: TaskRunTimeout") },
          { type: "section", text: { type: "mrkdwn", text: "<https://dash.example.com/#/run%7Cx|Open the run>", verbatim: true } },
        ],
      },
    ]);
  });

  it("has the colour of the status", () => {
    const colours = runStatuses.map((status) => (formOf(one({ event: runEvent({ status }) })) as { attachments: { color: string }[] }).attachments[0]?.color);
    assert.deepEqual(colours, ["#868686", "#ecb22e", "#2eb67d", "#e01e5a", "#868686", "#e01e5a"]);
  });

  it("leaves out what is not known", () => {
    const blocks = blocksOf(one({ event: runEvent({ reason: "", message: "", pipeline: "", commit: {} }) }));
    assert.deepEqual(blocks, [{ type: "section", text: plainText("Running") }, { type: "context", elements: [plainText("PipelineRun")] }]);
  });

  it("names ten failed tasks and counts the others", () => {
    const texts = textsIn(blocksOf(one({ event: ended("Failed", { tasks: Array.from({ length: 13 }, (_, index) => task(`task-${index}`)) }) })));
    const listed = texts.find((text) => text.startsWith("Failed tasks:")) ?? "";
    assert.deepEqual([listed.split("\n").length, listed.split("\n").at(-1)], [12, "and 3 more"]);
  });

  it("is made of every recorded run, within Slack's lengths", () => {
    let rendered = 0;
    for (const { run } of recorded()) {
      const message = one({ event: normaliseRun(run, { children: [] }) });
      assert.ok(blocksOf(message).length >= 2);
      rendered += 1;
    }
    assert.ok(rendered > 100);
  });
});

describe("run data", () => {
  const hostile = ["<!channel> <!here> <@U0123456789> <#C0123456789> <!subteam^S1>", "<https://evil.example.com|Open the run>", "*bold* _it_ ~no~ `code` ```block```", "> quoted\n> more", ":tada: :white_check_mark:", "&amp; &lt;!channel&gt;", "\u202egnp.exe\u0000\u0007\r\nnext", "\"}]}, {\"type\": \"header\"", "${name} $${name}"].join("\n");
  const event = ended("Failed", {
    name: hostile, namespace: hostile, reason: hostile, message: hostile, pipeline: hostile, labels: { team: hostile }, results: { note: hostile },
    commit: { owner: hostile, repo: hostile, branch: hostile }, url: `https://dash.example.com/${hostile}`, tasks: [task(hostile, { reason: hostile, message: hostile })],
  });
  const own: SlackNotification = {
    blocks: [
      { type: "header", text: { type: "plain_text", text: "${results.note}" } },
      { type: "section", text: { type: "mrkdwn", text: "*Mine* <!here> ${message} ${labels['team']}", verbatim: false }, fields: [{ type: "mrkdwn", text: "${reason}" }, { type: "plain_text", text: "${pipeline}" }] },
      { type: "context", elements: [{ type: "mrkdwn", text: "${results}" }] },
    ],
  };

  for (const [what, notification, mine] of [["the message that is made for you", {}, 0], ["a Notification's own blocks", own, 1]] as const) {
    it(`mentions nobody and links nowhere in ${what}`, () => {
      const message = one({ event, notification });
      const form = formOf(message);
      const texts = textsIn(form).filter((text) => text !== "");
      assert.ok(texts.length > 5);
      // What begins with < is Slack's own syntax: the link that we make, and what the Notification's author wrote.
      const special = texts.flatMap((text) => text.match(/<[^>]*>/g) ?? []);
      assert.equal(special.filter((found) => found === "<!here>").length, mine);
      for (const found of special.filter((each) => each !== "<!here>")) assert.match(found, /^<https:\/\/dash\.example\.com\/[^|<>]*\|Open the run>$/);
      assert.ok(texts.some((text) => text.includes("&lt;!channel&gt;")), "it is told as it is");
      for (const text of texts) assert.doesNotMatch(text.replaceAll("\n", ""), /[\p{Cc}\u202a-\u202e]/u);
      assert.deepEqual([form["parse"], form["link_names"], form["mrkdwn"]], ["none", "false", "false"]);
    });
  }

  it("formats nothing in mrkdwn, whose author's own formatting stays", () => {
    const texts = (value: string): string => {
      const [block] = blocksOf(one({ event: ended("Failed", { message: value }), notification: { blocks: [{ type: "section", text: { type: "mrkdwn", text: "*Mine* _${message}_" } }] } }));
      const { text, verbatim } = (block as { text: { text: string; verbatim: boolean } }).text;
      assert.equal(verbatim, true);
      return text.slice("*Mine* _".length, -1);
    };
    for (const [value, written] of [
      ["*bold*", "∗bold∗"], ["_it_ and ~no~", "＿it＿ and ∼no∼"], ["`code`", "ˋcodeˋ"], ["unit_tests a*b", "unit_tests a*b"], ["a`b`c", "aˋbˋc"],
      ["> quoted\n> more", "› quoted &gt; more"], [":tada: 12:34:56 sha256:0a", "꞉tada: 12:34:56 sha256:0a"], ["a & b <c>", "a &amp; b &lt;c&gt;"], ["snake_ _case", "snake＿ ＿case"],
    ] as const) assert.equal(texts(value), written);
  });

  it("fits Slack's lengths, cut between characters", () => {
    const long = ["&", "<", "é", "😀", "\u0000"].map((character) => ended("Failed", { message: character.repeat(8192), reason: character.repeat(1024), name: character.repeat(253), pipeline: character.repeat(253), tasks: Array.from({ length: 512 }, (_, index) => task(`${character.repeat(200)}${index}`, { message: character.repeat(8192), reason: character.repeat(1024) })) }));
    const notifications: SlackNotification[] = [{}, { blocks: [{ type: "header", text: { type: "plain_text", text: "${message}" } }, ...Array.from({ length: 15 }, () => ({ type: "section", text: { type: "mrkdwn", text: "${message}" }, fields: [{ type: "plain_text", text: "x${message}" }] })).slice(0, 9)] }];
    for (const event of long) {
      for (const notification of notifications) {
        const blocks = blocksOf(one({ event, notification }));
        const texts = textsIn(blocks);
        assert.ok(texts.every((text) => text.length <= 3000 && text.isWellFormed()));
        assert.ok(texts.every((text) => !/&(?!amp;|lt;|gt;)/.test(text)), "no entity is cut in two");
        assert.ok(texts.join("").length < 12_500, `${texts.join("").length} characters`);
        const header = blocks.find(({ type }) => type === "header") as { text: { text: string } } | undefined;
        assert.ok((header?.text.text.length ?? 0) <= 150);
      }
    }
  });
});

describe("a Notification's own blocks", () => {
  const shown = (blocks: SlackNotification["blocks"], event = runEvent({ message: "hello" })) => formOf(one({ event, notification: { blocks: blocks ?? [] } }));

  it("stand in the message as they are written, with what their templates say", () => {
    const { blocks, attachments, text } = shown([
      { type: "section", block_id: "a", text: { type: "mrkdwn", text: "*${pipeline}* $${x}" }, accessory: { type: "image", image_url: "https://example.com/${status}.png", alt_text: "${status}" } },
      { type: "divider" },
      { type: "rich_text", elements: [{ type: "rich_text_section", elements: [{ type: "text", text: "<${name}>", style: { bold: true } }, { type: "user", user_id: "U1" }] }] },
    ]);
    assert.deepEqual(blocks, [
      { type: "section", block_id: "a", text: { type: "mrkdwn", text: "*build* ${x}", verbatim: true }, accessory: { type: "image", image_url: "https://example.com/Running.png", alt_text: "Running" } },
      { type: "divider" },
      { type: "rich_text", elements: [{ type: "rich_text_section", elements: [{ type: "text", text: "<build-1>", style: { bold: true } }, { type: "user", user_id: "U1" }] }] },
    ]);
    assert.deepEqual([attachments, text], [undefined, "build-1.ci: Running"]);
  });

  it("lose what is empty for a run, since Slack would refuse the message for it", () => {
    const { blocks } = shown([
      { type: "header", text: { type: "plain_text", text: "${results.none}" } },
      { type: "section", text: { type: "mrkdwn", text: "${message}" }, fields: [{ type: "plain_text", text: " ${results.none} " }] },
      { type: "actions", elements: [{ type: "button", text: { type: "plain_text", text: "Open" }, url: "${url}" }] },
      { type: "context", elements: [{ type: "image", image_url: "${params.none}", alt_text: "x" }, { type: "plain_text", text: "kept" }] },
    ]);
    assert.deepEqual(blocks, [{ type: "section", text: { type: "mrkdwn", text: "hello", verbatim: true } }, { type: "context", elements: [{ type: "plain_text", text: "kept" }] }]);
  });

  it("give way to the message that is made for you when nothing is left of them", () => {
    const { blocks, attachments } = shown([{ type: "header", text: { type: "plain_text", text: "${results.none}" } }]) as { blocks?: unknown; attachments: unknown[] };
    assert.deepEqual([blocks, attachments.length], [undefined, 1]);
  });
});

describe("where messages go", () => {
  it("is said by the Notification, else by the Provider; a name with or without #", () => {
    const keys = (notification: SlackNotification): (readonly [string, unknown])[] => messagesOf({ event: runEvent(), provider: { channels: [{ id: "C1" }] }, notification }).map((message) => [message.key, formOf(message)["channel"]]);
    assert.deepEqual(keys({}), [["C1", "C1"]]);
    assert.deepEqual(keys({ channels: [{ name: "ops" }, { id: "G2" }, { name: "#dev" }] }), [["#ops", "#ops"], ["G2", "G2"], ["#dev", "#dev"]]);
  });

  it("is nowhere when neither says it, and when there are more than a Delivery can keep", () => {
    const nothing = (of: Parameters<typeof rendered>[0]): string => {
      const result = rendered(of);
      return "nothing" in result ? result.nothing.reason : assert.fail("something was rendered");
    };
    const provider = { channels: Array.from({ length: 11 }, (_, index) => ({ id: `C${index}` })) };
    assert.equal(nothing({ event: runEvent(), provider: { channels: [] } }), "NoChannel");
    assert.equal(nothing({ event: runEvent(), provider, notification: { update: true, thread: "PerRun" } }), "TooManyChannels");
  });

  it("is, for Notifications of another namespace than the Provider's, only a channel that is offered to theirs", () => {
    const provider = { channels: [{ id: "C1" }, { id: "C2", namespaces: ["ci"] }, { name: "ops", namespaces: ["ci", "prod"] }, { id: "C3", namespaces: ["prod"] }] };
    const said = (notification: SlackNotification): unknown => {
      const result = rendered({ event: runEvent(), provider, notification, providerNamespace: "platform" });
      return "nothing" in result ? result.nothing.reason : result.messages.map(({ key }) => key);
    };
    assert.deepEqual(said({}), ["C2", "#ops"]);
    assert.deepEqual(said({ channels: [{ id: "C1" }, { name: "#ops" }, { id: "C3" }, { id: "C9" }] }), ["#ops"]);
    assert.equal(said({ channels: [{ id: "C1" }] }), "ChannelNotOffered");
    assert.deepEqual(messagesOf({ event: runEvent(), provider, notification: { channels: [{ id: "C9" }] } }).map(({ key }) => key), ["C9"], "in its own namespace nothing is held back");
  });

  for (const externalRef of ["", "x", "1.1/2.2/3.3", "C1/1", "../1.1", "c1/1.1", "1.1\n", "[varies]x"]) {
    it(`is a new message where the record says ${JSON.stringify(externalRef)}`, () => {
      const [message] = messagesOf({ event: runEvent(), notification: { update: true }, before: { [channel]: { sentCount: 1, externalRef } } });
      assert.match(message?.request.url ?? "", /\/chat\.postMessage$/);
    });
  }

  it("is one lane for each channel, and Slack's own address unless the Provider names another", () => {
    const [message] = messagesOf({ event: runEvent() });
    assert.deepEqual([message?.lane, message?.request.url, message?.target], [channel, "https://slack.com/api/chat.postMessage", { channel }]);
    const [other] = messagesOf({ event: runEvent(), provider: { baseURL: "https://slack-gov.com/api/" } });
    assert.equal(other?.request.url, "https://slack-gov.com/api/chat.postMessage");
  });

  it("is left as it is when the route ends nothing: only what is edited must be ended", () => {
    assert.deepEqual([slackApp.keepsStateFor?.({}), slackApp.keepsStateFor?.({ thread: "PerRun" }), slackApp.keepsStateFor?.({ update: true })], [false, false, true]);
    assert.deepEqual(slackApp.defaultStatuses, ["Succeeded", "Failed", "Cancelled", "TimedOut"]);
  });
});

describe("what is refused when it is applied", () => {
  const apiVersion = "integrations.tekton.ornew.io/v1alpha1";
  const provider = (slack: unknown): unknown => ({ apiVersion, kind: "Provider", metadata: { name: "p", namespace: "ci" }, spec: { type: "SlackApp", slackApp: slack } });
  const notification = (slack: unknown): unknown => ({ apiVersion, kind: "Notification", metadata: { name: "n", namespace: "ci" }, spec: { providerRef: { name: "p" }, slackApp: slack } });
  const errorsOf = (object: unknown): string[] => checkObject(object, { namespace: "ci" }).errors.map(({ field, code }) => `${field} ${code}`);
  const accessToken = { secretRef: { name: "s" } };
  const section = (fields: object): unknown => notification({ blocks: [{ type: "section", ...fields }] });
  const text = { type: "plain_text", text: "x" };
  const deep = (levels: number): unknown => (levels === 0 ? "x" : { type: "rich_text_section", elements: [deep(levels - 1)] });

  const table: readonly (readonly [string, unknown, readonly string[]])[] = [
    ["nothing of a whole Provider", provider({ accessToken, channels: [{ id: "C02ABCDEF" }, { name: "dépl-1_x" }], baseURL: "https://slack-gov.com/api" }), []],
    ["a Provider without a token", provider({}), ["spec.slackApp.accessToken FieldRequired"]],
    ["a channel with neither id nor name", provider({ accessToken, channels: [{}] }), ["spec.slackApp.channels[0] RuleBroken"]],
    ["a channel with both", provider({ accessToken, channels: [{ id: "C1", name: "a" }] }), ["spec.slackApp.channels[0] RuleBroken"]],
    ["an id that is a name", provider({ accessToken, channels: [{ id: "general" }] }), ["spec.slackApp.channels[0].id FieldInvalid"]],
    ["a name in capitals", provider({ accessToken, channels: [{ name: "General" }] }), ["spec.slackApp.channels[0].name FieldInvalid"]],
    ["a channel twice", notification({ channels: [{ name: "a" }, { name: "#a" }] }), ["spec.slackApp.channels[1] FieldDuplicate"]],
    ["a channel twice in a Provider", provider({ accessToken, channels: [{ id: "C1" }, { id: "C1" }] }), ["spec.slackApp.channels[1] FieldDuplicate"]],
    ["namespaces of a channel of a Notification, which has none to offer", notification({ channels: [{ id: "C1", namespaces: ["a"] }] }), ["spec.slackApp.channels[0].namespaces FieldUnknown"]],
    ["more channels than a Delivery can keep", notification({ channels: Array.from({ length: 21 }, (_, index) => ({ id: `C${index}` })) }), ["spec.slackApp.channels FieldTooMany"]],
    ["more than half with update and thread", notification({ update: true, thread: "PerRun", channels: Array.from({ length: 11 }, (_, index) => ({ id: `C${index}` })) }), ["spec.slackApp.channels FieldTooMany"]],
    ["another kind of thread", notification({ thread: "PerSeries" }), ["spec.slackApp.thread FieldNotSupported"]],
    ["a base URL with credentials", provider({ accessToken, baseURL: "https://u:p@slack.com/api" }), ["spec.slackApp.baseURL UrlInvalid"]],
    ["templates that do not compile, each at its place", notification({ blocks: [{ type: "section", text: { ...text, text: "${stauts}" }, fields: [text, { ...text, text: "${" }] }] }), ["spec.slackApp.blocks[0].text.text FilterUnknownVariable", "spec.slackApp.blocks[0].fields[1].text TemplateUnterminated"]],
    ["run data that would decide what a block is", section({ text: { type: "${status}", text: "x" }, block_id: "${name}" }), ["spec.slackApp.blocks[0].text.type FieldInvalid", "spec.slackApp.blocks[0].block_id FieldInvalid"]],
    ["run data that would mention somebody", notification({ blocks: [{ type: "rich_text", elements: [{ type: "rich_text_section", elements: [{ type: "user", user_id: "${params.who}" }, { type: "broadcast", range: "${params.range}" }] }] }] }), ["spec.slackApp.blocks[0].elements[0].elements[0].user_id FieldInvalid", "spec.slackApp.blocks[0].elements[0].elements[1].range FieldInvalid"]],
    ["a kind of block that no message has", notification({ blocks: [{ type: "input" }] }), ["spec.slackApp.blocks[0].type FieldNotSupported"]],
    ["a block without a type", notification({ blocks: [{ text }] }), ["spec.slackApp.blocks[0].type FieldRequired"]],
    ["an element that asks for an answer", section({ text, accessory: { type: "datepicker" } }), ["spec.slackApp.blocks[0].accessory.type FieldInvalid"]],
    ["a button that leads nowhere", notification({ blocks: [{ type: "actions", elements: [{ type: "button", text }] }] }), ["spec.slackApp.blocks[0].elements[0] FieldRequired"]],
    ["more templates than may be evaluated for a message", notification({ blocks: Array.from({ length: 21 }, () => ({ type: "header", text: { ...text, text: "${name}" } })) }), ["spec.slackApp.blocks FieldTooMany"]],
    ["blocks nested without end", notification({ blocks: [{ type: "rich_text", elements: [deep(10)] }] }), ["spec.slackApp.blocks FieldInvalid"]],
    ["blocks of more bytes than may be stored", notification({ blocks: Array.from({ length: 3 }, () => ({ type: "section", text: { ...text, text: "x".repeat(6000) } })) }), ["spec.slackApp.blocks FieldTooLong"]],
    ["51 blocks", notification({ blocks: Array.from({ length: 51 }, () => ({ type: "divider" })) }), ["spec.slackApp.blocks FieldTooMany"]],
  ];
  for (const [what, object, errors] of table) {
    it(what, () => {
      assert.deepEqual(errorsOf(object), errors);
    });
  }
});
