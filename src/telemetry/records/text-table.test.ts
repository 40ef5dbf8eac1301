import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { TracedClient } from '../../base/traced-client.ts';
import { createRing, MIN_RING_BYTES } from '../ring/ring-memory.ts';
import { RingReader } from '../ring/ring-reader.ts';
import { RingWriter } from '../ring/ring-writer.ts';
import { MAX_STRING_LENGTH } from '../span-limits.ts';
import { ClientTable } from './client-table.ts';
import { RecordSource } from './expand/record-source.ts';
import { OVERWRITTEN } from './record-kinds.ts';
import { TextTable } from './text-table.ts';

const RING_WORDS = MIN_RING_BYTES / 8;

function setUp(firstChunk = 0) {
  const ring = createRing(MIN_RING_BYTES);
  const writer = new RingWriter(ring, firstChunk);
  const texts = new TextTable(writer);
  const reader = new RingReader(ring, firstChunk);
  const source = new RecordSource(reader);
  return {
    writer,
    reader,
    texts,
    clients: new ClientTable(writer, texts),
    string: (reference: number) => {
      writer.announce();
      return source.string(reference >>> 0);
    },
    client: (reference: number) => {
      writer.announce();
      return source.client(reference >>> 0);
    },
  };
}

/** Writes so many words of other records. */
function fill(writer: RingWriter, words: number): void {
  for (let written = 0; written < words; written += 64) {
    writer.reserve(99, Math.min(64, words - written));
    writer.complete(0);
  }
}

const ada = (): TracedClient => ({
  clientId: 'ada',
  sessionNumber: 2 ** 40 + 7,
  remoteAddress: '2001:db8::1',
  remotePort: 50_123,
  userName: 'lovelace',
  authMethod: 'password',
  tracePosition: 0,
});

describe('texts in the ring', () => {
  it('are found by their reference, whatever they are', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme', maxLength: 300 })),
        fc.constantFrom(0, 2 ** 18 - 1, 2 ** 19 - 1),
        (all, firstChunk) => {
          const { texts, string } = setUp(firstChunk);
          const references = all.map((text, index) => (index % 2 === 0 ? texts.of(text) : texts.once(text)));
          assert.deepEqual(
            references.map(string),
            all.map((text) => text.toWellFormed()),
          );
        },
      ),
    );
  });

  it('lie there once as long as they are recent', () => {
    const { texts, writer } = setUp();
    const slot = { tracePosition: 0 };
    const first = [texts.of('a'), texts.ofBytes(slot, Buffer.from('b')), texts.ofText({ tracePosition: 0 }, 'a')];
    assert.equal(first[0], first[2]);
    fill(writer, RING_WORDS / 8);
    const { position } = writer;
    assert.deepEqual([texts.of('a'), texts.ofBytes(slot, Buffer.from('b'))], first.slice(0, 2));
    assert.equal(writer.position, position);
  });

  it('are written again when they are old, so that what refers to them is overwritten first', () => {
    const { texts, writer, string } = setUp();
    const slot = { tracePosition: 0 };
    const first = [texts.of('a'), texts.ofBytes(slot, Buffer.from('b'))];
    fill(writer, RING_WORDS / 4);
    const again = [texts.of('a'), texts.ofBytes(slot, Buffer.from('b'))];
    assert.ok(again.every((reference, index) => reference !== first[index]));
    assert.deepEqual(again.map(string), ['a', 'b']);
  });

  it('say so when they have been overwritten', () => {
    const { texts, writer, string } = setUp();
    const reference = texts.of('gone');
    fill(writer, RING_WORDS);
    assert.equal(string(reference), '(overwritten)');
    assert.equal(string(OVERWRITTEN), '(overwritten)');
    assert.equal(string(0), '');
  });

  it('are kept by who asked for them in time', () => {
    const { texts, writer, string } = setUp();
    const reference = texts.of('asked for');
    assert.equal(string(reference), 'asked for');
    fill(writer, RING_WORDS);
    assert.equal(string(reference), 'asked for');
  });

  it('are forgotten before another text can have the same reference', () => {
    const { texts, writer, reader, string } = setUp(2 ** 17);
    const reference = texts.of('first');
    assert.equal(string(reference), 'first');
    for (let words = 0; words < 8; words += 1) fill(writer, RING_WORDS);
    // As if 2^31 words had been read since.
    Object.defineProperty(reader, 'position', { get: () => writer.position + 2 ** 31 });
    assert.equal(string(reference), '(overwritten)');
  });

  it('are cut off at the limit of a span’s strings, never within a character', () => {
    const { texts, string } = setUp();
    for (const character of ['x', 'é', '€', '😀']) {
      const units = character.length;
      const text = `y${character.repeat(Math.ceil(65_535 / Buffer.byteLength(character)))}`;
      const whole = 1 + units * Math.floor((MAX_STRING_LENGTH - 1) / units);
      const shown = string(texts.ofBytes({ tracePosition: 0 }, Buffer.from(text)));
      assert.equal(shown, text.slice(0, whole));
      assert.ok(shown.isWellFormed());
      assert.equal(string(texts.of(text)).slice(0, whole), text.slice(0, whole));
    }
  });

  it('are remembered only so far: many and long ones do not pile up', () => {
    const { texts, string } = setUp();
    for (let index = 0; index < 20_000; index += 1) assert.equal(string(texts.of(`text ${index}`)), `text ${index}`);
    assert.equal(string(texts.of('text 1')), 'text 1');
  });
});

describe('clients in the ring', () => {
  it('are found with everything that is known of them', () => {
    const { clients, client } = setUp();
    const { clientId, address, user, authMethod, sessionId, port } = client(clients.of(ada()));
    const text = ({ bytes, start, end }: { bytes: Uint8Array; start: number; end: number }) =>
      Buffer.from(bytes.subarray(start, end)).toString();
    assert.deepEqual([clientId, address, user, authMethod, sessionId].map(text), [
      'ada',
      '2001:db8::1',
      'lovelace',
      'password',
      String(2 ** 40 + 7),
    ]);
    assert.equal(port, 50_123);
    const absent = client(clients.absent('bob', 3));
    assert.deepEqual([absent.clientId, absent.address, absent.user, absent.sessionId].map(text), ['bob', '', '', '3']);
  });

  it('have their texts as long as anything recent refers to them: for half a round after the last use', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: RING_WORDS / 4 }), { minLength: 1, maxLength: 12 }), (pauses) => {
        const { clients, client, writer } = setUp();
        const someone = ada();
        // Others with the same address, user and method keep those texts in use, and let them become old.
        let reference = 0;
        for (const pause of pauses) {
          clients.of({ ...ada(), clientId: 'bob' });
          fill(writer, pause);
          reference = clients.of(someone);
        }
        fill(writer, RING_WORDS / 2 - 8192);
        const { clientId, user, address } = client(reference);
        for (const { bytes } of [clientId, user, address])
          assert.notEqual(Buffer.from(bytes).toString(), '(overwritten)');
      }),
    );
  });

  it('are called overwritten when they are', () => {
    const { clients, client, writer } = setUp();
    const reference = clients.of(ada());
    fill(writer, RING_WORDS);
    const { bytes } = client(reference).clientId;
    assert.equal(Buffer.from(bytes).toString(), '(overwritten)');
  });
});
