import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseClientFinal, parseClientFirst, serverFinal, serverFirst } from './scram-message.ts';

describe('messages of SCRAM', () => {
  it('are read to their fields, extensions that need not be understood included', () => {
    assert.deepEqual(parseClientFirst(Buffer.from('n,a=al=2Cice,n=al=2Cice,r=abc,x=1')), {
      gs2Header: 'n,a=al=2Cice,',
      authorizationIdentity: 'al,ice',
      user: 'al,ice',
      nonce: 'abc',
      bare: 'n=al=2Cice,r=abc,x=1',
    });
    assert.deepEqual(parseClientFinal(Buffer.from('c=biws,r=abc,x=1,p=AAEC')), {
      channelBinding: 'n,,',
      nonce: 'abc',
      proof: Buffer.from([0, 1, 2]),
      withoutProof: 'c=biws,r=abc,x=1',
    });
  });

  it('are refused when they are long enough to be an attack', () => {
    assert.equal(parseClientFirst(Buffer.from(`n,,n=a,r=${'x'.repeat(257)}`)), undefined);
    assert.equal(parseClientFirst(Buffer.from(`n,,n=${'x'.repeat(1025)},r=a`)), undefined);
  });

  it('are written with their binary fields in base64', () => {
    assert.equal(serverFirst('n', Buffer.from('salt'), 4096), 'r=n,s=c2FsdA==,i=4096');
    assert.equal(serverFinal(Buffer.from('ok')), 'v=b2s=');
  });
});
