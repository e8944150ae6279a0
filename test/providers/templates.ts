import assert from "node:assert/strict";
import { faultText } from "../../src/api/fault.ts";
import type { Notification } from "../../src/api/notification.ts";
import type { RunEvent } from "../../src/api/run-event.ts";
import type { AnyProviderDefinition, RenderInput } from "../../src/providers/provider.ts";
import { routeTemplates } from "../../src/providers/templates.ts";

type Templates = Pick<RenderInput<unknown, unknown>, "template" | "message">;

/** For a Notification that sets nothing. */
export const noTemplates: Templates = { template: () => undefined, message: () => undefined };

/** The templates of a section and of `message` for an event, as a route renders them; they compile and do not fail. */
export function templatesOn(definition: AnyProviderDefinition, section: unknown, event: RunEvent, message?: Notification["spec"]["message"]): Templates {
  const { problems, on } = routeTemplates(definition, { [definition.section]: section, message });
  assert.deepEqual(problems, []);
  return on(event, (fault) => assert.fail(faultText(fault)));
}
