import { assert } from '../../base/errors.ts';
import type { Receiver } from './receiver.ts';

/** `storing`: the append is under way, and a repeat is answered when it ends; `stored`: PUBREC at once. */
export type InboundState = 'unknown' | 'storing' | 'stored';

export interface InboundEntry {
  readonly packetId: number;
  readonly shard: number;
  readonly offset: number;
}

interface Entry {
  packetId: number;
  state: 'storing' | 'stored';
  shard: number;
  offset: number;
  context: Uint8Array | undefined;
  /** The later connection that repeated the message while it was being stored. */
  repeater: Receiver | undefined;
}

/** Entries kept for reuse. */
const SPARE_ENTRIES = 32;

/**
 * QoS 2 messages that came in and whose PUBREL has not: while its identifier stands here, a PUBLISH that bears it is a
 * repeat and must not be stored again [MQTT-4.3.3-10]. There are no more than packet identifiers, and MQTT 5 clients are held
 * to the receive maximum by whoever adds.
 */
export class InboundExactlyOnce {
  /** Where the message released last is stored. */
  shard = 0;
  offset = 0;
  /** The span of its PUBLISH, where that was recorded; a restart of the broker forgets it. */
  context: Uint8Array | undefined = undefined;
  /** Made with the first entry: most sessions never need it. */
  #entries: Map<number, Entry> | undefined = undefined;
  readonly #spare: Entry[] = [];

  get count(): number {
    return this.#entries?.size ?? 0;
  }

  state(packetId: number): InboundState {
    return this.#entries?.get(packetId)?.state ?? 'unknown';
  }

  /** The append of a new message begins. */
  add(packetId: number): void {
    assert(this.state(packetId) === 'unknown', 'a repeated PUBLISH is not stored again');
    this.#put(packetId, 'storing', 0, 0);
  }

  /** The message came again, by a later connection, while it is being stored: the answer is that connection's too. */
  repeated(packetId: number, by: Receiver): void {
    const entry = this.#entries?.get(packetId);
    if (entry?.state === 'storing') entry.repeater = by;
  }

  /** The append has been committed. Returns who repeated the message meanwhile and waits for the answer. */
  markStored(packetId: number, shard: number, offset: number, context?: Uint8Array): Receiver | undefined {
    const entry = this.#entries?.get(packetId);
    if (entry?.state !== 'storing') return undefined;
    const { repeater } = entry;
    entry.state = 'stored';
    entry.shard = shard;
    entry.offset = offset;
    entry.context = context;
    entry.repeater = undefined;
    return repeater;
  }

  /** The append failed: the identifier is free, and a repeat is a new attempt. Returns whoever repeated it meanwhile. */
  forget(packetId: number): Receiver | undefined {
    const entry = this.#entries?.get(packetId);
    if (entry?.state !== 'storing') return undefined;
    const { repeater } = entry;
    this.#remove(packetId);
    return repeater;
  }

  /**
   * PUBREL: `stored` means released now, with `shard` and `offset` naming the message, and
   * `context` its trace. The other states change nothing
   * (a PUBREL that overtakes its PUBREC is none that a client may send).
   */
  release(packetId: number): InboundState {
    const entry = this.#entries?.get(packetId);
    if (entry?.state !== 'stored') return entry?.state ?? 'unknown';
    this.shard = entry.shard;
    this.offset = entry.offset;
    this.context = entry.context;
    this.#remove(packetId);
    return 'stored';
  }

  restore({ packetId, shard, offset }: InboundEntry): void {
    assert(this.state(packetId) === 'unknown', 'a packet identifier is restored once');
    this.#put(packetId, 'stored', shard, offset);
  }

  /** What a checkpoint has to keep. Messages still being stored are in the log when they are committed. */
  entries(): InboundEntry[] {
    const entries: InboundEntry[] = [];
    for (const { packetId, state, shard, offset } of this.#entries?.values() ?? [])
      if (state === 'stored') entries.push({ packetId, shard, offset });
    return entries;
  }

  clear(): void {
    this.#entries = undefined;
    this.#spare.length = 0;
  }

  #put(packetId: number, state: 'storing' | 'stored', shard: number, offset: number): void {
    const entry = this.#spare.pop() ?? { packetId, state, shard, offset, context: undefined, repeater: undefined };
    entry.packetId = packetId;
    entry.state = state;
    entry.shard = shard;
    entry.offset = offset;
    entry.context = undefined;
    entry.repeater = undefined;
    this.#entries ??= new Map();
    this.#entries.set(packetId, entry);
  }

  #remove(packetId: number): void {
    const entry = this.#entries?.get(packetId);
    assert(this.#entries !== undefined && entry !== undefined, 'only what is there is removed');
    this.#entries.delete(packetId);
    if (this.#spare.length < SPARE_ENTRIES) this.#spare.push(entry);
  }
}
