/** What the server tells of its hubs. Moments are RFC 3339 text, spans are seconds. */

/** One hub as it said itself a moment ago. */
export interface HubView {
  readonly uid: string;
  readonly name: string;
  readonly since: string;
  readonly draining: boolean;
  readonly connections: number;
  readonly subscriptions: number;
  readonly channels: number;
  readonly clogged: number;
  readonly calls: number;
  readonly deliveriesPerS: number;
}

/** All hubs together at one moment. */
export interface HubSample {
  readonly at: string;
  readonly hubs: number;
  readonly connections: number;
  readonly subscriptions: number;
  readonly clogged: number;
  readonly publicationsPerS: number;
  readonly deliveriesPerS: number;
  readonly commandsPerS: number;
  readonly recoveredPerS: number;
  readonly unrecoveredPerS: number;
  readonly droppedPerS: number;
  readonly p50S: number | null;
  readonly p99S: number | null;
}

/** How many publications took up to so long; null is longer than any other. */
export interface LatencyBar {
  readonly upToS: number | null;
  readonly publications: number;
}

/** Counted since the hubs that run now have begun. */
export interface HubTotals {
  readonly connections: Readonly<Record<string, number>>;
  readonly closed: Readonly<Record<string, number>>;
  readonly commands: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly dropped: Readonly<Record<string, number>>;
  readonly refused: Readonly<Record<string, number>>;
  readonly publications: number;
  readonly deliveries: number;
  readonly recovered: number;
  readonly unrecovered: number;
  readonly signals: number;
  readonly unheard: number;
  readonly outages: number;
  readonly resyncs: number;
  readonly failedResyncs: number;
  readonly latencies: readonly LatencyBar[];
}

/** All hubs as one of them sees them. */
export interface HubsView {
  readonly at: string;
  readonly by: string;
  /** Whether the other hubs could be asked. */
  readonly complete: boolean;
  readonly everyS: number;
  readonly hubs: readonly HubView[];
  readonly totals: HubTotals;
  readonly samples: readonly HubSample[];
}
