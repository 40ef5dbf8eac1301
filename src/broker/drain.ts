import type { Clock } from '../base/clock.ts';
import { ReasonCode } from '../mqtt/reason-code.ts';
import { LOG_EVENTS } from '../telemetry/catalogue.ts';
import type { Log } from '../telemetry/log.ts';
import type { CloseReason } from './connection/close-reason.ts';

const STEP_MS = 100;

export interface DrainOptions {
  /** Where clients should go instead, as MQTT 5 names it: `host:port`, several separated by spaces (section 4.11). */
  readonly serverReference?: string | undefined;
  /** Clients that are sent away a second. */
  readonly ratePerSecond: number;
}

export interface ActiveDrain extends DrainOptions {
  /** Unix milliseconds. */
  readonly startedAt: number;
}

export type DrainStatus =
  | { readonly type: 'off' }
  | (ActiveDrain & { readonly type: 'draining'; readonly clientsLeft: number });

/** The clients there are, as a drain sees them. */
export interface DrainedClients {
  /** Closes at most `limit` of those that are connected; returns how many. */
  sendAway(limit: number, reason: CloseReason): number;
  readonly connectedCount: number;
}

/**
 * Empties a broker while it runs: whoever connects is told to use another server, and those who are connected are sent
 * there a few at a time, so that it is not stormed. Sessions stay, and wills are published as for any connection that the
 * server closes [MQTT-3.1.2-8]; a client that does not want that has a will delay.
 */
export class Drain {
  readonly #clients: () => DrainedClients;
  readonly #clock: Clock;
  readonly #log: Log;
  #active: ActiveDrain | undefined;
  #reason: CloseReason | undefined;
  #sentAway = 0;
  /** That nobody is connected any more is told once. */
  #isDone = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(clients: () => DrainedClients, clock: Clock, log: Log) {
    this.#clients = clients;
    this.#clock = clock;
    this.#log = log;
  }

  get active(): ActiveDrain | undefined {
    return this.#active;
  }

  get status(): DrainStatus {
    if (this.#active === undefined) return { type: 'off' };
    return { type: 'draining', ...this.#active, clientsLeft: this.#clients().connectedCount };
  }

  /** Begins, or goes on with other options. */
  start(options: DrainOptions): void {
    this.stop();
    const { serverReference, ratePerSecond } = options;
    this.#active = { ...options, startedAt: this.#clock.now() };
    this.#reason = {
      label: 'use_another_server',
      reasonCode: ReasonCode.useAnotherServer,
      ...(serverReference === undefined ? {} : { serverReference }),
    };
    this.#sentAway = 0;
    this.#isDone = false;
    this.#log.write(LOG_EVENTS.drainStarted, {
      serverReference,
      ratePerSecond,
      clients: this.#clients().connectedCount,
    });
    this.#timer = setInterval(() => this.step(this.#clock.now()), STEP_MS);
  }

  /** Takes clients again. */
  stop(): void {
    if (this.#active === undefined) return;
    this.close();
    this.#active = undefined;
    this.#log.write(LOG_EVENTS.drainStopped, { clients: this.#clients().connectedCount });
  }

  /** Sends nobody away any more; who was to come late is still refused. */
  close(): void {
    clearInterval(this.#timer);
  }

  /** Sends away as many as the rate allows by now. */
  step(now: number): void {
    if (this.#active === undefined) return;
    const { startedAt, ratePerSecond } = this.#active;
    const allowed = Math.floor(((now - startedAt) * ratePerSecond) / 1000) - this.#sentAway;
    if (allowed <= 0) return;
    const gone = this.#clients().sendAway(allowed, this.#reason!);
    this.#sentAway += allowed;
    if (gone === allowed || this.#isDone) return;
    this.#isDone = true;
    this.#log.write(LOG_EVENTS.drainDone);
  }
}
