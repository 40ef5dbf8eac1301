import type { Readable } from 'node:stream';
import type { Clock } from '../base/clock.ts';
import type { Config } from '../config/schema.ts';

/** What the commands have of the world around them. */
export interface CommandContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
  readonly signals: SignalSource;
  readonly clock: Clock;
  /** What is wrong with the way to a collector, variables and certificates included, is thrown. */
  readonly checkTelemetry: (config: Config) => Promise<void>;
  readonly startServer: (config: Config) => Promise<RunningServer>;
}

export interface TextOutput {
  readonly isTTY?: boolean;
  /** Of a terminal. */
  readonly columns?: number;
  write(text: string): unknown;
}

export type HandledSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/** `process`, or what a test puts in its place. */
export interface SignalSource {
  on(signal: HandledSignal, listener: () => void): unknown;
  off(signal: HandledSignal, listener: () => void): unknown;
}

/** A server as the start command sees it. */
export interface RunningServer {
  readonly addresses: readonly ServerAddress[];
  /** Takes over what can change while running: users, access rules and certificates, by this configuration. */
  reload(config: Config): Promise<void>;
  /** Takes no more clients, lets what is under way end, commits and closes. */
  stop(): Promise<void>;
}

export interface ServerAddress {
  readonly protocol: 'mqtt' | 'http';
  /** Of its URL: mqtt, mqtts, ws or wss by the transport, or http. */
  readonly scheme: string;
  /** Of the listener; `admin` for the HTTP server. */
  readonly name: string;
  readonly address: string;
  /** The real one, also where port 0 was asked for. */
  readonly port: number;
}
