import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Outcome } from "../../src/controller/attempt.ts";
import { providerStatus } from "../../src/controller/provider-status.ts";
import { tellOutcome } from "../../src/controller/tell-outcome.ts";
import { errorCatalogue, type ErrorClass, type ErrorCode } from "../../src/errors.ts";
import type { EventContent } from "../../src/kube/events.ts";
import { DeliveryError } from "../../src/providers/delivery-error.ts";
import { failed, start } from "./deliver-harness.ts";
import { cloudEventsProvider, notification } from "./objects.ts";
import { runEvent } from "./runs.ts";

/** Errors of deliveries that somebody who uses the product can act on, of these classes. */
const actionable = (...classes: readonly ErrorClass[]): ErrorCode[] =>
  (Object.keys(errorCatalogue) as ErrorCode[]).filter((code) => errorCatalogue[code].area === "delivery" && classes.includes(errorCatalogue[code].class));

describe("every error of a delivery that a user can act on is told where users look:", () => {
  for (const code of actionable("credentials", "route", "permanent")) {
    it(`${code} of a message, in its Delivery`, async (t) => {
      const harness = start(t);
      harness.service = () => {
        throw new DeliveryError(code, "what it says");
      };
      await harness.change(failed);
      const error = harness.writes.at(-1)?.destinations[0]?.lastError;
      assert.deepEqual([error?.code, error?.message], [code, "what it says"]);
    });
  }

  for (const code of actionable("credentials")) {
    it(`${code}, in conditions of the Provider`, () => {
      const { conditions } = providerStatus(cloudEventsProvider(), { connection: { ready: false, code, message: "what it says" }, use: {}, credentials: undefined }, 0);
      const told = (conditions ?? []).filter(({ message }) => message === "what it says").map(({ type, status, reason }) => [type, status, reason]);
      assert.deepEqual(told, [["Ready", "False", code], ["CredentialsValid", "False", code], ["Stalled", "True", code]]);
    });
  }

  for (const code of actionable("route", "permanent")) {
    it(`${code}, in an Event of the Notification`, () => {
      const published: EventContent[] = [];
      const outcome: Outcome["outcome"] = errorCatalogue[code].class === "permanent" ? "DeadLetter" : "Retrying";
      tellOutcome({ publish: (_regarding, content) => void published.push(content), flush: () => Promise.resolve() }, notification(), { notificationKey: "ci/to-service", destination: "default", outcome, event: runEvent(), error: new DeliveryError(code, "what it says") }, undefined);
      assert.equal(published.length, 1);
      assert.match(`${published[0]?.reason ?? ""} ${published[0]?.note ?? ""}`, new RegExp(`${code}.*what it says`));
      assert.equal(published[0]?.type, "Warning");
    });
  }
});
