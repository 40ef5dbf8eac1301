import { z } from 'zod';
import { CodedError } from '../../base/errors.ts';
import type { ShardPosition, SubscriptionOptions } from '../router/subscription.ts';
import type { InboundEntry } from './inbound-exactly-once.ts';
import type { Will } from './will.ts';

export interface StoredSubscription extends SubscriptionOptions {
  /** As the client wrote it, with `$share/<group>/` where shared. */
  readonly filter: string;
  readonly qos: 0 | 1 | 2;
}

/** Of the message at a shard's position, the subscriptions that have had their copy, by their numbers. */
export interface StoredCopies {
  readonly shard: number;
  readonly offset: number;
  readonly numbers: readonly number[];
}

export interface StoredInflight {
  readonly packetId: number;
  readonly qos: 1 | 2;
  readonly state: 'sent' | 'received';
  readonly shard: number;
  readonly offset: number;
  /** By which subscription it came; see subscription-number.ts. */
  readonly group: number;
}

/** A session as placement keeps it: all that must survive the broker, as of one moment (a checkpoint). */
export interface SessionRecord {
  readonly version: 1;
  readonly clientId: string;
  /** Stands for this session, not for the client: a clean start gets another. Below 2^48, like every offset. */
  readonly number: number;
  readonly username?: string;
  /** Of the listener by which its client comes; its filters begin with it. */
  readonly mountPoint?: string;
  readonly protocolVersion: 3 | 4 | 5;
  readonly expirySeconds: number;
  readonly state: { readonly type: 'connected' } | { readonly type: 'disconnected'; readonly at: number };
  readonly subscriptions: readonly StoredSubscription[];
  /** The next offset to be considered for the session, by shard. */
  readonly positions: readonly ShardPosition[];
  /** Left out where there are none. */
  readonly copies?: readonly StoredCopies[];
  /** In the order of `InflightWindow.inOrder`. */
  readonly inflight: readonly StoredInflight[];
  readonly inbound: readonly InboundEntry[];
  readonly nextPacketId: number;
  readonly will?: Will;
  /** Unix milliseconds at which a delayed will is published. */
  readonly willDueAt?: number;
}

export type SessionRecordErrorCode = 'not_json' | 'invalid';
export class SessionRecordError extends CodedError<SessionRecordErrorCode> {
  /** The faulty key, `inflight.0.qos` for instance; empty where the record as a whole is wrong. */
  readonly key: string;

  constructor(code: SessionRecordErrorCode, key: string, message: string, cause?: unknown) {
    super(code, message, cause);
    this.key = key;
  }
}

const CONTEXT_BYTES = 25;
const uint16 = z.int().min(0).max(0xffff);
const uint32 = z.int().min(0).max(0xffff_ffff);
const uint48 = z
  .int()
  .min(0)
  .max(2 ** 48 - 1);
const packetId = uint16.min(1);
const qos = z.literal([0, 1, 2]);
const position = z.tuple([uint16, uint48]);
const bytes = z.codec(z.base64(), z.instanceof(Uint8Array), {
  decode: (text) => new Uint8Array(Buffer.from(text, 'base64')),
  encode: (data) => Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'),
});
const context = bytes.refine((data) => data.length === CONTEXT_BYTES, `is not ${CONTEXT_BYTES} bytes`);

const recordSchema = z.strictObject({
  version: z.literal(1),
  clientId: z.string(),
  number: uint48,
  username: z.string().exactOptional(),
  mountPoint: z.string().min(1).exactOptional(),
  protocolVersion: z.literal([3, 4, 5]),
  expirySeconds: uint32,
  state: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('connected') }),
    z.strictObject({ type: z.literal('disconnected'), at: z.number() }),
  ]),
  subscriptions: z.array(
    z.strictObject({
      filter: z.string().min(1),
      qos,
      noLocal: z.boolean(),
      retainAsPublished: z.boolean(),
      identifier: z.int().min(0).max(268_435_455),
      since: z.array(position),
    }),
  ),
  positions: z.array(position),
  copies: z.array(z.strictObject({ shard: uint16, offset: uint48, numbers: z.array(uint32) })).exactOptional(),
  inflight: z.array(
    z.strictObject({
      packetId,
      qos: z.literal([1, 2]),
      state: z.literal(['sent', 'received']),
      shard: uint16,
      offset: uint48,
      group: uint32,
    }),
  ),
  inbound: z.array(z.strictObject({ packetId, shard: uint16, offset: uint48 })),
  nextPacketId: packetId,
  will: z
    .strictObject({
      topic: z.string().min(1),
      payload: bytes,
      qos,
      retain: z.boolean(),
      properties: bytes,
      delaySeconds: uint32,
      expirySeconds: uint32.exactOptional(),
      context,
    })
    .exactOptional(),
  willDueAt: z.number().exactOptional(),
});

/** UTF-8 JSON, bytes in base64. A record that does not fit the schema is a bug, and is not written. */
export function encodeSessionRecord(record: SessionRecord): Uint8Array {
  return Buffer.from(JSON.stringify(check(z.safeEncode(recordSchema, record as z.output<typeof recordSchema>))));
}

export function decodeSessionRecord(encoded: Uint8Array): SessionRecord {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength).toString('utf8'));
  } catch (cause) {
    throw new SessionRecordError('not_json', '', 'a session record is not JSON', cause);
  }
  return check(recordSchema.safeParse(json));
}

function check<Output>(result: z.ZodSafeParseResult<Output>): Output {
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const key = issue.path.join('.');
  throw new SessionRecordError(
    'invalid',
    key,
    `session record, ${key || 'as a whole'}: ${issue.message}`,
    result.error,
  );
}
