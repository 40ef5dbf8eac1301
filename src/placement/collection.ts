import { assert } from '../base/errors.ts';
import { listAll } from './listing.ts';
import type { Placement, PlacementEntry, PlacementWrite, WriteOutcome } from './placement.ts';
import type { ValueCodec } from './value-codec.ts';

/** A record with the name it is stored under and the revision a conditional write can ask for. */
export interface Stored<Value> {
  readonly name: string;
  readonly value: Value;
  readonly revision: number;
}

/** The records of one kind, each under its own key: the prefix and its name. */
export class Collection<Value> {
  readonly prefix: string;
  readonly #codec: ValueCodec<Value>;

  constructor(prefix: string, codec: ValueCodec<Value>) {
    this.prefix = prefix;
    this.#codec = codec;
  }

  key(name: string): string {
    return this.prefix + name;
  }

  nameOf(key: string): string {
    assert(key.startsWith(this.prefix), `${key} is one of ${this.prefix}`);
    return key.slice(this.prefix.length);
  }

  decode(entry: PlacementEntry): Stored<Value> {
    return {
      name: this.nameOf(entry.key),
      value: this.#codec.decode(entry),
      revision: entry.revision,
    };
  }

  /** Whether the entry's value is this one, byte for byte. */
  holds(entry: PlacementEntry, value: Value): boolean {
    return Buffer.compare(entry.value, this.#codec.encode(value)) === 0;
  }

  /** The write alone, for callers that make several at once. */
  putting(name: string, value: Value, ifRevision?: number): PlacementWrite {
    const put = { type: 'put', key: this.key(name), value: this.#codec.encode(value) } as const;
    return ifRevision === undefined ? put : { ...put, ifRevision };
  }

  deleting(name: string, ifRevision?: number): PlacementWrite {
    const del = { type: 'delete', key: this.key(name) } as const;
    return ifRevision === undefined ? del : { ...del, ifRevision };
  }

  async get(placement: Placement, name: string, context?: Uint8Array): Promise<Stored<Value> | undefined> {
    const entry = await placement.get(this.key(name), context);
    return entry && this.decode(entry);
  }

  async *list(placement: Placement): AsyncGenerator<Stored<Value>> {
    for await (const entry of listAll(placement, this.prefix)) yield this.decode(entry);
  }

  put(placement: Placement, name: string, value: Value, context?: Uint8Array): Promise<WriteOutcome> {
    return writeOne(placement, this.putting(name, value), context);
  }

  delete(placement: Placement, name: string, context?: Uint8Array): Promise<WriteOutcome> {
    return writeOne(placement, this.deleting(name), context);
  }
}

export async function writeOne(
  placement: Placement,
  write: PlacementWrite,
  context?: Uint8Array,
): Promise<WriteOutcome> {
  const [outcome] = await placement.write([write], context);
  assert(outcome !== undefined, 'a write has an outcome');
  return outcome;
}
