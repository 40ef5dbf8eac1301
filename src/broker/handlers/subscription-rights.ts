import type { Clock } from '../../base/clock.ts';
import { LOG_EVENTS, METRICS } from '../../telemetry/catalogue.ts';
import type { Log } from '../../telemetry/log.ts';
import { counterId, type Metrics } from '../../telemetry/metrics.ts';
import { NO_SPAN } from '../../telemetry/recorder.ts';
import type { AccessControl, Client } from '../auth/access-control.ts';
import type { Connection } from '../connection/connection.ts';
import type { ShardProgress } from '../delivery/progress.ts';
import type { Router } from '../router/router.ts';
import type { Session } from '../session/session.ts';

const WITHHELD = counterId(METRICS.subscriptionsWithheldTotal);
/** Of every second, for sessions that are left over. */
const REVIEW_MS = 20;

/**
 * Whether what a session has subscribed to is still allowed: asked when its client connects, and of those connected when
 * rules change. What is not is withheld: no message comes by it until it is allowed again, and what was published
 * meanwhile does not come at all.
 */
export class SubscriptionRights {
  readonly #router: Router<Session>;
  readonly #access: AccessControl;
  readonly #sessions: ReadonlyMap<string, Session>;
  readonly #shards: readonly ShardProgress[];
  readonly #metrics: Metrics;
  readonly #log: Log;
  readonly #clock: Clock;
  /** Those still to be asked of, since the last change of rules. */
  #left: Iterator<Session> | undefined;

  constructor(parts: {
    router: Router<Session>;
    access: AccessControl;
    sessions: ReadonlyMap<string, Session>;
    shards: readonly ShardProgress[];
    metrics: Metrics;
    log: Log;
    clock: Clock;
  }) {
    this.#router = parts.router;
    this.#access = parts.access;
    this.#sessions = parts.sessions;
    this.#shards = parts.shards;
    this.#metrics = parts.metrics;
    this.#log = parts.log;
    this.#clock = parts.clock;
  }

  /** Rules have changed. */
  rulesChanged(): void {
    this.#left = this.#sessions.values();
    this.tick();
  }

  /** Once a second: goes on where it stopped. */
  tick(): void {
    if (this.#left === undefined) return;
    const stopAt = this.#clock.now() + REVIEW_MS;
    for (let next = this.#left.next(); !next.done; next = this.#left.next()) {
      const { receiver } = next.value;
      // Only connections serve sessions.
      if (receiver !== undefined) this.review(next.value, receiver as Connection);
      if (this.#clock.now() >= stopAt) return;
    }
    this.#left = undefined;
  }

  /**
   * Asks for each subscription of the session anew, for the client that it is served to; `context` is that of its CONNECT,
   * where that is why.
   */
  review(session: Session, client: Client, context?: Uint8Array): void {
    const isAllowed = (filter: string): boolean => this.#access.decide(client, 'subscribe', filter, NO_SPAN).allowed;
    const refused = [...this.#router.subscriptionsOf(session)].filter(({ filter }) => !isAllowed(filter));
    for (const [filter, options] of session.withheld) {
      if (!isAllowed(filter)) continue;
      session.withheld.delete(filter);
      const since = this.#shards.map(({ shard, dispatchedEnd }) => [shard.number, dispatchedEnd] as const);
      this.#router.subscribe(session, filter, { ...options, since });
    }
    if (refused.length === 0) return;
    for (const { filter, qos, noLocal, retainAsPublished, identifiers, since } of refused) {
      const identifier = identifiers[0] ?? 0;
      session.withheld.set(filter, { qos, noLocal, retainAsPublished, identifier, since });
      this.#router.unsubscribe(session, filter);
    }
    session.owedRetained = session.owedRetained.filter(({ subscription }) => !refused.includes(subscription));
    this.#metrics.add(WITHHELD, refused.length);
    const fields = { clientId: session.clientId, count: refused.length };
    this.#log.write(LOG_EVENTS.subscriptionsWithheld, fields, context);
  }
}
