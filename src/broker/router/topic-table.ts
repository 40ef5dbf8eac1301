import { PackedNames } from './packed-names.ts';
import type { Subscriber } from './subscription.ts';
import { Topic } from './topic.ts';

const SMALLEST_TABLE = 256;
/** A slot is three numbers: hash, index into the topics plus one (0 is free), position of the packed name. */
const SLOT = 3;

/**
 * Finds a topic by the bytes of its name where they lie in a read buffer, without making a string. Open addressing with
 * linear probing, never more than half full. Holds at most `capacity` topics with names of `capacityBytes` together: when
 * full, the half that was not used for longest goes. A topic that went is only no longer found; who still holds it may go on using it.
 */
export class TopicTable<S extends Subscriber, State> {
  readonly capacity: number;
  readonly #capacityBytes: number;
  readonly #createState: (topic: Topic<S, State>) => State;
  readonly #names: PackedNames;
  #topics: Topic<S, State>[] = [];
  #slots = new Int32Array(SMALLEST_TABLE * SLOT);
  #mask = SMALLEST_TABLE - 1;
  #last: Topic<S, State> | undefined = undefined;
  #nameBytes = 0;
  #added = 0;
  #dropped = 0;

  /** `seed`: see PackedNames. */
  constructor(capacity: number, capacityBytes: number, createState: (topic: Topic<S, State>) => State, seed: number) {
    this.capacity = capacity;
    this.#capacityBytes = capacityBytes;
    this.#createState = createState;
    this.#names = new PackedNames(seed);
  }

  get size(): number {
    return this.#topics.length;
  }

  /** Topics dropped because the table was full. */
  get dropped(): number {
    return this.#dropped;
  }

  lookup(buffer: Uint8Array, start: number, end: number): Topic<S, State> | undefined {
    // Messages of one client tend to come in runs on one topic: then not even the hash is needed.
    const last = this.#last;
    if (last !== undefined && isEqual(last.bytes, buffer, start, end)) return last;
    return this.#find(this.#names.pack(buffer, start, end));
  }

  /** The topic of that name, added if unknown. */
  intern(buffer: Uint8Array, start: number, end: number): Topic<S, State> {
    const last = this.#last;
    if (last !== undefined && isEqual(last.bytes, buffer, start, end)) return last;
    return this.#find(this.#names.pack(buffer, start, end)) ?? this.#add(buffer, start, end);
  }

  /** Finds the name packed last. */
  #find(hash: number): Topic<S, State> | undefined {
    const slots = this.#slots;
    const mask = this.#mask;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const at = slot * SLOT;
      const entry = slots[at + 1]!;
      if (entry === 0) return undefined;
      if (slots[at] === hash && this.#names.isAt(slots[at + 2]!)) {
        const topic = this.#topics[entry - 1]!;
        topic.lastUsed = this.#added;
        this.#last = topic;
        return topic;
      }
    }
  }

  #add(buffer: Uint8Array, start: number, end: number): Topic<S, State> {
    // Not from the pool: a name must not keep eight kilobytes of other people's buffers alive.
    const bytes = Buffer.allocUnsafeSlow(end - start);
    bytes.set(buffer.subarray(start, end));
    const topic = new Topic(bytes, this.#createState);
    if (this.#topics.length >= this.capacity || this.#nameBytes + bytes.length > this.#capacityBytes)
      this.#dropUnused();
    this.#nameBytes += bytes.length;
    this.#added += 1;
    topic.lastUsed = this.#added;
    this.#last = topic;
    this.#topics.push(topic);
    if (this.#topics.length * 2 > this.#mask) this.#rebuild((this.#mask + 1) * 2);
    else this.#place(this.#names.pack(bytes, 0, bytes.length), this.#topics.length);
    return topic;
  }

  #dropUnused(): void {
    // Sorting a full table costs milliseconds, but comes only once in half a table of new names.
    const byUse = this.#topics.sort((left, right) => left.lastUsed - right.lastUsed);
    let drop = 0;
    while (drop < byUse.length / 2 || this.#nameBytes > this.#capacityBytes / 2) {
      this.#nameBytes -= byUse[drop]!.bytes.length;
      drop += 1;
    }
    this.#topics = byUse.slice(drop);
    this.#dropped += drop;
    this.#rebuild(this.#mask + 1);
  }

  #rebuild(size: number): void {
    this.#slots = new Int32Array(size * SLOT);
    this.#mask = size - 1;
    this.#names.clear();
    this.#topics.forEach(({ bytes }, index) => {
      this.#place(this.#names.pack(bytes, 0, bytes.length), index + 1);
    });
  }

  /** Stores the name packed last in a free slot. */
  #place(hash: number, entry: number): void {
    let slot = hash & this.#mask;
    while (this.#slots[slot * SLOT + 1] !== 0) slot = (slot + 1) & this.#mask;
    this.#slots[slot * SLOT] = hash;
    this.#slots[slot * SLOT + 1] = entry;
    this.#slots[slot * SLOT + 2] = this.#names.store();
  }
}

/** From the end, where names differ first: topics of one installation share their beginnings. */
function isEqual(bytes: Buffer, buffer: Uint8Array, start: number, end: number): boolean {
  let index = bytes.length;
  if (index !== end - start) return false;
  for (let at = end; index > 0; ) {
    index -= 1;
    at -= 1;
    if (bytes[index] !== buffer[at]) return false;
  }
  return true;
}
