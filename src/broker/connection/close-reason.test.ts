import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import { METRICS } from '../../telemetry/catalogue.ts';
import { counterId } from '../../telemetry/metrics.ts';
import { CLOSE_REASONS, closeReasonFor } from './close-reason.ts';

describe('the reason to close', () => {
  it('tells the client the code that was found, whatever word the metric has for it', () => {
    for (const reasonCode of Object.values(ReasonCode)) assert.equal(closeReasonFor(reasonCode).reasonCode, reasonCode);
  });

  it('has a word of its own for what operators look for', () => {
    assert.equal(closeReasonFor(ReasonCode.malformedPacket).label, 'malformed_packet');
    assert.equal(closeReasonFor(ReasonCode.packetTooLarge).label, 'packet_too_large');
    assert.equal(closeReasonFor(ReasonCode.notAuthorized).label, 'not_authorized');
    assert.equal(closeReasonFor(ReasonCode.quotaExceeded).label, 'quota_exceeded');
    assert.equal(closeReasonFor(ReasonCode.topicAliasInvalid).label, 'protocol_error');
  });

  it('is one that the metric of closed connections knows', () => {
    for (const { label } of Object.values(CLOSE_REASONS))
      assert.doesNotThrow(() => counterId(METRICS.connectionsClosedTotal, label));
  });
});
