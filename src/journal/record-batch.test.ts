import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  BATCH_HEADER_BYTES,
  BATCH_MAGIC,
  NO_EXPIRY,
  RECORD_CONTEXT_BYTES,
  RECORD_HEADER_BYTES,
  RecordBatch,
  type RecordFields,
  RecordKind,
  RecordView,
} from './record-batch.ts';
import { addRecord, payloads } from './testing/records.ts';

const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
const context = fc.uint8Array({ minLength: RECORD_CONTEXT_BYTES, maxLength: RECORD_CONTEXT_BYTES });
const record = fc.record({
  fields: fc.record<RecordFields>({
    kind: fc.constantFrom(RecordKind.message, RecordKind.session),
    qos: fc.constantFrom(0, 1, 2),
    retain: fc.boolean(),
    packetId: fc.nat(0xffff),
    timestamp: fc.double({ noNaN: true, noDefaultInfinity: true }),
    expirySeconds: fc.oneof(fc.nat(), fc.constant(NO_EXPIRY)),
  }),
  topic: bytes(40),
  publisher: bytes(40),
  properties: bytes(60),
  payload: bytes(300),
  context: fc.option(context, { nil: undefined }),
});

/** The source ranges are given with other bytes around them. */
const padded = (content: Uint8Array) => Uint8Array.from([7, 7, 7, ...content, 7]);

const slice = (view: RecordView, start: number, end: number) => Uint8Array.from(view.buffer.subarray(start, end));

describe('a record batch', () => {
  it('holds records as they were added, whatever their fields', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 8 }), (records) => {
        const batch = new RecordBatch(64);
        for (const { fields, topic, publisher, properties, payload, context } of records) {
          batch.add(
            fields,
            topic,
            publisher,
            padded(properties),
            3,
            3 + properties.length,
            padded(payload),
            3,
            3 + payload.length,
            context === undefined ? undefined : padded(context),
            3,
          );
        }
        const sealed = batch.seal();
        const view = new RecordView();
        let position = BATCH_HEADER_BYTES;
        for (const { fields, topic, publisher, properties, payload, context } of records) {
          view.at(sealed, position);
          const { kind, qos, retain, packetId, timestamp, expirySeconds } = view;
          assert.deepEqual({ kind, qos, retain, packetId, timestamp, expirySeconds }, { ...fields });
          assert.deepEqual(slice(view, view.topicStart, view.topicEnd), topic);
          assert.deepEqual(slice(view, view.publisherStart, view.publisherEnd), publisher);
          assert.deepEqual(slice(view, view.propertiesStart, view.propertiesEnd), properties);
          assert.deepEqual(slice(view, view.payloadStart, view.payloadEnd), payload);
          const stored = slice(view, view.contextStart, view.contextStart + RECORD_CONTEXT_BYTES);
          assert.deepEqual(stored, context ?? new Uint8Array(RECORD_CONTEXT_BYTES));
          assert.equal(
            view.hasContext,
            stored.some((byte) => byte !== 0),
          );
          const words = new Uint32Array(6);
          const flags = view.readContext(words);
          assert.deepEqual(Uint8Array.from([...new Uint8Array(words.buffer), flags]), stored);
          position = view.next;
        }
        assert.equal(position, sealed.length);
      }),
    );
  });

  it('says in its header what it holds', () => {
    const batch = new RecordBatch();
    addRecord(batch, { topic: 't', payload: 'a', timestamp: 10.5 });
    addRecord(batch, { topic: 't', payload: 'b', timestamp: 12.5 });
    const header = Buffer.from(batch.seal());
    assert.equal(header.readUInt32LE(0), BATCH_MAGIC);
    assert.equal(header.readUInt32LE(4), BATCH_HEADER_BYTES + 2 * (RECORD_HEADER_BYTES + 2));
    assert.equal(header.readUInt32LE(24), 2);
    assert.equal(header.readDoubleLE(32), 10.5);
    assert.equal(header.readDoubleLE(40), 12.5);
  });

  it('is empty after a reset, and gives back a buffer that grew large', () => {
    const batch = payloads('x'.repeat(10_000));
    batch.traced.push(48);
    batch.reset(1000);
    assert.deepEqual([batch.count, batch.length, batch.traced.length], [0, BATCH_HEADER_BYTES, 0]);
    assert.equal(batch.buffer.length, 64 * 1024);
    addRecord(batch, { topic: 't', payload: 'next' });
    assert.equal(new RecordView().at(batch.seal(), BATCH_HEADER_BYTES).length, RECORD_HEADER_BYTES + 5);
  });

  it('is not sealed empty', () => {
    assert.throws(() => new RecordBatch().seal(), /at least one record/);
  });
});
