import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

const prefix = "tekton_integrations_";

interface Declared<Label extends string> {
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels: readonly Label[];
  /** Upper bounds of a histogram's buckets, in the unit of the name. */
  readonly buckets?: readonly number[];
}

const declare = <const Label extends string = never>(declared: Declared<Label>): Declared<Label> => declared;

/**
 * The metric catalogue: every metric of our own, once. Names get the prefix `tekton_integrations_`.
 * `docs/reference/metrics.md` lists the same; a test compares the two both ways.
 */
export const metricCatalogue = {
  admission_reviews_total: declare({ type: "counter", help: "Admission reviews answered, by endpoint, kind of object and decision.", labels: ["endpoint", "kind", "decision"] }),
  admission_duration_seconds: declare({
    type: "histogram",
    help: "Time from the end of a review's request to its answer.",
    labels: ["endpoint"],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
  }),
  filter_evaluations_total: declare({ type: "counter", help: "Filters evaluated against a state of a run, by outcome (match, no_match, error).", labels: ["outcome"] }),
  filter_evaluation_steps: declare({
    type: "histogram",
    help: "Steps that an evaluation of a filter's expression took of those that are charged: turns of loops, and work on texts and lists.",
    labels: [],
    buckets: [0, 10, 100, 1_000, 10_000, 50_000, 100_000],
  }),
  template_faults_total: declare({ type: "counter", help: "Parts of templates that failed on a state of a run and were left empty, by type of Provider and error code.", labels: ["provider_type", "code"] }),
  deliveries_total: declare({ type: "counter", help: "Messages decided, by type of Provider and result (delivered, dead_letter).", labels: ["provider_type", "result"] }),
  delivery_attempts_total: declare({ type: "counter", help: "Requests that carried a message, by type of Provider and error class (none when accepted).", labels: ["provider_type", "error_class"] }),
  delivery_failures_total: declare({ type: "counter", help: "Requests that carried a message and failed, by type of Provider and error code (such as RateLimited, EgressDenied, ServiceUnreachable).", labels: ["provider_type", "code"] }),
  delivery_retries_total: declare({ type: "counter", help: "Requests that carried a message for which an earlier one had failed, by type of Provider.", labels: ["provider_type"] }),
  delivery_queue_age_seconds: declare({
    type: "histogram",
    help: "Time from seeing a state of a run to the first request that carried it.",
    labels: ["provider_type"],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300, 3600, 86400],
  }),
  delivery_latency_seconds: declare({
    type: "histogram",
    help: "Time from seeing a state of a run to the service's acceptance.",
    labels: ["provider_type"],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300, 3600, 86400],
  }),
  credential_requests_total: declare({ type: "counter", help: "Requests for tokens and keys that are good for a while, by type of Provider and result (granted, failed).", labels: ["provider_type", "result"] }),
  certificate_expiry_timestamp_seconds: declare({
    type: "gauge",
    help: "When a certificate of the webhook ends, in seconds since the epoch: the leaf that a webhook serves, and the authority that the leading controller keeps.",
    labels: ["certificate"],
  }),
  leader: declare({ type: "gauge", help: "Whether this controller holds the Lease, and so is the one that sends (1), or waits (0).", labels: [] }),
  deliveries_owed: declare({ type: "gauge", help: "Pairs of Notification and run with a message that is not yet accepted.", labels: [] }),
  record_writes_total: declare({ type: "counter", help: "Writes of Delivery records, by result (ok, failed).", labels: ["result"] }),
  watch_relists_total: declare({ type: "counter", help: "Lists made to start or restart a watch, by resource.", labels: ["resource"] }),
  watch_resumes_total: declare({ type: "counter", help: "Watches resumed where they ended, by resource.", labels: ["resource"] }),
  watch_reconnects_total: declare({ type: "counter", help: "Watches that broke, stalled or were not accepted, and were tried again, by resource.", labels: ["resource"] }),
  watch_failing: declare({ type: "gauge", help: "Whether the last attempt at a watch failed (1), by resource; after two minutes the controller is not ready.", labels: ["resource"] }),
  watch_last_event_age_seconds: declare({ type: "gauge", help: "Time since a watch last showed a change or a bookmark, by resource; bookmarks come every minute.", labels: ["resource"] }),
  watch_errors_total: declare({ type: "counter", help: "Failed lists and watches, by resource.", labels: ["resource"] }),
} as const;

type Catalogue = typeof metricCatalogue;
type MetricName = keyof Catalogue;
type LabelsOf<Name extends MetricName> = Catalogue[Name] extends Declared<infer Label> ? Readonly<Record<Label, string>> : never;

/** The metrics of one process. */
export interface Metrics {
  /** Adds to a counter (1 when no value is given) or to a gauge. */
  add<Name extends MetricName>(name: Name, labels: LabelsOf<Name>, value?: number): void;
  /** Sets a gauge. */
  set<Name extends MetricName>(name: Name, labels: LabelsOf<Name>, value: number): void;
  /** Shows no value for these labels any more. */
  clear<Name extends MetricName>(name: Name, labels: LabelsOf<Name>): void;
  /** Adds one observation to a histogram, in the unit of its name. */
  observe<Name extends MetricName>(name: Name, labels: LabelsOf<Name>, value: number): void;
  /** The exposition text for Prometheus, and its content type. */
  render(): Promise<{ readonly contentType: string; readonly body: string }>;
}

/** Full name of a metric as it is exposed. */
export const exposedName = (name: string): string => `${prefix}${name}`;

/** Metrics with their own registry; Node's default ones come along where asked for. */
export function createMetrics(options: { readonly nodeMetrics?: boolean } = {}): Metrics {
  const registry = new Registry();
  if (options.nodeMetrics === true) collectDefaultMetrics({ register: registry });
  const made = new Map<string, Counter | Gauge | Histogram>();
  for (const [name, declared] of Object.entries<Declared<string>>(metricCatalogue)) {
    const settings = { name: exposedName(name), help: declared.help, labelNames: [...declared.labels], registers: [registry] };
    if (declared.type === "counter") made.set(name, new Counter(settings));
    else if (declared.type === "gauge") made.set(name, new Gauge(settings));
    else made.set(name, new Histogram({ ...settings, ...(declared.buckets && { buckets: [...declared.buckets] }) }));
  }
  return {
    add: (name, labels, value = 1) => {
      const metric = made.get(name);
      if (metric instanceof Counter || metric instanceof Gauge) metric.inc(labels, value);
    },
    set: (name, labels, value) => {
      const metric = made.get(name);
      if (metric instanceof Gauge) metric.set(labels, value);
    },
    clear: (name, labels) => {
      made.get(name)?.remove(labels);
    },
    observe: (name, labels, value) => {
      const metric = made.get(name);
      if (metric instanceof Histogram) metric.observe(labels, value);
    },
    render: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  };
}
