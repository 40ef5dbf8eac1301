import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { NO_EXPIRY, RecordBatch, RecordKind, RecordView } from '../../journal/record-batch.ts';
import { userPropertySize, writeUserProperty } from '../../mqtt/forwarded-properties.ts';
import { CONTEXT_BYTES, FLAGS_AT, isSampled, SAMPLED_FLAG } from '../../telemetry/trace-context.ts';
import { Topic } from '../router/topic.ts';
import { Message, NO_EXPIRY_SECONDS } from './message.ts';
import { addRecord, readRecord } from './record-message.ts';

const RECEIVED_AT = 1_700_000_000_000;

function userProperty(name: string, value: string): Buffer {
  const out = Buffer.alloc(userPropertySize(name.length, value.length));
  writeUserProperty(out, 0, Buffer.from(name), Buffer.from(value));
  return out;
}

/** The message as it comes out of a record that was made of it. */
function roundTrip(message: Message, packetId: number, now: number) {
  const batch = new RecordBatch();
  message.topic = new Topic(Buffer.from('t'), () => undefined);
  const position = addRecord(batch, message, Buffer.from('publisher'), packetId);
  const record = new RecordView().at(batch.buffer, position);
  const read = new Message();
  return { record, read, alive: readRecord(record, read, now) };
}

function messageOf(fields: Partial<Message> = {}): Message {
  return Object.assign(new Message(), { receivedAt: RECEIVED_AT, ...fields });
}

const range = (bytes: Uint8Array, start: number, end: number) => Buffer.from(bytes.subarray(start, end)).toString();

describe('a message as a journal record', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 }),
        fc.boolean(),
        fc.string(),
        fc.option(fc.integer({ min: 1, max: 0xffff_fffe }), { nil: NO_EXPIRY_SECONDS }),
        (qos, retain, text, expirySeconds) => {
          const payload = Buffer.from(`<${text}>`);
          const properties = userProperty('key', 'value');
          const message = messageOf({
            ...{ qos, retain, expirySeconds, properties, propertiesEnd: properties.length },
            ...{ payload, payloadStart: 1, payloadEnd: payload.length - 1 },
          });
          const { read, alive, record } = roundTrip(message, 7, RECEIVED_AT);
          assert.ok(alive);
          assert.equal(record.kind, RecordKind.message);
          assert.deepEqual(
            [read.qos, read.retain, read.expirySeconds, read.receivedAt],
            [qos, retain, expirySeconds, RECEIVED_AT],
          );
          assert.equal(range(read.payload, read.payloadStart, read.payloadEnd), text);
          assert.ok(properties.equals(read.properties.subarray(read.propertiesStart, read.propertiesEnd)));
        },
      ),
    );
  });

  it('bears the packet identifier at QoS 2 alone, where it makes a repeat recognisable', () => {
    assert.equal(roundTrip(messageOf({ qos: 1 }), 7, RECEIVED_AT).record.packetId, 0);
    assert.equal(roundTrip(messageOf({ qos: 2 }), 7, RECEIVED_AT).record.packetId, 7);
  });

  it('has the time it waited taken off its expiry [MQTT-3.3.2-6], in whole seconds', () => {
    const message = messageOf({ expirySeconds: 10 });
    for (const [waitedMs, left] of [
      [0, 10],
      [999, 10],
      [1000, 9],
      [9999, 1],
    ] as const) {
      const { read, alive } = roundTrip(message, 0, RECEIVED_AT + waitedMs);
      assert.deepEqual([alive, read.expirySeconds], [true, left]);
    }
  });

  it('has expired when that time is up [MQTT-3.3.2-5], and never without an expiry', () => {
    assert.equal(roundTrip(messageOf({ expirySeconds: 10 }), 0, RECEIVED_AT + 10_000).alive, false);
    const forever = roundTrip(messageOf(), 0, RECEIVED_AT + 1e15);
    assert.deepEqual([forever.alive, forever.record.expirySeconds], [true, NO_EXPIRY]);
  });

  it('keeps its trace, and whether the publisher sent one himself', () => {
    const context = new Uint8Array(CONTEXT_BYTES).fill(3);
    const properties = userProperty('traceparent', 'x');
    const traced = messageOf({ hasContext: true, context });
    const { read } = roundTrip(traced, 0, RECEIVED_AT);
    assert.deepEqual([read.hasContext, read.hasTraceparent], [true, false]);
    assert.deepEqual(read.context, context);
    const callers = messageOf({ hasContext: true, context, properties, propertiesEnd: properties.length });
    assert.ok(roundTrip(callers, 0, RECEIVED_AT).read.hasTraceparent);
  });

  it('keeps what the head decided about its trace, and has none where it had none', () => {
    assert.equal(roundTrip(messageOf(), 0, RECEIVED_AT).read.hasContext, false);
    for (const flags of [0, SAMPLED_FLAG]) {
      const context = new Uint8Array(CONTEXT_BYTES).fill(3);
      context[FLAGS_AT] = flags;
      assert.equal(
        isSampled(roundTrip(messageOf({ hasContext: true, context }), 0, RECEIVED_AT).read.context),
        flags === 1,
      );
    }
  });
});
