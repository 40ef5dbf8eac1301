import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { expiryAtConnect, expiryAtDisconnect, NEVER_EXPIRES_SECONDS, sessionEndsAt } from './expiry.ts';

describe('session expiry', () => {
  it('of 3.1.1 is 0 for a clean session and the maximum for any other', () => {
    assert.equal(expiryAtConnect(4, true, undefined, 3600), 0);
    assert.equal(expiryAtConnect(4, false, undefined, 3600), 3600);
    assert.equal(expiryAtConnect(3, false, undefined, NEVER_EXPIRES_SECONDS), NEVER_EXPIRES_SECONDS);
  });

  it('of 5.0 is what the property says, whether the start is clean or not, and 0 without it', () => {
    assert.equal(expiryAtConnect(5, true, 60, 3600), 60);
    assert.equal(expiryAtConnect(5, false, undefined, 3600), 0);
  });

  it('is never longer than the server allows', () => {
    assert.equal(expiryAtConnect(5, false, NEVER_EXPIRES_SECONDS, 3600), 3600);
    assert.deepEqual(expiryAtDisconnect(60, 7200, 3600), { type: 'accepted', seconds: 3600 });
  });

  it('may be changed by DISCONNECT, to 0 as well', () => {
    assert.deepEqual(expiryAtDisconnect(60, undefined, 3600), { type: 'accepted', seconds: 60 });
    assert.deepEqual(expiryAtDisconnect(60, 0, 3600), { type: 'accepted', seconds: 0 });
    assert.deepEqual(expiryAtDisconnect(0, 0, 3600), { type: 'accepted', seconds: 0 });
  });

  it('cannot be given by DISCONNECT to a session that had none (MQTT 5 section 3.14.2.2.2)', () => {
    assert.deepEqual(expiryAtDisconnect(0, 1, 3600), { type: 'protocol_error' });
  });

  it('counts from the end of the connection', () => {
    assert.equal(sessionEndsAt(1000, 2), 3000);
    assert.equal(sessionEndsAt(1000, NEVER_EXPIRES_SECONDS), Number.POSITIVE_INFINITY);
  });
});
