import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decideMutation, decideValidation } from "../../src/webhook/decide.ts";
import { decodeReview } from "../../src/webhook/review.ts";
import { countSteps } from "../support/count-steps.ts";
import { filtered, gitHub, goodNotification, notification, provider, review } from "./objects.ts";

const to = { providerRef: { name: "p" } };
const list = <Item>(count: number, item: (index: number) => Item): Item[] => Array.from({ length: count }, (_, index) => item(index));
const map = (count: number, entry: (index: number) => [string, unknown]): Record<string, unknown> => Object.fromEntries(list(count, entry));
const nested = (depth: number, open: string, close: string, inside = ""): unknown => JSON.parse(open.repeat(depth) + inside + close.repeat(depth)) as unknown;
const blocks = (value: unknown): unknown => notification({ ...to, slackApp: { blocks: [value] } });
const section = (fields: object): unknown => provider({ type: "CloudEvents", cloudEvents: { url: "https://events.example.com/", ...fields } });

/** Objects of up to 3 MB that would keep a careless judge busy for seconds. */
const hostile: Readonly<Record<string, () => unknown>> = {
  "lists in lists": () => provider({ githubApp: nested(200_000, "[", "]") }),
  "objects in objects": () => filtered(nested(100_000, '{"a":', "}", "1")),
  "Slack's blocks in one another": () => blocks(nested(50_000, '{"type":"section","text":', "}", '"${name}"')),
  "a hundred thousand templates, each another": () => blocks({ type: "rich_text", elements: list(100_000, (index) => `\${name + "${index}"}`) }),
  "a hundred thousand templates that do not compile": () => blocks({ type: "rich_text", elements: list(100_000, (index) => `\${a${index}}`) }),
  "thousands of templates below the bound of members": () => blocks({ type: "rich_text", elements: list(8_000, (index) => `\${name + "${index}"}`) }),
  "a template of 2.8 MB": () => blocks({ type: "section", text: { type: "mrkdwn", text: "${".repeat(1_400_000) } }),
  "a series of 3 MB": () => notification({ ...to, groupBy: "${".repeat(1_500_000) }),
  "attributes without end": () => notification({ ...to, gcpPubSub: { attributes: map(80_000, (index) => [`a${index}`, `\${name + "${index}"}`]) } }),
  "labels without end": () => filtered({ labelSelector: { matchLabels: map(200_000, (index) => [`a ${index}`, " "]) } }),
  "requirements without end": () => filtered({ labelSelector: { matchExpressions: list(9_000, () => ({ key: "a", operator: "NotIn", values: ["b"] })) } }),
  "results with broken patterns": () => filtered({ results: list(4_000, () => ({ name: "a", matches: "(((((((((((" })) }),
  "a pattern of 3 MB": () => filtered({ results: [{ name: "a", matches: "(".repeat(3_000_000) }] }),
  "thousands of names that are nearly right": () => provider(map(9_000, (index) => [`githubAp${index}`, 1])),
  "thousands of words that are nearly right": () => filtered({ statuses: list(9_900, (index) => `Suceeded${index}`) }),
  "headers without end": () => section({ headers: list(12_000, (index) => ({ name: `x${index}`, value: "a" })) }),
  "a URL of 3 MB": () => section({ url: `https://${"a.".repeat(1_500_000)}` }),
  "a source of 3 MB": () => section({ source: "a:".repeat(1_500_000) }),
  "an ARN of 3 MB": () => provider({ type: "AWSSNS", awsSNS: { topicARN: `arn:aws${"-a".repeat(1_500_000)}` } }),
  "certificates without end": () => provider({ githubApp: gitHub, tls: { caBundle: "-----BEGIN CERTIFICATE-----A-----END CERTIFICATE-----".repeat(50_000) } }),
  "an expression that nests": () => filtered({ expression: `${"tasks.exists(a,".repeat(90)}true${")".repeat(90)}` }),
  "an expression of many mistakes": () => filtered({ expression: `${"nope||".repeat(680)}x` }),
  "an expression of 3 MB": () => filtered({ expression: "status == ".repeat(300_000) }),
  "an expression that costs": () => filtered({ expression: "tasks.all(a, tasks.all(b, tasks.all(c, a.name + b.name + c.name != message)))" }),
  "a name of 3 MB": () => ({ ...(filtered({ kinds: ["Job"] }) as object), metadata: { name: "x".repeat(3_000_000) } }),
};

/** Steps of our own code for one decision; good objects take some thousands. Some ten milliseconds. */
const maxSteps = 1_000_000;
const maxAnswerBytes = 64 * 1024;

describe("a hostile object costs a bounded number of steps, and its answer a bounded number of bytes", () => {
  for (const [what, make] of Object.entries(hostile)) {
    it(what, async () => {
      const created = decodeReview(review(make()));
      const updated = decodeReview(review(make(), { operation: "UPDATE", oldObject: goodNotification }));
      let answers: readonly unknown[] = [];
      const steps = await countSteps(() => {
        answers = [decideMutation(created), decideValidation(created), decideValidation(updated)];
      });
      assert.ok(steps > 0 && steps < maxSteps, `${steps} steps`);
      for (const answer of answers) {
        const bytes = Buffer.byteLength(JSON.stringify(answer));
        assert.ok(bytes < maxAnswerBytes, `${bytes} bytes`);
      }
      assert.equal((answers[1] as { allowed: boolean }).allowed, false);
    });
  }

  it("a good object costs a small part of that", async () => {
    const request = decodeReview(review(goodNotification));
    const steps = await countSteps(() => decideValidation(request));
    assert.ok(steps > 100 && steps < maxSteps / 100, `${steps} steps`);
  });
});
