import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodePacket } from '../../mqtt/codec/encode-packet.ts';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import { encodeAnswer } from './answer.ts';

const PUBACK = { type: 'puback', packetId: 1, reasonCode: ReasonCode.notAuthorized, properties: {} } as const;
const client = { version: 5, maximumPacketSize: Number.POSITIVE_INFINITY, wantsReasons: true } as const;
const plain = encodePacket(PUBACK, 5);
const worded = encodePacket({ ...PUBACK, properties: { reasonString: 'why' } }, 5);

describe('an answer', () => {
  it('says why, where the client wants that and it fits to the byte', () => {
    assert.deepEqual(encodeAnswer(PUBACK, 'why', client), worded);
    assert.deepEqual(encodeAnswer(PUBACK, 'why', { ...client, maximumPacketSize: worded.length }), worded);
    assert.deepEqual(encodeAnswer(PUBACK, 'why', { ...client, maximumPacketSize: worded.length - 1 }), plain);
    assert.deepEqual(encodeAnswer(PUBACK, 'why', { ...client, wantsReasons: false }), plain);
    assert.deepEqual(encodeAnswer(PUBACK, undefined, client), plain);
  });

  it('keeps the properties it has', () => {
    const properties = { serverReference: 'elsewhere' };
    const packet = { type: 'disconnect', reasonCode: ReasonCode.useAnotherServer, properties } as const;
    const expected = encodePacket({ ...packet, properties: { ...properties, reasonString: 'why' } }, 5);
    assert.deepEqual(encodeAnswer(packet, 'why', client), expected);
  });

  it('that does not fit in any form must not be sent [MQTT-3.1.2-24]', () => {
    assert.equal(encodeAnswer(PUBACK, 'why', { ...client, maximumPacketSize: plain.length - 1 }), undefined);
  });

  it('is without words in MQTT 3.1.1', () => {
    const answer = encodeAnswer(PUBACK, 'why', { ...client, version: 4 });
    assert.deepEqual(answer, encodePacket(PUBACK, 4));
  });
});
