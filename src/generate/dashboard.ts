/** What a panel shows: one or more queries, and the unit of their values by Grafana's name. */
interface Panel {
  readonly title: string;
  readonly unit: string;
  readonly queries: readonly (readonly [expression: string, legend: string])[];
}

const rateOf = (metric: string, by: string, interval = "$__rate_interval"): string => `sum by (${by}) (rate(tekton_integrations_${metric}[${interval}]))`;
const quantile = (share: number, metric: string, by: string): string => `histogram_quantile(${share}, ${rateOf(`${metric}_bucket`, by)})`;

const rows: Readonly<Record<string, readonly Panel[]>> = {
  Delivery: [
    { title: "Messages", unit: "ops", queries: [[rateOf("deliveries_total", "provider_type, result"), "{{provider_type}} {{result}}"]] },
    { title: "Owed", unit: "short", queries: [["max(tekton_integrations_deliveries_owed)", "owed"]] },
    { title: "Refused and failed requests", unit: "ops", queries: [[`sum by (provider_type, error_class) (rate(tekton_integrations_delivery_attempts_total{error_class!="none"}[$__rate_interval]))`, "{{provider_type}} {{error_class}}"], [rateOf("delivery_retries_total", "provider_type"), "{{provider_type}} tried again"]] },
    { title: "Failed requests by their cause", unit: "ops", queries: [[rateOf("delivery_failures_total", "provider_type, code"), "{{provider_type}} {{code}}"]] },
    { title: "Requests for tokens and keys", unit: "ops", queries: [[rateOf("credential_requests_total", "provider_type, result"), "{{provider_type}} {{result}}"]] },
    { title: "From a state to its acceptance", unit: "s", queries: [[quantile(0.5, "delivery_latency_seconds", "le"), "p50"], [quantile(0.99, "delivery_latency_seconds", "le"), "p99"]] },
    { title: "From a state to the first request", unit: "s", queries: [[quantile(0.5, "delivery_queue_age_seconds", "le"), "p50"], [quantile(0.99, "delivery_queue_age_seconds", "le"), "p99"]] },
    { title: "Records", unit: "ops", queries: [[rateOf("record_writes_total", "result"), "{{result}}"]] },
  ],
  Filters: [
    { title: "Evaluations", unit: "ops", queries: [[rateOf("filter_evaluations_total", "outcome"), "{{outcome}}"]] },
    { title: "Steps of an evaluation (100,000 are allowed)", unit: "short", queries: [[quantile(0.5, "filter_evaluation_steps", "le"), "p50"], [quantile(0.99, "filter_evaluation_steps", "le"), "p99"]] },
    { title: "Templates that failed", unit: "ops", queries: [[rateOf("template_faults_total", "provider_type, code"), "{{provider_type}} {{code}}"]] },
  ],
  Admission: [
    { title: "Reviews", unit: "reqps", queries: [[rateOf("admission_reviews_total", "endpoint, decision"), "{{endpoint}} {{decision}}"]] },
    { title: "Time of an answer", unit: "s", queries: [[quantile(0.5, "admission_duration_seconds", "le"), "p50"], [quantile(0.99, "admission_duration_seconds", "le"), "p99"]] },
    { title: "Certificates end in", unit: "s", queries: [["min by (certificate) (tekton_integrations_certificate_expiry_timestamp_seconds) - time()", "{{certificate}}"]] },
  ],
  "API server and processes": [
    { title: "Leaders", unit: "short", queries: [["sum(tekton_integrations_leader)", "leaders"]] },
    { title: "Watches that fail", unit: "short", queries: [["max by (resource) (tekton_integrations_watch_failing)", "{{resource}}"]] },
    { title: "Lists, resumes, reconnects and errors of watches", unit: "ops", queries: [[rateOf("watch_relists_total", "resource"), "{{resource}} listed"], [rateOf("watch_resumes_total", "resource"), "{{resource}} resumed"], [rateOf("watch_reconnects_total", "resource"), "{{resource}} reconnected"], [rateOf("watch_errors_total", "resource"), "{{resource}} failed"]] },
    { title: "Last change or bookmark", unit: "s", queries: [["max by (resource) (tekton_integrations_watch_last_event_age_seconds)", "{{resource}}"]] },
    { title: "Memory", unit: "bytes", queries: [[`process_resident_memory_bytes{pod=~"tekton-integrations-.*"}`, "{{pod}}"]] },
    { title: "Event loop, 99th percentile of its delay", unit: "s", queries: [[`nodejs_eventloop_lag_p99_seconds{pod=~"tekton-integrations-.*"}`, "{{pod}}"]] },
  ],
};

const columns = 3;
const [width, height] = [24 / columns, 8];

/** The dashboard for Grafana. */
export function dashboard(): unknown {
  const panels: unknown[] = [];
  let y = 0;
  for (const [title, members] of Object.entries(rows)) {
    panels.push({ id: panels.length + 1, type: "row", title, collapsed: false, gridPos: { x: 0, y, w: 24, h: 1 }, panels: [] });
    y += 1;
    for (const [index, { title: name, unit, queries }] of members.entries()) {
      panels.push({
        id: panels.length + 1,
        type: "timeseries",
        title: name,
        datasource: { type: "prometheus", uid: "${datasource}" },
        fieldConfig: { defaults: { unit }, overrides: [] },
        gridPos: { x: (index % columns) * width, y: y + Math.floor(index / columns) * height, w: width, h: height },
        targets: queries.map(([expr, legendFormat], target) => ({ refId: String.fromCharCode(65 + target), expr, legendFormat })),
      });
    }
    y += Math.ceil(members.length / columns) * height;
  }
  return {
    title: "Tekton Integrations",
    uid: "tekton-integrations",
    tags: ["tekton"],
    schemaVersion: 39,
    editable: true,
    refresh: "1m",
    time: { from: "now-6h", to: "now" },
    templating: { list: [{ name: "datasource", type: "datasource", query: "prometheus", label: "Data source" }] },
    panels,
  };
}
