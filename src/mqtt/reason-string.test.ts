import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReasonCode } from './reason-code.ts';
import { reasonStringOf, reasonStringOfFirst } from './reason-string.ts';

describe('reason strings', () => {
  it('are for refusals alone, and short enough for a small packet', () => {
    for (const code of Object.values(ReasonCode)) {
      const words = reasonStringOf(code);
      if (code < ReasonCode.unspecifiedError) assert.equal(words, undefined);
      assert.ok((words ?? '').length <= 80, words);
    }
  });

  it('of several codes name the first refusal', () => {
    const { grantedQos1, notAuthorized, quotaExceeded } = ReasonCode;
    assert.equal(reasonStringOfFirst([grantedQos1, notAuthorized, quotaExceeded]), reasonStringOf(notAuthorized));
    assert.equal(reasonStringOfFirst([grantedQos1]), undefined);
  });
});
