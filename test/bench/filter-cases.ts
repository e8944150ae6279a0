/** A filter with a name, as files for `--filters` hold them. */
export interface NamedFilter {
  readonly name: string;
  readonly expression: string;
}

/** Filters as users write them, cheap and dear ones. */
export const builtInFilters: readonly NamedFilter[] = [
  { name: "status", expression: 'status == "Failed"' },
  { name: "kind and status", expression: 'kind == "PipelineRun" && status == "Failed"' },
  { name: "terminal only", expression: "terminal" },
  { name: "one of two", expression: 'status == "Failed" || status == "TimedOut"' },
  { name: "not succeeded", expression: '!(status == "Succeeded") && terminal' },
  { name: "in a list", expression: 'status in ["Failed", "TimedOut", "Cancelled"]' },
  { name: "label", expression: 'labels["tekton.dev/pipeline"] == "shop-api-on-push"' },
  { name: "label is there", expression: '"tekton.dev/pipeline" in labels' },
  { name: "commit", expression: 'has(commit.sha) && commit.owner == "example-org" && commit.repo == "shop-api"' },
  { name: "conditional", expression: 'kind == "PipelineRun" ? terminal : status == "Failed"' },
  { name: "arithmetic", expression: "size(tasks) * 2 + 1 > 3" },
  { name: "integer division", expression: "(size(tasks) + 1) / 2 == 1" },
  { name: "absence absorbed", expression: 'previous.status == "Failed" || terminal' },
  { name: "namespace prefix", expression: 'namespace.startsWith("ci")' },
  { name: "regular expression", expression: 'name.matches("^shop-api-on-push-[a-z0-9]{5}$")' },
  { name: "duration", expression: 'terminal && duration > duration("1s")' },
  { name: "result", expression: 'has(results.commit) && results.commit != ""' },
  { name: "previous", expression: 'has(previous.status) && previous.status != status' },
  { name: "a failed task", expression: 'tasks.exists(t, t.status == "Failed")' },
  { name: "all tasks", expression: 'tasks.all(t, t.status == "Succeeded" || t.ignored)' },
  { name: "recovery on main", expression: 'terminal && namespace == "ci" && has(commit.branch) && commit.branch == "main" && status in ["Succeeded", "Failed"]' },
  { name: "names of failed tasks", expression: 'tasks.filter(t, t.status == "Failed").map(t, t.name).exists(n, n.startsWith("unit"))' },
];

/** Another filter of the same form: some with another literal, all with another text. */
function variant({ name, expression }: NamedFilter, index: number): NamedFilter {
  const last = expression.lastIndexOf('"');
  const changed = index % 3 === 0 || last === -1 || name === "regular expression" || name === "duration" ? expression : `${expression.slice(0, last)}-${index}${expression.slice(last)}`;
  return { name, expression: `${changed} // ${index}` };
}

/** As many filters as many users write: all different, in the forms of the built-in ones. */
export function manyFilters(count: number): readonly NamedFilter[] {
  return Array.from({ length: count }, (_, index) => variant(builtInFilters[index % builtInFilters.length] ?? { name: "", expression: "true" }, index));
}
