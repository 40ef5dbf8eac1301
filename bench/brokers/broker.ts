/** A broker that the bench started and will stop. */
export interface RunningBroker {
  readonly port: number;
  readonly pid: number;
  /** Where it says over HTTP what became of its spans; undefined where it exports none. */
  readonly adminPort: number | undefined;
  /** Throws, with the end of what it printed, when it ended by itself. */
  assertRunning(): void;
  /** Ends the process and removes its files. Safe to call twice. */
  stop(): Promise<void>;
}

export interface StartOptions {
  /** Confine the broker to its core. */
  readonly pinned: boolean;
  /** Where RobustMQ sends its traces; undefined for nowhere. */
  readonly otlpEndpoint: string | undefined;
  /** Share of the traces that RobustMQ chooses at the head. */
  readonly samplingRate: number;
}

/** A kind of broker the bench knows how to run. */
export interface BrokerKind {
  readonly name: string;
  /** Whether it sends traces to a collector when it is told of one. */
  readonly exportsTraces: boolean;
  /** The version to print, or undefined when it is not installed here. */
  version(): string | undefined;
  start(options: StartOptions): Promise<RunningBroker>;
}
