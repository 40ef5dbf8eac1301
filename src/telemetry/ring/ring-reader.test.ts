import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import fc from 'fast-check';
import {
  CHUNK_HEADER_WORDS,
  CHUNK_WORDS,
  createRing,
  MAX_RECORD_WORDS,
  MIN_RING_BYTES,
  type SharedRing,
  WORD_BYTES,
} from './ring-memory.ts';
import { ownBlock, type RecordBlock, RingReader } from './ring-reader.ts';
import { RingWriter } from './ring-writer.ts';

const KIND = 7;
const CAPACITY_WORDS = MIN_RING_BYTES / WORD_BYTES;
/** Where positions and chunk numbers pass what 31 and 32 bits hold. */
const FIRST_CHUNKS = [0, 2 ** 18 - 5, 2 ** 19 - 5, 2 ** 31 - 5, 2 ** 32 - 5];

/** A record that says which it is in every word, so that a mixture of two is not taken for one. */
function write(writer: RingWriter, number: number, words: number, spans: number): number {
  const at = writer.reserve(KIND, words);
  const { position, u32 } = writer;
  u32[at * 2 + 1] = number;
  for (let half = 2; half < words * 2; half += 1) u32[at * 2 + half] = number ^ (half * 0x9e37_79b1);
  writer.complete(spans);
  return position;
}

/** The number of an intact record; throws at anything else. */
function numberOf({ u32 }: RecordBlock, at: number): number {
  const words = u32[at * 2]! >>> 16;
  const number = u32[at * 2 + 1]!;
  if ((u32[at * 2]! & 0xff) !== KIND) throw new Error(`kind ${u32[at * 2]! & 0xff}`);
  for (let half = 2; half < words * 2; half += 1)
    if (u32[at * 2 + half] !== (number ^ (half * 0x9e37_79b1)) >>> 0) throw new Error(`record ${number} is torn`);
  return number;
}

const spansOf = (number: number): number => number % 5;

function setUp(firstChunk = 0) {
  const ring = createRing(MIN_RING_BYTES);
  return { ring, writer: new RingWriter(ring, firstChunk), reader: new RingReader(ring, firstChunk) };
}

/** Reads up to `limit` records: their numbers. */
function read(reader: RingReader, limit = Number.POSITIVE_INFINITY): number[] {
  const numbers: number[] = [];
  while (numbers.length < limit) {
    const at = reader.next();
    if (at < 0) break;
    const number = numberOf(reader.block, at);
    numbers.push(number);
    reader.advance(spansOf(number));
  }
  return numbers;
}

/** A reader in a thread of its own, until it is told that nothing more comes. */
function readInThread({ ring, control }: { ring: SharedRing; control: Int32Array }): void {
  const reader = new RingReader(ring);
  const seen = { records: 0, spans: 0, overwritten: 0, copied: 0, gone: 0, isOrdered: true };
  let last = -1;
  for (;;) {
    const isLast = Atomics.load(control, 0) === 1;
    for (let at = reader.next(); at >= 0; at = reader.next()) {
      const number = numberOf(reader.block, at);
      if (number <= last) seen.isOrdered = false;
      last = number;
      const { position } = reader;
      seen.records += 1;
      seen.spans += spansOf(number);
      reader.advance(spansOf(number));
      if (number % 8 !== 0) continue;
      // What is read may lie in the ring no more: the copy is of this record, or there is none.
      if (!reader.copy(position)) seen.gone += 1;
      else if (numberOf(reader.copied, 0) !== number) throw new Error(`a copy of record ${number} is of another`);
      else seen.copied += 1;
    }
    if (isLast) break;
  }
  parentPort!.postMessage({ ...seen, overwritten: reader.overwrittenSpans });
}

if (isMainThread) {
  describe('a ring', () => {
    it('is read as it was written', () => {
      const { writer, reader } = setUp();
      assert.equal(reader.next(), -1);
      for (let number = 0; number < 5; number += 1) write(writer, number, 3, spansOf(number));
      writer.announce();
      assert.deepEqual(read(reader), [0, 1, 2, 3, 4]);
      assert.deepEqual([reader.next(), reader.lagWords, reader.overwrittenSpans], [-1, 0, 0]);
    });

    it('shows complete records when they are announced', () => {
      const { writer, reader } = setUp();
      write(writer, 1, 3, 1);
      assert.equal(reader.next(), -1);
      writer.announce();
      writer.reserve(KIND, 2);
      assert.deepEqual(read(reader), [1]);
    });

    it('has records that fill a chunk to its last word, and chunks whose end is left empty', () => {
      const { writer, reader } = setUp();
      const sizes = [MAX_RECORD_WORDS, MAX_RECORD_WORDS - 1, 1, 5, MAX_RECORD_WORDS, 1, MAX_RECORD_WORDS - 1, 2];
      for (const [number, words] of sizes.entries()) write(writer, number, words, 0);
      writer.announce();
      assert.deepEqual(read(reader), [0, 1, 2, 3, 4, 5, 6, 7]);
    });

    it('refuses a record larger than a chunk', () => {
      const { writer } = setUp();
      assert.throws(() => writer.reserve(KIND, MAX_RECORD_WORDS + 1), /fits into a chunk/);
    });

    it('is not smaller than eight chunks, nor larger than positions reach', () => {
      assert.throws(() => createRing(MIN_RING_BYTES - 1), /the ring has/);
      assert.throws(() => createRing(2 ** 33 + 1), /the ring has/);
      assert.equal(createRing(MIN_RING_BYTES + 1).data.byteLength, MIN_RING_BYTES);
    });

    it('counts the spans that were written over before they were read', () => {
      const { writer, reader } = setUp();
      for (let number = 0; number * 100 < 3 * CAPACITY_WORDS; number += 1) write(writer, number, 100, spansOf(number));
      writer.announce();
      const spans = read(reader).reduce((sum, number) => sum + spansOf(number), 0);
      assert.ok(reader.overwrittenSpans > 0);
      assert.equal(spans + reader.overwrittenSpans, writer.spans);
    });

    it('is read by any reader, however late, without a word that was not written so, and all is accounted for', () => {
      const words = fc.oneof(fc.integer({ min: 1, max: 24 }), fc.integer({ min: 1, max: MAX_RECORD_WORDS }));
      const step = fc.oneof(
        fc.record({ type: fc.constant('write' as const), sizes: fc.array(words, { maxLength: 40 }) }),
        fc.record({ type: fc.constant('read' as const), records: fc.nat(60) }),
        fc.record({ type: fc.constant('copy' as const), back: fc.nat(80) }),
        fc.record({ type: fc.constant('drain' as const) }),
      );
      fc.assert(
        fc.property(fc.constantFrom(...FIRST_CHUNKS), fc.array(step, { maxLength: 40 }), (firstChunk, steps) => {
          const { writer, reader } = setUp(firstChunk);
          const written: { position: number; spans: number }[] = [];
          let next = 0;
          let spansRead = 0;
          const take = (limit?: number): void => {
            for (const number of read(reader, limit)) {
              assert.ok(number >= next, 'in order');
              next = number + 1;
              spansRead += spansOf(number);
            }
          };
          for (const action of [...steps, { type: 'drain' } as const]) {
            if (action.type === 'write') {
              for (const size of action.sizes) {
                const position = write(writer, written.length, size, spansOf(written.length));
                written.push({ position, spans: spansOf(written.length) });
              }
              writer.announce();
            } else if (action.type === 'read') take(action.records);
            else if (action.type === 'drain') {
              take();
              assert.equal(next, written.length);
              assert.equal(spansRead + reader.overwrittenSpans, writer.spans);
              assert.equal(reader.lagWords, 0);
            } else copyOne(writer, reader, written, action.back);
          }
        }),
        { numRuns: 60 },
      );
    });

    it('may be begun again with the oldest record that is there', () => {
      const { writer, reader } = setUp();
      for (let number = 0; number < 2000; number += 1) write(writer, number, 50, spansOf(number));
      writer.announce();
      const first = read(reader)[0]!;
      assert.equal(reader.overwrittenSpans > 0, first > 0);
      const { overwrittenSpans } = reader;
      reader.rewind();
      const again = read(reader);
      assert.ok(again[0]! <= first && again.at(-1) === 1999);
      assert.equal(reader.overwrittenSpans, overwrittenSpans);
    });

    it('tells by the low 32 bits where a record lies, as long as it is the newest that can have them', () => {
      for (const firstChunk of FIRST_CHUNKS) {
        const { writer, reader } = setUp(firstChunk);
        for (let number = 0; number < 1200; number += 1) {
          const position = write(writer, number, 60, 0);
          writer.announce();
          assert.equal(reader.positionOf(position | 0), position);
          assert.equal(reader.positionOf(position >>> 0), position);
        }
      }
    });

    it('gives no copy of what is not announced, of a place between records, or of a chunk that is being written', () => {
      const { writer, reader } = setUp();
      const first = write(writer, 1, 10, 0);
      writer.announce();
      const second = write(writer, 2, 10, 0);
      assert.deepEqual([reader.copy(first), reader.copy(second)], [true, false]);
      // References of 0 and 1 stand for none, and for one that is overwritten.
      assert.deepEqual(
        [0, 1, CHUNK_WORDS, CHUNK_WORDS + 1].map((position) => reader.copy(position)),
        Array(4).fill(false),
      );
      for (let number = 3; writer.position < CAPACITY_WORDS; number += 1) write(writer, number, 1000, 0);
      assert.equal(reader.copy(first), false);
    });

    it('keeps what is recent for three quarters of a round more', () => {
      const { writer, reader } = setUp(2 ** 19 - 9);
      const position = write(writer, 0, 10, 0);
      let number = 1;
      for (; writer.isRecent(position); number += 1) write(writer, number, 500, 0);
      for (let words = 0; words < CAPACITY_WORDS * 0.5; words += 500, number += 1) write(writer, number, 500, 0);
      writer.announce();
      assert.ok(reader.copy(position));
      assert.ok(writer.mayHold(position));
      for (; writer.mayHold(position); number += 1) write(writer, number, 500, 0);
      writer.announce();
      assert.ok(!reader.copy(position));
    });
  });

  describe('a ring between two threads', () => {
    it('is read whole and in order while it is written over as fast as can be, and all spans are accounted for', async () => {
      const ring = createRing(MIN_RING_BYTES);
      const writer = new RingWriter(ring);
      const control = new Int32Array(new SharedArrayBuffer(4));
      const worker = new Worker(new URL(import.meta.url), { workerData: { ring, control } });
      const seen = new Promise<Record<string, number | boolean>>((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      });
      await new Promise((resolve) => worker.once('online', resolve));
      const end = performance.now() + 500;
      let number = 0;
      while (performance.now() < end) {
        for (let index = 0; index < 500; index += 1, number += 1)
          write(writer, number, 1 + ((number * 7) % 61), spansOf(number));
        writer.announce();
      }
      Atomics.store(control, 0, 1);
      const { records, spans, overwritten, isOrdered, copied } = await seen;
      assert.ok(isOrdered);
      assert.ok(Number(records) > 0 && Number(copied) > 0 && Number(overwritten) > 0);
      assert.equal(Number(spans) + Number(overwritten), writer.spans);
      await worker.terminate();
    });
  });
} else readInThread(workerData);

/** A copy is of the record that was asked for, and there is one exactly as long as its chunk is not written over. */
function copyOne(writer: RingWriter, reader: RingReader, written: readonly { position: number }[], back: number): void {
  const number = written.length - 1 - back;
  const position = written[number]?.position;
  if (position === undefined) return;
  const chunk = Math.floor((writer.position - CHUNK_HEADER_WORDS) / CHUNK_WORDS);
  const oldest = (chunk - CAPACITY_WORDS / CHUNK_WORDS + 1) * CHUNK_WORDS;
  assert.equal(reader.copy(position), position >= oldest);
  if (position >= oldest) assert.equal(numberOf(ownBlock(reader.copied), 0), number);
}
