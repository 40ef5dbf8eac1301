/**
 * What a trace begins with: the packet of a client, the delivery of a message long after it was published, the will of a
 * client that went, or something the broker did of itself. The order is that of `TraceFacts.packet`.
 */
export const TRACE_PACKETS = [
  'connect',
  'publish',
  'delivery',
  'subscribe',
  'unsubscribe',
  'pingreq',
  'disconnect',
  'auth',
  'will',
  'other',
] as const;
export type TracePacket = (typeof TRACE_PACKETS)[number];

const PACKET_OF_SPAN: ReadonlyMap<string, TracePacket> = new Map([
  ['mqtt/connect', 'connect'],
  ['mqtt/publish', 'publish'],
  ['client/push', 'delivery'],
  ['mqtt/subscribe', 'subscribe'],
  ['mqtt/unsubscribe', 'unsubscribe'],
  ['mqtt/pingreq', 'pingreq'],
  ['mqtt/disconnect', 'disconnect'],
  ['mqtt/auth', 'auth'],
  ['will/publish', 'will'],
]);

/** What a trace begins with whose first span has this name. */
export function packetOfSpan(name: string): TracePacket {
  return PACKET_OF_SPAN.get(name) ?? 'other';
}

/**
 * What is known of the traces a record stands for, which share all of it. One object, filled anew for each record; the texts
 * are asked for only when a rule needs them.
 */
export interface TraceFacts {
  /** Index in TRACE_PACKETS. */
  packet: number;
  /** How many traces the record stands for. */
  traces: number;
  /** Chosen at the head by rate. */
  headSampled: boolean;
  /** Chosen at the head by the sampled flag of the caller. */
  forced: boolean;
  /** Something in it failed or was refused. */
  failed: boolean;
  /** A message of it was dropped or has expired; it may have failed by that alone. */
  dropped: boolean;
  /** How often the message had been sent before. */
  redeliveries: number;
  durationMs: number;
  /** Number of the interned topic; -1: none. */
  topicKey: number;
  /** Undefined where the record is all there is of its traces. */
  traceId?(): string | undefined;
  clientId(): string;
  /** Empty: none. */
  topic(): string;
  /** Empty: none. */
  user(): string;
  /** IP address, without the port. */
  address(): string;
}
