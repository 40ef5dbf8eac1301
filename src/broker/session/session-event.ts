import { CodedError } from '../../base/errors.ts';

/*
 * What happens to sessions between their checkpoints, as payloads of records in a log; many events to a payload.
 * All integers are little-endian.
 *
 *   payload      := version:u8 event*
 *   event        := kind:u8 session:u48 body
 *   sent         := packet_id:u16 qos:u8 shard:u16 offset:u48 group:u32
 *   acknowledged := packet_id:u16
 *   received     := packet_id:u16
 *   released     := packet_id:u16 shard:u16 offset:u48
 *   ended        := nothing
 */
const VERSION = 1;
const HEADER_BYTES = 1;
const EVENT_HEADER_BYTES = 7;

const EventKind = { sent: 1, acknowledged: 2, received: 3, released: 4, ended: 5 } as const;

/** Bytes of an event with its header, by kind. */
const EVENT_BYTES: readonly (number | undefined)[] = [undefined, 22, 9, 9, 17, 7];
const LARGEST_EVENT_BYTES = 22;
const TWO_TO_32 = 0x1_0000_0000;

export type SessionEventErrorCode = 'unknown_version' | 'unknown_kind' | 'truncated' | 'invalid_value';
export class SessionEventError extends CodedError<SessionEventErrorCode> {}

/** Receives the events in the order in which they happened. Numbers of sessions and offsets are below 2^48. */
export interface SessionEventVisitor {
  /** A message of QoS 1 or 2 was given a packet identifier and sent. `group`: by what it came (subscription-number.ts). */
  sent(session: number, packetId: number, qos: number, shard: number, offset: number, group: number): void;
  /** The client is done with it: PUBACK, PUBCOMP, or a PUBREC that refuses. */
  acknowledged(session: number, packetId: number): void;
  /** The client has it (PUBREC). */
  received(session: number, packetId: number): void;
  /** The client's PUBREL ended the inbound QoS 2 message stored there: what bears this identifier later is another one. */
  released(session: number, packetId: number, shard: number, offset: number): void;
  /** The session is over: expired, or replaced by a clean start. */
  ended(session: number): void;
}

/** Packs events into a buffer of its own, which grows as needed and is used again after `reset`. */
export class SessionEventWriter implements SessionEventVisitor {
  bytes: Buffer;
  /** End of what is written; 0 when there is nothing. */
  length = 0;
  #view: DataView;

  constructor(capacityBytes = 4096) {
    this.bytes = Buffer.allocUnsafeSlow(Math.max(capacityBytes, HEADER_BYTES + LARGEST_EVENT_BYTES));
    this.#view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
  }

  sent(session: number, packetId: number, qos: number, shard: number, offset: number, group: number): void {
    const at = this.#begin(EventKind.sent, session);
    const view = this.#view;
    view.setUint16(at, packetId, true);
    view.setUint8(at + 2, qos);
    view.setUint16(at + 3, shard, true);
    setUint48(view, at + 5, offset);
    view.setUint32(at + 11, group, true);
    this.length = at + 15;
  }

  acknowledged(session: number, packetId: number): void {
    const at = this.#begin(EventKind.acknowledged, session);
    this.#view.setUint16(at, packetId, true);
    this.length = at + 2;
  }

  received(session: number, packetId: number): void {
    const at = this.#begin(EventKind.received, session);
    this.#view.setUint16(at, packetId, true);
    this.length = at + 2;
  }

  released(session: number, packetId: number, shard: number, offset: number): void {
    const at = this.#begin(EventKind.released, session);
    this.#view.setUint16(at, packetId, true);
    this.#view.setUint16(at + 2, shard, true);
    setUint48(this.#view, at + 4, offset);
    this.length = at + 10;
  }

  ended(session: number): void {
    this.length = this.#begin(EventKind.ended, session);
  }

  /** Adds what another writer holds, in its order. */
  append(later: SessionEventWriter): void {
    if (later.length === 0) return;
    if (this.length === 0) {
      this.bytes[0] = VERSION;
      this.length = HEADER_BYTES;
    }
    const end = this.length + later.length - HEADER_BYTES;
    while (end > this.bytes.length) this.#grow();
    later.bytes.copy(this.bytes, this.length, HEADER_BYTES, later.length);
    this.length = end;
  }

  /** Empties the writer for reuse. What was written must have been copied or sent. */
  reset(): void {
    this.length = 0;
  }

  /** Makes room, writes the event's header and returns where its body begins. */
  #begin(kind: number, session: number): number {
    if (this.length === 0) {
      this.bytes[0] = VERSION;
      this.length = HEADER_BYTES;
    }
    const at = this.length;
    if (at + LARGEST_EVENT_BYTES > this.bytes.length) this.#grow();
    this.#view.setUint8(at, kind);
    setUint48(this.#view, at + 1, session);
    return at + EVENT_HEADER_BYTES;
  }

  #grow(): void {
    const old = this.bytes;
    this.bytes = Buffer.allocUnsafeSlow(old.length * 2);
    this.#view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
    this.bytes.set(old.subarray(0, this.length));
  }
}

/** Reads the payload in [start, end). Throws SessionEventError, before which the events in front have been visited. */
export function readSessionEvents(bytes: Uint8Array, start: number, end: number, visitor: SessionEventVisitor): void {
  if (start >= end) throw new SessionEventError('truncated', 'a payload of session events is empty');
  if (bytes[start] !== VERSION)
    throw new SessionEventError('unknown_version', `session events are of version ${bytes[start]}, not ${VERSION}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = start + HEADER_BYTES;
  while (at < end) {
    const size = EVENT_BYTES[bytes[at]!];
    if (size === undefined)
      throw new SessionEventError('unknown_kind', `session event of kind ${bytes[at]} at byte ${at - start}`);
    if (at + size > end)
      throw new SessionEventError('truncated', `session event at byte ${at - start} is cut off at ${end - start}`);
    readEvent(view, at, visitor);
    at += size;
  }
}

/** Reads one event of known kind that is there as a whole. */
function readEvent(view: DataView, at: number, visitor: SessionEventVisitor): void {
  const kind = view.getUint8(at);
  const session = getUint48(view, at + 1);
  if (kind === EventKind.ended) {
    visitor.ended(session);
    return;
  }
  const body = at + EVENT_HEADER_BYTES;
  const packetId = view.getUint16(body, true);
  if (packetId === 0) throw new SessionEventError('invalid_value', 'session event with packet identifier 0');
  if (kind === EventKind.acknowledged) visitor.acknowledged(session, packetId);
  else if (kind === EventKind.received) visitor.received(session, packetId);
  else if (kind === EventKind.released)
    visitor.released(session, packetId, view.getUint16(body + 2, true), getUint48(view, body + 4));
  else {
    const qos = view.getUint8(body + 2);
    if (qos !== 1 && qos !== 2) throw new SessionEventError('invalid_value', `session event with QoS ${qos}`);
    const shard = view.getUint16(body + 3, true);
    visitor.sent(session, packetId, qos, shard, getUint48(view, body + 5), view.getUint32(body + 11, true));
  }
}

function setUint48(view: DataView, at: number, value: number): void {
  view.setUint32(at, value, true);
  view.setUint16(at + 4, value / TWO_TO_32, true);
}

function getUint48(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint16(at + 4, true) * TWO_TO_32;
}
