import assert from "node:assert/strict";
import { faultText } from "../../src/api/fault.ts";
import type { RunEvent } from "../../src/api/run-event.ts";
import type { AnyProviderDefinition, RenderInput } from "../../src/providers/provider.ts";
import { sectionTemplates } from "../../src/providers/templates.ts";

type RenderTemplate = RenderInput<unknown, unknown>["template"];

/** For a section that sets nothing. */
export const noTemplates: RenderTemplate = () => undefined;

/** The section's templates for an event, as a route renders them; they compile and do not fail. */
export function templatesOn(definition: AnyProviderDefinition, section: unknown, event: RunEvent): RenderTemplate {
  const { problems, on } = sectionTemplates(definition, section);
  assert.deepEqual(problems, []);
  return on(event, (fault) => assert.fail(faultText(fault)));
}
