import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runStatuses, type RunEvent } from "../../src/api/run-event.ts";
import { awsSns, type SnsProvider } from "../../src/providers/sns/config.ts";
import { checkOwnIdentity } from "../../src/providers/own-identity.ts";
import { decodePublish, encodePublish, type Publish } from "../../src/providers/sns/form.ts";
import { ended, runEvent, runUid } from "../controller/runs.ts";
import { fifoARN, messageOf, rendered, roleARN, topicARN, type Case } from "./sns-harness.ts";

const loop = "integrations.tekton.ornew.io/loop";
const publishOf = (of: Case): Publish => decodePublish(messageOf(of).request.body as string);
const subjectOf = (of: Case): string => publishOf(of).Subject;

describe("a message for SNS", () => {
  it("is the RunEvent without `run`, with attributes that filter policies can select by", () => {
    const event = ended("Failed", { message: "no" });
    const { Message, attributes, ...others } = publishOf({ event });
    const { run: _, ...published } = event;
    assert.deepEqual(JSON.parse(Message), published);
    const { id, ...rest } = attributes;
    assert.match(id ?? "", /^[0-9a-f]{32}$/);
    assert.deepEqual(rest, { kind: "PipelineRun", namespace: "ci", pipeline: "build", status: "Failed", tektonloop: "1" });
    assert.deepEqual(others, { TopicArn: topicARN, Subject: "PipelineRun ci/build-1: Failed" });
  });

  it("goes to the region of the topic, which is what the record says", () => {
    const { key, target, lane, request } = messageOf({});
    assert.deepEqual([key, target, lane], ["message", { topicARN }, topicARN]);
    assert.deepEqual([request.method, request.url, request.headers], ["POST", "https://sns.eu-central-1.amazonaws.com/", { authorization: "[redacted]", "content-type": "application/x-www-form-urlencoded" }]);
  });

  for (const [arn, endpoint, url] of [
    ["arn:aws-cn:sns:cn-north-1:123456789012:x", undefined, "https://sns.cn-north-1.amazonaws.com.cn/"],
    ["arn:aws-us-gov:sns:us-gov-west-1:123456789012:x", undefined, "https://sns.us-gov-west-1.amazonaws.com/"],
    [topicARN, "https://vpce-1.sns.eu-central-1.vpce.amazonaws.com", "https://vpce-1.sns.eu-central-1.vpce.amazonaws.com/"],
    [topicARN, "https://proxy.example.com/sns", "https://proxy.example.com/sns/"],
  ] as const) {
    it(`goes to ${url} for ${endpoint ?? arn}`, () => {
      assert.equal(messageOf({ provider: { topicARN: arn, ...(endpoint !== undefined && { endpoint }) } }).request.url, url);
    });
  }

  it("has the same id for every attempt at one message, and another for every other message", () => {
    const id = (of: Case): string | undefined => publishOf(of).attributes["id"];
    const first = id({});
    assert.equal(id({ event: runEvent({ message: "changed meanwhile", reason: "Started" }) }), first);
    const others = [{ sentCount: 1 }, { event: ended("Failed") }, { event: runEvent({ uid: "another" }) }, { name: "another" }].map(id);
    assert.equal(new Set([first, ...others]).size, 5);
  });

  it("is sent for every status, each a state of its own", () => {
    assert.deepEqual(runStatuses.map((status) => awsSns.serviceState(status, {})), [...runStatuses]);
    assert.deepEqual([awsSns.keepsState, awsSns.defaultStatuses], [false, runStatuses]);
  });

  it("is at most 262,144 bytes with subject and attributes, whole JSON, and says what was dropped", () => {
    const annotations = { big: "é".repeat(140_000) };
    const of: Case = { event: runEvent({ annotations, labels: { team: "t".repeat(2000) } }), notification: { subject: "s".repeat(500), attributes: { team: "${labels.team}" } } };
    const { Message, Subject, attributes } = publishOf(of);
    const size = Buffer.byteLength(Message) + Subject.length + Object.entries(attributes).reduce((sum, [name, value]) => sum + Buffer.byteLength(`${name}String${value}`), 0);
    assert.ok(size <= 262_144);
    assert.deepEqual((JSON.parse(Message) as { dropped: string[] }).dropped, ["annotations"]);
  });

  it("uses every byte that there is", () => {
    const sizeOf = (length: number): [boolean, number] => {
      const { Message, Subject, attributes } = publishOf({ event: runEvent({ annotations: { big: "x".repeat(length) } }) });
      return [Message.includes("dropped"), Buffer.byteLength(Message) + Subject.length + Object.entries(attributes).reduce((sum, [name, value]) => sum + `${name}String${value}`.length, 0)];
    };
    const [, small] = sizeOf(1);
    const room = 262_144 - small + 1;
    assert.deepEqual([sizeOf(room), sizeOf(room + 1)[0]], [[false, 262_144], true]);
  });
});

describe("the subject", () => {
  for (const [what, of, expected] of [
    ["is what its template says", { notification: { subject: "${pipeline}: ${status}" } }, "build: Running"],
    ["is kind, name and status when its template is empty", { notification: { subject: "${results.none}" } }, "PipelineRun ci/build-1: Running"],
    ["is one line", { notification: { subject: " a\r\nb\u0000\u2028c " } }, "a b c"],
    ["is ASCII", { notification: { subject: "é Straße 🚀 ﬁ 中文" } }, "e Stra?e ? fi ??"],
    ["begins with no space", { notification: { subject: "\u0301 x" } }, "x"],
  ] as const) {
    it(what, () => {
      assert.equal(subjectOf(of as Case), expected);
    });
  }

  it("has fewer than 100 characters, and shows where it was cut", () => {
    const subject = subjectOf({ event: runEvent({ name: "n".repeat(200) }) });
    assert.deepEqual([subject.length, subject.endsWith("nnn...")], [99, true]);
    assert.equal(subjectOf({ notification: { subject: "s".repeat(99) } }), "s".repeat(99));
  });
});

describe("own attributes", () => {
  it("are templates; those that are empty for a run are left out", () => {
    const of: Case = { event: runEvent({ labels: { team: "shop" } }), notification: { attributes: { team: "${labels.team}", none: "${labels.none}", "git.sha": "${commit.sha}", blank: "\u0000 " } } };
    const { attributes } = publishOf(of);
    assert.deepEqual(Object.keys(attributes), ["id", "kind", "namespace", "pipeline", "status", "tektonloop", "team", "git.sha"]);
    assert.deepEqual([attributes["team"], attributes["git.sha"]], ["shop", "0f98b1f7eda33a4e9cfaab09506aa8094044085f"]);
  });

  it("are one line of at most 1,024 bytes, whatever a run says", () => {
    const event = runEvent({ labels: { team: `a\n"b" <c> ${"🚀".repeat(500)}\uffff` } });
    const value = publishOf({ event, notification: { attributes: { team: "${labels.team}" } } }).attributes["team"] ?? "";
    assert.match(value, /^a "b" <c> 🚀+…$/u);
    assert.ok(Buffer.byteLength(value) <= 1024);
  });

  it("are ten with those that every message has", () => {
    const attributes = Object.fromEntries(Array.from({ length: 4 }, (_, index) => [`a${index}`, "x"]));
    assert.equal(Object.keys(publishOf({ notification: { attributes } }).attributes).length, 10);
  });

  it("have names that SNS takes, none of them taken already", () => {
    const codes = (name: string): string[] => awsSns.checkNotification?.({ attributes: { [name]: "x" } }).map(({ code, path }) => `${code} ${path.join("/")}`) ?? [];
    for (const name of ["team", "git.sha", "A-b_c.9", "x".repeat(256), "awsome"]) assert.deepEqual(codes(name), [], name);
    for (const name of ["", ".a", "a.", "a..b", "a b", "é", "AWS.x", "aws.x", "Amazon.x", "a/b", "x".repeat(257)]) assert.deepEqual(codes(name), [`FieldInvalid attributes/${name}`], name);
    for (const name of ["id", "kind", "namespace", "pipeline", "status", "tektonloop"]) assert.deepEqual(codes(name), [`FieldForbidden attributes/${name}`]);
    assert.deepEqual(awsSns.checkNotification?.({}), []);
  });
});

describe("a FIFO topic", () => {
  const fifo = (of: Case): Publish => publishOf({ ...of, provider: { topicARN: fifoARN } });

  it("gets the message's id for dropping repeats, and each run is a group of its own", () => {
    const { MessageDeduplicationId, MessageGroupId, attributes } = fifo({});
    assert.deepEqual([MessageDeduplicationId, MessageGroupId], [attributes["id"], runUid]);
  });

  for (const [template, group] of [
    ["${namespace}/${pipeline}", "ci/build"],
    ["${results.none}", runUid],
    ["a b\né🚀", "a_b_e?"],
    ["g".repeat(200), "g".repeat(128)],
  ] as const) {
    it(`gets the group that ${JSON.stringify(template.slice(0, 30))} says, in characters that SNS takes`, () => {
      assert.equal(fifo({ notification: { messageGroupId: template } }).MessageGroupId, group);
    });
  }

  it("is the only one that gets them", () => {
    const publish = publishOf({ notification: { messageGroupId: "x" } });
    assert.deepEqual([publish.MessageDeduplicationId, publish.MessageGroupId], [undefined, undefined]);
  });
});

describe("the loop guard of SNS", () => {
  const event = (value: string): RunEvent => runEvent({ annotations: { [loop]: value } });

  it("says one more than the run's own number", () => {
    assert.equal(publishOf({ event: event("2"), provider: { maxLoop: 3 } }).attributes["tektonloop"], "3");
  });

  for (const value of ["1", "-1", "x", "", "1.5"]) {
    it(`sends nothing about a run with ${JSON.stringify(value)}`, () => {
      const result = rendered({ event: event(value) });
      assert.equal("nothing" in result ? result.nothing.reason : "", "LoopGuard");
    });
  }
});

describe("the form", () => {
  it("says the same when it is read again", () => {
    const publish: Publish = {
      TopicArn: fifoARN, Message: '{"a":"é🚀 +&=%\\u0000!\'()*~"}', Subject: "a & b", attributes: { a: "1 + 1", b: "=&", constructor: "x" }, MessageDeduplicationId: "d", MessageGroupId: "g/ü",
    };
    assert.deepEqual(decodePublish(encodePublish(publish)), publish);
  });
});

describe("check", () => {
  const check = (provider: Partial<SnsProvider>): string[] => awsSns.check({ topicARN, credentials: { secretRef: { name: "aws" } }, ...provider }).map(({ code, path }) => `${path.join(".")} ${code}`);

  it("takes the topic's own region, and no other", () => {
    assert.deepEqual([check({}), check({ region: "eu-central-1", roleARN })], [[], []]);
    assert.deepEqual(check({ region: "eu-west-1" }), ["region FieldInvalid"]);
  });

  it("refuses an endpoint with a password", () => {
    assert.deepEqual(check({ endpoint: "https://u:p@example.com/" }), ["endpoint UrlInvalid"]);
  });

  it("without credentials, is for the controller's own identity, in namespaces that may use it", () => {
    const section = { topicARN };
    assert.deepEqual(checkOwnIdentity(awsSns, section, "ci", new Set(["other"])).map(({ path, code }) => [path, code]), [[["credentials"], "CredentialsRequired"]]);
    assert.deepEqual([checkOwnIdentity(awsSns, section, "ci", new Set(["ci"])), awsSns.check(section)], [[], []]);
    assert.deepEqual(checkOwnIdentity(awsSns, { ...section, credentials: { secretRef: { name: "s" } } }, "ci", new Set()), []);
  });

  it("names the keys of the Secret; a session token need not be there", () => {
    const refs = awsSns.secretRefs({ topicARN, credentials: { secretRef: { name: "aws" } } });
    assert.deepEqual(refs.map(({ name, key, optional = false }) => [name, key, optional]), [["aws", "access-key-id", false], ["aws", "secret-access-key", false], ["aws", "session-token", true]]);
    assert.deepEqual(awsSns.secretRefs({ topicARN }), []);
  });
});
