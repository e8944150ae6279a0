import { meets } from "../api/fits-labels.ts";
import type { LabelSelector } from "../api/selectors.ts";
import { own, type Predicate } from "./predicate.ts";

/** The run's labels fit a selector as everywhere in Kubernetes: all of `matchLabels`, then all of `matchExpressions`. */
export function labelPredicate({ matchLabels = {}, matchExpressions = [] }: LabelSelector): Predicate {
  const equal = Object.entries(matchLabels);
  return {
    name: "labelSelector",
    test: ({ labels }) => {
      const missing = equal.find(([key, value]) => own(labels, key) !== value);
      if (missing !== undefined) return { why: `label ${missing[0]} is not ${missing[1]}` };
      const failed = matchExpressions.find((requirement) => !meets(requirement, labels));
      return failed === undefined ? undefined : { why: `label ${failed.key} does not fit ${failed.operator}` };
    },
  };
}
