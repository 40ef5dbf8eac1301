import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeSessionRecord, encodeSessionRecord, type SessionRecord, SessionRecordError } from './session-record.ts';

const full: SessionRecord = {
  version: 1,
  clientId: 'gerät-1',
  number: 2 ** 47,
  username: 'ada',
  mountPoint: 'hall/größe/',
  protocolVersion: 5,
  expirySeconds: 0xffff_ffff,
  state: { type: 'disconnected', at: 1_700_000_000_000.25 },
  subscriptions: [
    {
      filter: '$share/g/a/+',
      qos: 2,
      noLocal: true,
      retainAsPublished: false,
      identifier: 268_435_455,
      since: [[0, 12]],
    },
  ],
  positions: [[0, 99]],
  copies: [{ shard: 0, offset: 99, numbers: [0x8000_0000, 0xffff_fffe] }],
  inflight: [{ packetId: 65_535, qos: 2, state: 'received', shard: 1, offset: 7, group: 0xffff_ffff }],
  inbound: [{ packetId: 1, shard: 0, offset: 3 }],
  nextPacketId: 1,
  will: {
    topic: 'last/words',
    payload: Uint8Array.of(0, 255, 128),
    qos: 1,
    retain: true,
    properties: new Uint8Array(0),
    delaySeconds: 5,
    expirySeconds: 60,
    context: new Uint8Array(25).fill(7),
  },
  willDueAt: 1_700_000_005_000,
};

const { username, mountPoint, copies, will, willDueAt, ...withoutOptional } = full;
const smallest: SessionRecord = { ...withoutOptional, protocolVersion: 4, state: { type: 'connected' } };

const encodeJson = (value: unknown) => Buffer.from(JSON.stringify(value));
const changed = (change: (json: ReturnType<typeof JSON.parse>) => void) => {
  const json = JSON.parse(Buffer.from(encodeSessionRecord(full)).toString());
  change(json);
  return encodeJson(json);
};
const invalidAt = (key: string) => (error: unknown) =>
  error instanceof SessionRecordError && error.code === 'invalid' && error.key === key && error.message.includes(key);

describe('session record', () => {
  it('is read as it was written', () => {
    for (const record of [full, smallest]) assert.deepEqual(decodeSessionRecord(encodeSessionRecord(record)), record);
  });

  it('is refused with the name of the key that is wrong', () => {
    const faults: [string, (json: ReturnType<typeof JSON.parse>) => void][] = [
      ['version', (json) => Object.assign(json, { version: 2 })],
      ['clientId', (json) => delete json.clientId],
      ['number', (json) => Object.assign(json, { number: 2 ** 48 })],
      ['state.type', (json) => Object.assign(json, { state: { type: 'asleep' } })],
      ['state.at', (json) => Object.assign(json, { state: { type: 'disconnected' } })],
      ['subscriptions.0.qos', (json) => Object.assign(json.subscriptions[0], { qos: 3 })],
      ['mountPoint', (json) => Object.assign(json, { mountPoint: '' })],
      ['copies.0.numbers.0', (json) => Object.assign(json.copies[0], { numbers: [2 ** 32] })],
      ['positions.0.1', (json) => Object.assign(json, { positions: [[0, -1]] })],
      ['inflight.0.packetId', (json) => Object.assign(json.inflight[0], { packetId: 0 })],
      ['inbound.0.offset', (json) => Object.assign(json.inbound[0], { offset: 1.5 })],
      ['will.payload', (json) => Object.assign(json.will, { payload: '*' })],
      ['will.context', (json) => Object.assign(json.will, { context: 'AAAA' })],
    ];
    for (const [key, change] of faults) assert.throws(() => decodeSessionRecord(changed(change)), invalidAt(key), key);
  });

  it('is refused with a key that it should not have', () => {
    assert.throws(() => decodeSessionRecord(changed((json) => Object.assign(json, { colour: 'red' }))), /colour/);
  });

  it('is refused when it is not JSON', () => {
    const isNotJson = (error: unknown) => error instanceof SessionRecordError && error.code === 'not_json';
    assert.throws(() => decodeSessionRecord(Buffer.from('{"version":')), isNotJson);
  });

  it('is not written when it could not be read again', () => {
    assert.throws(() => encodeSessionRecord({ ...full, nextPacketId: 0 }), invalidAt('nextPacketId'));
  });
});
