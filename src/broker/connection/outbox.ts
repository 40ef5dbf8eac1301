import { type ChunkPool, LARGE_CHUNK_BYTES } from './chunk-pool.ts';
import type { Turn, TurnTask } from './turn.ts';

/** The part of a socket that an outbox needs. */
export interface ByteSink {
  readonly writableLength: number;
  write(bytes: Uint8Array, done?: (error?: Error | null) => void): boolean;
  cork(): void;
  uncork(): void;
}

const EMPTY = Buffer.alloc(0);

/** Bytes in and out of all connections, and the outboxes that the kernel has not emptied. */
export interface Traffic {
  received: number;
  sent: number;
  readonly blocked: Set<Outbox>;
}

/**
 * The bytes that one connection is owed. Writers reserve room, fill it in place, and everything of a turn leaves in one
 * write. When the kernel takes it all at once (`writableLength === 0` afterwards) the buffer is reused; when it does not,
 * the connection is `blocked` until the socket has drained.
 */
export class Outbox implements TurnTask {
  /** Where `reserve` put the caller's room. Valid until the next call of `reserve`. */
  buffer: Buffer = EMPTY;
  /** True while the kernel has not yet taken what was written. */
  blocked = false;
  readonly #sink: ByteSink;
  readonly #pool: ChunkPool;
  readonly #turn: Turn;
  readonly #onDrained: () => void;
  readonly #traffic: Traffic;
  #length = 0;
  #full: { readonly chunk: Buffer; readonly length: number }[] = [];
  #fullBytes = 0;
  #underWay: Buffer[] = [];
  #queued = false;
  #closed = false;

  constructor(sink: ByteSink, pool: ChunkPool, turn: Turn, traffic: Traffic, onDrained: () => void) {
    this.#sink = sink;
    this.#pool = pool;
    this.#turn = turn;
    this.#traffic = traffic;
    this.#onDrained = onDrained;
  }

  /** Bytes not yet taken by the kernel. */
  get pendingBytes(): number {
    return this.#length + this.#fullBytes + (this.blocked ? this.#sink.writableLength : 0);
  }

  /** Makes room for `size` bytes and returns where in `buffer` they go; the caller must fill them at once. */
  reserve(size: number): number {
    if (!this.#queued) {
      this.#queued = true;
      this.#turn.add(this);
    }
    const at = this.#length;
    if (at + size > this.buffer.length) return this.#reserveInNewChunk(size);
    this.#length = at + size;
    return at;
  }

  /** Appends bytes `[start, end)` of `source`. */
  push(source: Uint8Array, start: number, end: number): void {
    const at = this.reserve(end - start);
    this.buffer.set(start === 0 && end === source.length ? source : source.subarray(start, end), at);
  }

  endTurn(): void {
    this.#queued = false;
    if (this.#closed) this.#discard();
    else this.flush();
  }

  /** Hands everything to the socket now, unless it is still busy with the last write. */
  flush(): void {
    if (this.blocked || this.#closed || this.#length + this.#fullBytes === 0) return;
    const sink = this.#sink;
    const several = this.#full.length > 0;
    if (several) {
      sink.cork();
      for (const { chunk, length } of this.#full) {
        this.#underWay.push(chunk);
        sink.write(chunk.length === length ? chunk : chunk.subarray(0, length));
      }
      this.#traffic.sent += this.#fullBytes;
      this.#full = [];
      this.#fullBytes = 0;
    }
    if (this.#length > 0) {
      sink.write(this.buffer.subarray(0, this.#length));
      this.#traffic.sent += this.#length;
      this.#underWay.push(this.buffer);
    }
    if (several) sink.uncork();
    this.buffer = EMPTY;
    this.#length = 0;
    if (sink.writableLength === 0) this.#reuse();
    else this.#waitForDrain();
  }

  /** Gives the buffers back; later writes go nowhere. */
  close(): void {
    this.#closed = true;
    this.#traffic.blocked.delete(this);
    this.#discard();
    this.#underWay = [];
  }

  #discard(): void {
    this.#full = [];
    this.#fullBytes = 0;
    this.#length = 0;
    this.buffer = EMPTY;
  }

  #reserveInNewChunk(size: number): number {
    if (this.#closed) this.#length = 0;
    const length = this.#length;
    if (length + size <= LARGE_CHUNK_BYTES) {
      const chunk = this.#pool.take(length + size);
      if (length > 0) chunk.set(this.buffer.subarray(0, length));
      if (this.buffer.length > 0) this.#pool.release(this.buffer);
      this.buffer = chunk;
      this.#length = length + size;
      return length;
    }
    if (length > 0) {
      this.#full.push({ chunk: this.buffer, length });
      this.#fullBytes += length;
      this.#length = 0;
      this.buffer = EMPTY;
      // A burst goes out in pieces: the kernel may take it while the turn still runs.
      this.flush();
    }
    this.buffer = this.#pool.take(Math.max(size, LARGE_CHUNK_BYTES));
    this.#length = size;
    return 0;
  }

  #reuse(): void {
    for (const chunk of this.#underWay) this.#pool.release(chunk);
    this.#underWay.length = 0;
  }

  #waitForDrain(): void {
    this.blocked = true;
    this.#traffic.blocked.add(this);
    this.#sink.write(EMPTY, () => {
      if (this.#closed) return;
      this.blocked = false;
      this.#traffic.blocked.delete(this);
      this.#reuse();
      this.flush();
      if (!this.blocked) this.#onDrained();
    });
  }
}
