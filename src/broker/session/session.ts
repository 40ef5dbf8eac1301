import type { RecordView } from '../../journal/record-batch.ts';
import type { ProtocolVersion } from '../../mqtt/packets.ts';
import type { Subscriber, Subscription, SubscriptionOptions } from '../router/subscription.ts';
import { isOfGroup } from '../router/subscription-number.ts';
import type { InboundExactlyOnce } from './inbound-exactly-once.ts';
import type { InflightWindow } from './inflight-window.ts';
import type { Receiver } from './receiver.ts';
import type { Will } from './will.ts';

const PUBLISHER_NUMBER_BYTES = 8;

/** `positions` of a shard whose messages are pushed as they are committed. */
export const LIVE = -1;

/** Whether somebody serves the session, and since when not. */
export type Attendance =
  | { readonly type: 'connected'; readonly receiver: Receiver }
  | { readonly type: 'disconnected'; readonly at: number }
  | { readonly type: 'ended' };

/**
 * Retained messages that a new subscription is to be sent, as far as they have not been: found one by one, so that owing
 * a million of them costs no more than owing one.
 */
export interface OwedRetained {
  readonly subscription: Subscription<Session>;
  /** Yields `undefined` where the search should go on in another turn. */
  readonly topics: Iterator<string | undefined>;
  /** The topic that waits for room; undefined before the first and between two. */
  waiting: string | undefined;
}

/**
 * Of a message of which each matching subscription gets a copy, those that have had theirs, by their numbers: the session
 * had no room for the others.
 */
export interface SentCopies {
  readonly offset: number;
  readonly numbers: readonly number[];
}

const NO_COPIES: ReadonlyMap<number, SentCopies> = new Map();
const NO_NUMBERS: readonly number[] = [];

/**
 * A session is its subscriptions and how far it has got: for each shard either LIVE (messages are pushed to it from
 * memory) or the offset from which it still has to read. What it was sent and has not acknowledged stands in `window` as
 * offsets, not as messages, so that its memory is bounded whatever its client does.
 */
export class Session implements Subscriber {
  readonly clientId: string;
  /** As journal records name the publisher: its number (8 bytes), then its client identifier. */
  readonly publisherBytes: Buffer;
  /** Unique in the cluster and over restarts: `robustmq.session_id`. */
  readonly number: number;
  readonly window: InflightWindow;
  readonly inbound: InboundExactlyOnce;
  /** By shard number. */
  readonly positions: number[] = [];
  /** The positions placement knows, from which the session goes on should the broker die; by shard number. */
  readonly savedPositions: number[] = [];
  /** QoS 0 deliveries are owed from here on only, by shard number: what came before was missed while away. */
  readonly presentSince: number[] = [];
  /** Where the message at a shard's position has reached it in part; by shard number. */
  sentCopies: ReadonlyMap<number, SentCopies> = NO_COPIES;
  /** Of the listener by which its client comes. */
  readonly mountPoint: string;
  readonly mountPointBytes: number;
  attendance: Attendance = { type: 'disconnected', at: 0 };
  /** Direct access for the message path; the same as in `attendance`. */
  receiver: Receiver | undefined;
  expirySeconds: number;
  /** Verified; whose the session is. */
  userName: string | undefined;
  /** Subscriptions that its client has and may not use now, by filter: the router knows nothing of them. */
  readonly withheld = new Map<string, SubscriptionOptions>();
  will: Will | undefined;
  /** Unix milliseconds at which a delayed will is published; undefined while the client is connected. */
  willDueAt: number | undefined;
  protocolVersion: ProtocolVersion = 4;
  /** At most one for each subscription. */
  owedRetained: OwedRetained[] = [];
  /** Offsets to send again since the last connect, oldest first. */
  redeliver: number[] = [];
  /** Changed since it was last written to placement. */
  dirty = false;
  /** Belongs, or belonged, to a shared group that outlives the broker: see `isNoted`. */
  inLastingGroup = false;

  constructor(
    clientId: string,
    number: number,
    expirySeconds: number,
    window: InflightWindow,
    inbound: InboundExactlyOnce,
    mountPoint = '',
  ) {
    this.clientId = clientId;
    this.publisherBytes = Buffer.alloc(PUBLISHER_NUMBER_BYTES + Buffer.byteLength(clientId));
    this.publisherBytes.writeDoubleLE(number);
    this.publisherBytes.write(clientId, PUBLISHER_NUMBER_BYTES);
    this.number = number;
    this.expirySeconds = expirySeconds;
    this.window = window;
    this.inbound = inbound;
    this.mountPoint = mountPoint;
    this.mountPointBytes = Buffer.byteLength(mountPoint);
  }

  /** A session that outlives its connection [MQTT-3.1.2-23], and therefore a restart of the broker. */
  get persistent(): boolean {
    return this.expirySeconds > 0;
  }

  attend(receiver: Receiver): void {
    this.receiver = receiver;
    this.attendance = { type: 'connected', receiver };
  }

  leave(at: number): void {
    this.receiver = undefined;
    this.attendance = { type: 'disconnected', at };
  }

  /** It is over, and nothing of it is to be stored any more. */
  end(): void {
    this.receiver = undefined;
    this.attendance = { type: 'ended' };
  }

  /** The subscriptions that have had their copy of the message at that place. */
  copiesSent(shard: number, offset: number): readonly number[] {
    const copies = this.sentCopies.get(shard);
    return copies?.offset === offset ? copies.numbers : NO_NUMBERS;
  }

  /** Notes those that have had theirs now, where the others have to wait. */
  noteCopies(shard: number, offset: number, numbers: readonly number[]): void {
    if (numbers.length === 0) return;
    const copies = { offset, numbers: [...this.copiesSent(shard, offset), ...numbers] };
    this.sentCopies = new Map([...this.sentCopies, [shard, copies]]);
  }

  /** The lowest offset of the shard that it may still ask for, even after a crash: retention must not pass it. */
  floor(shard: number, end: number): number {
    const position = this.positions[shard] ?? LIVE;
    const unread = position === LIVE ? end : position;
    const wanted = this.persistent ? Math.min(unread, this.savedPositions[shard] ?? unread) : unread;
    const unacknowledged = this.window.lowestOffset(shard);
    return unacknowledged === -1 ? wanted : Math.min(wanted, unacknowledged);
  }
}

/**
 * Whether the session log notes what becomes of a message that came by a subscription of this number
 * (subscription-number.ts): what outlives the broker, session or group, must know it after a crash.
 */
export function isNoted(session: Session, group: number): boolean {
  return session.persistent || (isOfGroup(group) && session.inLastingGroup);
}

/** Whether a QoS 1 or 2 message can go to the session now. */
export function canTake(session: Session): boolean {
  const { receiver } = session;
  return receiver !== undefined && !receiver.saturated && session.window.hasRoom;
}

/**
 * Visits the messages in the session's window that a shared group may give to another member. A QoS 2 message that is on
 * its way goes to nobody else [MQTT-4.8.2-5].
 */
export function visitShared(session: Session, visit: (window: InflightWindow) => void): void {
  if (session.window.count === 0) return;
  session.window.inOrder((window) => {
    if (isOfGroup(window.group) && window.qos === 1) visit(window);
  });
}

/** A message's place in the log, to look it up by. */
export function placeOf(shard: number, offset: number): string {
  return `${shard}:${offset}`;
}

/** The session that published a record; 0 for the broker itself. */
export function publisherOf(record: RecordView): number {
  const { buffer, publisherStart, publisherEnd } = record;
  if (publisherEnd - publisherStart < PUBLISHER_NUMBER_BYTES) return 0;
  return Buffer.from(buffer.buffer, buffer.byteOffset + publisherStart, PUBLISHER_NUMBER_BYTES).readDoubleLE();
}
