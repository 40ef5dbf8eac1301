import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PacketType } from './packet-type.ts';
import { allowedProperties, PROPERTIES } from './property.ts';
import { mayCarry, ReasonCode, reasonName, reasonOfReturnCode, reasonWord, returnCodeOfReason } from './reason-code.ts';

test('a code may be carried by the packets of table 2-6 only', () => {
  assert.ok(mayCarry(PacketType.pubrel, ReasonCode.packetIdentifierNotFound));
  assert.ok(!mayCarry(PacketType.puback, ReasonCode.packetIdentifierNotFound));
  assert.ok(mayCarry(PacketType.disconnect, ReasonCode.normalDisconnection));
  assert.ok(mayCarry(PacketType.suback, ReasonCode.grantedQos0));
  assert.ok(!mayCarry(PacketType.connack, 0x7f));
  for (const code of Object.values(ReasonCode)) {
    assert.ok(
      Object.values(PacketType).some((type) => mayCarry(type, code)),
      reasonName(code),
    );
  }
});

test('a code is one word in spans and log lines', () => {
  assert.equal(reasonWord(ReasonCode.unsupportedProtocolVersion), 'unsupported_protocol_version');
  assert.equal(reasonWord(ReasonCode.banned), 'banned');
});

test('the six return codes of 3.1.1 are reason codes and back', () => {
  for (let returnCode = 0; returnCode <= 5; returnCode++) {
    assert.equal(returnCodeOfReason(reasonOfReturnCode(returnCode)!), returnCode);
  }
  assert.equal(reasonOfReturnCode(6), undefined);
});

test('a reason that 3.1.1 lacks becomes the nearest, or none where the connection is only closed', () => {
  assert.equal(returnCodeOfReason(ReasonCode.serverBusy), 3);
  assert.equal(returnCodeOfReason(ReasonCode.banned), 5);
  assert.equal(returnCodeOfReason(ReasonCode.protocolError), undefined);
});

test('there are 27 properties, and within a carrier an identifier means one of them', () => {
  assert.equal(new Set(Object.values(PROPERTIES).map(({ id }) => id)).size, 27);
  for (const carrier of ['connect', 'connack', 'publish', 'subscribe', 'will'] as const) {
    const ids = allowedProperties(carrier).map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length, carrier);
  }
});
