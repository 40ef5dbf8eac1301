import type { Clock } from '../../base/clock.ts';
import { fail, succeed } from '../../base/outcome.ts';
import type { Journal } from '../../journal/journal.ts';
import { NO_EXPIRY, RecordBatch, RecordKind } from '../../journal/record-batch.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { recordStage, STAGES } from '../../telemetry/stage.ts';
import { CLOSE_REASONS } from '../connection/close-reason.ts';
import type { Turn, TurnTask } from '../connection/turn.ts';
import type { Receiver } from '../session/receiver.ts';
import type { Session } from '../session/session.ts';
import { SessionEventWriter } from '../session/session-event.ts';

const NOTHING = new Uint8Array(0);
/** Events waiting beyond this make the broker stop reading from its clients until the log has caught up. */
const SATURATED_BYTES = 4 * 1024 * 1024;

/** What may happen only when the events noted before it are durable. */
interface Held {
  /** Bytes that may leave. */
  readonly packet: { readonly receiver: Receiver; readonly bytes: Uint8Array } | undefined;
  readonly onSettled: HeldOutcome | undefined;
}

/** Told when the bytes have left, or why they will not. */
export type HeldOutcome = (failure?: { readonly cause: unknown }) => void;

/**
 * What persistent sessions, and members of shared groups that outlive the broker, sent, received and confirmed since the
 * last checkpoint, in a shard of its own: the events of a turn are one record. QoS 1 events need not be waited for (losing
 * them means a repeat, which QoS 1 allows); what QoS 2 promises is sent only after its event is durable (`afterCommit`),
 * so that it holds across a kill of the broker.
 */
export class SessionLog implements TurnTask {
  readonly #journal: Journal;
  readonly #shard: string;
  readonly #turn: Turn;
  readonly #metrics: Metrics;
  readonly #clock: Clock;
  readonly #onFailure: (cause: unknown) => void;
  readonly #onSettled: () => void;
  #events = new SessionEventWriter();
  #spareEvents = new SessionEventWriter();
  #held: Held[] = [];
  readonly #batch = new RecordBatch();
  #queued = false;
  #underWay: Promise<void> | undefined;
  #end: number;

  constructor(parts: {
    journal: Journal;
    shard: string;
    /** Committed end of the shard at start. */
    end: number;
    turn: Turn;
    metrics: Metrics;
    clock: Clock;
    onFailure: (cause: unknown) => void;
    /** There is room for more again. */
    onSettled: () => void;
  }) {
    this.#journal = parts.journal;
    this.#shard = parts.shard;
    this.#end = parts.end;
    this.#turn = parts.turn;
    this.#metrics = parts.metrics;
    this.#clock = parts.clock;
    this.#onFailure = parts.onFailure;
    this.#onSettled = parts.onSettled;
  }

  /** Everything below is durable and known to the sessions in memory. */
  get committedEnd(): number {
    return this.#end;
  }

  /** Of events that wait for the append before theirs. */
  get queueBytes(): number {
    return this.#events.length;
  }

  get saturated(): boolean {
    return this.#events.length > SATURATED_BYTES;
  }

  sent(session: Session, packetId: number, qos: number, shard: number, offset: number, group: number): void {
    this.#schedule();
    this.#events.sent(session.number, packetId, qos, shard, offset, group);
  }

  /** The delivery is over: PUBACK, PUBCOMP, or a PUBREC that refused it. */
  acknowledged(session: Session, packetId: number): void {
    this.#schedule();
    this.#events.acknowledged(session.number, packetId);
  }

  /** PUBREC came: only the PUBREL is owed from now on. */
  received(session: Session, packetId: number): void {
    this.#schedule();
    this.#events.received(session.number, packetId);
  }

  /** The publisher released its packet identifier: a PUBLISH with it is a new message from now on. */
  released(session: Session, packetId: number, shard: number, offset: number): void {
    this.#schedule();
    this.#events.released(session.number, packetId, shard, offset);
  }

  /** Sends the bytes (copied) once everything noted up to now is durable. */
  afterCommit(receiver: Receiver, bytes: Uint8Array, onSettled?: HeldOutcome): void {
    if (this.#events.length === 0 && this.#underWay === undefined) {
      send(receiver, bytes);
      onSettled?.();
      return;
    }
    this.#schedule();
    this.#held.push({ packet: { receiver, bytes: Uint8Array.prototype.slice.call(bytes) }, onSettled });
  }

  /** Settles when everything noted up to now is durable; fails when it is not, and is then tried again later. */
  durable(): Promise<void> {
    if (this.#events.length === 0 && this.#underWay === undefined) return Promise.resolve();
    this.#schedule();
    return new Promise((resolve, reject) => {
      const onSettled: HeldOutcome = (failure) => (failure === undefined ? resolve() : reject(failure.cause));
      this.#held.push({ packet: undefined, onSettled });
    });
  }

  endTurn(): void {
    this.#queued = false;
    if (this.#underWay === undefined && this.#events.length > 0) this.#underWay = this.#commit();
  }

  /** Resolves when nothing is waiting any more. */
  async idle(): Promise<void> {
    if (this.#underWay === undefined) this.endTurn();
    while (this.#underWay !== undefined) await this.#underWay;
  }

  #schedule(): void {
    if (this.#queued) return;
    this.#queued = true;
    this.#turn.add(this);
  }

  async #commit(): Promise<void> {
    const events = this.#events;
    const held = this.#held;
    this.#events = this.#spareEvents;
    this.#held = [];
    const batch = this.#batch;
    const startedAt = this.#clock.now();
    const fields = {
      kind: RecordKind.session,
      qos: 0,
      retain: false,
      packetId: 0,
      timestamp: startedAt,
      expirySeconds: NO_EXPIRY,
    };
    const { bytes, length } = events;
    batch.add(fields, NOTHING, NOTHING, NOTHING, 0, 0, bytes, 0, length, undefined, 0);
    const appended = await this.#journal.append(this.#shard, batch).then(succeed, fail);
    batch.reset();
    recordStage(this.#metrics, STAGES.sessionLog, this.#clock.now() - startedAt);
    if (appended.type === 'failed') this.#failed(events, held, appended.cause);
    else {
      this.#end = appended.value.baseOffset + 1;
      this.#committed(events, held);
    }
    this.#onSettled();
  }

  #committed(events: SessionEventWriter, held: readonly Held[]): void {
    release(held);
    events.reset();
    this.#spareEvents = events;
    this.#underWay = undefined;
    if (this.#events.length > 0) this.#underWay = this.#commit();
    else release(this.#held.splice(0));
  }

  /** The events stay, in front of those that came since: a later one means nothing without them. The next turn tries again. */
  #failed(events: SessionEventWriter, held: readonly Held[], cause: unknown): void {
    events.append(this.#events);
    this.#events.reset();
    this.#spareEvents = this.#events;
    this.#events = events;
    this.#underWay = undefined;
    for (const { packet, onSettled } of held) {
      packet?.receiver.close(CLOSE_REASONS.quotaExceeded);
      onSettled?.({ cause });
    }
    // Who has come to wait meanwhile is not to wait for somebody else's event.
    if (this.#held.length > 0) this.#schedule();
    this.#onFailure(cause);
  }
}

function release(held: readonly Held[]): void {
  for (const { packet, onSettled } of held) {
    if (packet !== undefined) send(packet.receiver, packet.bytes);
    onSettled?.();
  }
}

function send(receiver: Receiver, bytes: Uint8Array): void {
  if (receiver.closed) return;
  const at = receiver.reserve(bytes.length);
  receiver.output.set(bytes, at);
}
