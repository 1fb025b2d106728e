import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** Buckets of durations, in seconds: from a cache hit to the longest wait for a primary. */
const durations = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** What the parts of the server count; all names begin with `phantom_`. */
export interface Metrics {
  counter<L extends string = never>(name: string, help: string, labels?: readonly L[]): Counter<L>
  /** A value that `read` gives at each scrape, or that is set. */
  gauge<L extends string = never>(name: string, help: string, options?: GaugeOptions<L>): Gauge<L>
  /** A distribution of durations in seconds, unless other buckets are given. */
  histogram<L extends string = never>(
    name: string,
    help: string,
    labels?: readonly L[],
    buckets?: number[],
  ): Histogram<L>
  /** Duration of REST requests, in seconds, by the route's pattern. */
  http: Histogram<'method' | 'route' | 'status'>
  contentType: string
  /** The text that Prometheus scrapes. */
  expose(): Promise<string>
}

interface GaugeOptions<L extends string> {
  labels?: readonly L[]
  read?: () => number
}

/** A registry of its own, so that several servers in one process don't share counts. */
export function createMetrics({ process: ofProcess = true } = {}): Metrics {
  const registry = new Registry()
  // The event loop's lag is looked at by a timer: each 10 ms, as it is by default, takes an idle server 0.7 % of a core.
  if (ofProcess) collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 50 })
  const registers = [registry]
  const named = (name: string) => `phantom_${name}`
  const histogram: Metrics['histogram'] = (name, help, labels = [], buckets = durations) =>
    new Histogram({ name: named(name), help, labelNames: labels, buckets, registers })
  return {
    counter: (name, help, labels = []) => new Counter({ name: named(name), help, labelNames: labels, registers }),
    gauge: (name, help, { labels = [], read } = {}) =>
      new Gauge({
        name: named(name),
        help,
        labelNames: labels,
        registers,
        ...(read && {
          collect(this: Gauge<any>) {
            this.set(read())
          },
        }),
      }),
    histogram,
    http: histogram('http_request_duration_seconds', 'Duration of REST requests', ['method', 'route', 'status']),
    contentType: registry.contentType,
    expose: () => registry.metrics(),
  }
}
