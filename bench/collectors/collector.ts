/** Where RobustMQ sends its traces in a run. */
export interface Collector {
  /** What the table tells it by: its fault, or whose it is. The sink needs none. */
  readonly label: string | undefined;
  readonly endpoint: string;
  /** Before a run: from now on it has its fault. */
  misbehave(): Promise<void>;
  /** After the load: from now on it takes everything. */
  recover(): Promise<void>;
  /** Spans it took since it started; undefined where it is not ours and nobody knows. */
  receivedSpans(): Promise<number | undefined>;
}
