import { z } from 'zod';
import type { Clock } from '../../base/clock.ts';
import type { Journal } from '../../journal/journal.ts';
import type { Placement } from '../../placement/placement.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { recordStage, STAGES } from '../../telemetry/stage.ts';
import type { ShardProgress } from '../delivery/progress.ts';
import type { GroupProgress, SharedDelivery } from '../delivery/shared-delivery.ts';
import { LIVE, type Session } from '../session/session.ts';
import type { SessionLog } from './session-log.ts';
import type { SessionStore } from './session-store.ts';

/** Sessions written in one go. */
const CHUNK = 256;
const HOLDER = 'sessions';
const SAVE_AGAIN_RECORDS = 1_000_000;

const position = z.tuple([z.int().min(0), z.number().min(0)]);
const markerSchema = z.strictObject({
  /** Replay of the session log begins here. */
  sessionLog: z.number().min(0),
  /** The search for QoS 2 messages not yet released begins here, by shard number. */
  shards: z.array(position),
  groups: z.array(
    z.strictObject({
      filter: z.string(),
      number: z.int().min(1),
      positions: z.array(position),
      returned: z.array(position),
    }),
  ),
});
export type CheckpointMarker = z.infer<typeof markerSchema>;

export function checkpointKey(brokerId: string): string {
  return `checkpoint/${brokerId}`;
}

export function decodeMarker(value: Uint8Array | undefined): CheckpointMarker {
  if (value === undefined) return { sessionLog: 0, shards: [], groups: [] };
  return markerSchema.parse(JSON.parse(Buffer.from(value).toString()));
}

/** Beside what is dispatched, how far it is known of every QoS 2 message which session it came from. */
export interface CheckpointedShard extends ShardProgress {
  readonly answeredEnd: number;
}

/**
 * Now and then, everything that has changed in persistent sessions goes to placement, so that the session log stays short
 * and retention knows what is still wanted.
 */
export class Checkpoint {
  readonly #brokerId: string;
  readonly #placement: Placement;
  readonly #journal: Journal;
  readonly #sessionShard: string;
  readonly #sessionLog: SessionLog;
  readonly #store: SessionStore;
  readonly #shared: SharedDelivery;
  readonly #sessions: ReadonlyMap<string, Session>;
  readonly #shards: readonly CheckpointedShard[];
  readonly #metrics: Metrics;
  readonly #clock: Clock;
  #underWay: Promise<void> | undefined;

  constructor(parts: {
    brokerId: string;
    placement: Placement;
    journal: Journal;
    sessionShard: string;
    sessionLog: SessionLog;
    store: SessionStore;
    shared: SharedDelivery;
    /** By client identifier. */
    sessions: ReadonlyMap<string, Session>;
    shards: readonly CheckpointedShard[];
    metrics: Metrics;
    clock: Clock;
  }) {
    this.#brokerId = parts.brokerId;
    this.#placement = parts.placement;
    this.#journal = parts.journal;
    this.#sessionShard = parts.sessionShard;
    this.#sessionLog = parts.sessionLog;
    this.#store = parts.store;
    this.#shared = parts.shared;
    this.#sessions = parts.sessions;
    this.#shards = parts.shards;
    this.#metrics = parts.metrics;
    this.#clock = parts.clock;
  }

  /** Settles when a checkpoint that began at or after this call is durable. */
  async take(): Promise<void> {
    while (this.#underWay !== undefined) await this.#underWay.catch(() => undefined);
    const startedAt = this.#clock.now();
    this.#underWay = this.#write().finally(() => {
      recordStage(this.#metrics, STAGES.checkpoint, this.#clock.now() - startedAt);
      this.#underWay = undefined;
    });
    await this.#underWay;
  }

  /** After recovery, before anything is trimmed: what it found and what its sessions still want is kept. */
  protect({ shards }: CheckpointMarker): void {
    this.#guard(shards, this.#shared.progress());
  }

  async #write(): Promise<void> {
    // Before the sessions are looked at: an event that comes again on replay does no harm, one that is missed does.
    const sessionLog = this.#sessionLog.committedEnd;
    const shards = this.#shards.map(({ shard, answeredEnd }): [number, number] => [shard.number, answeredEnd]);
    const groups = this.#shared.progress();
    const changed = [...this.#sessions.values()].filter(
      (session) => session.persistent && this.#isWorthSaving(session),
    );
    for (let start = 0; start < changed.length; start += CHUNK) {
      const chunk = changed.slice(start, start + CHUNK);
      for (let held = this.#store.held(chunk); held !== undefined; held = this.#store.held(chunk)) await held;
      // One that ended while others were written has been deleted, and is not to come back.
      await this.#store.saveAll(chunk.filter((session) => this.#lives(session)));
    }
    await this.#store.idle();
    const value = encodeMarker(sessionLog, shards, groups);
    await this.#placement.write([{ type: 'put', key: checkpointKey(this.#brokerId), value }]);
    await this.#journal.trim(this.#sessionShard, sessionLog);
    this.#guard(shards, groups);
  }

  /**
   * A session that only listens and is sent nothing does not change, but after a crash it would read on from where it was
   * saved: so that this does not keep the whole log, it is saved again now and then.
   */
  #isWorthSaving(session: Session): boolean {
    if (session.dirty) return true;
    return this.#shards.some(
      ({ shard, dispatchedEnd }) =>
        session.positions[shard.number] === LIVE &&
        dispatchedEnd - (session.savedPositions[shard.number] ?? dispatchedEnd) > SAVE_AGAIN_RECORDS,
    );
  }

  #lives(session: Session): boolean {
    return this.#sessions.get(session.clientId) === session;
  }

  /** Retention may take what no session and no group will ask for again, and no recovery will look for. */
  #guard(recoveredFrom: readonly [number, number][], groups: readonly GroupProgress[]): void {
    const starts = new Map(recoveredFrom);
    for (const { shard, dispatchedEnd } of this.#shards) {
      let floor = starts.get(shard.number) ?? dispatchedEnd;
      for (const session of this.#sessions.values())
        floor = Math.min(floor, session.floor(shard.number, dispatchedEnd));
      for (const { positions, returned } of groups)
        for (const [number, offset] of [...positions, ...returned])
          if (number === shard.number) floor = Math.min(floor, offset);
      this.#journal.protect(shard.name, HOLDER, floor);
    }
  }
}

function encodeMarker(
  sessionLog: number,
  shards: readonly [number, number][],
  groups: readonly GroupProgress[],
): Uint8Array {
  return Buffer.from(JSON.stringify({ sessionLog, shards, groups }));
}
