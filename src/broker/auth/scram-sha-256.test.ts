import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ScramClient } from '../../../test/support/scram-client.ts';
import type { ExchangeStep } from './enhanced-authenticator.ts';
import { deriveScramCredential, LEAST_ITERATIONS, type ScramCredential } from './scram-credential.ts';
import { ScramSha256 } from './scram-sha-256.ts';

const SALT = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
const pencil = (await deriveScramCredential('pencil', LEAST_ITERATIONS, SALT))!;

function serverWith(entries: Iterable<readonly [string, ScramCredential]>, nonce?: () => string) {
  const records = new Map(entries);
  return { records, server: new ScramSha256({ records, version: 1 }, nonce) };
}

function challenge(step: ExchangeStep): Extract<ExchangeStep, { type: 'continue' }> {
  assert.equal(step.type, 'continue');
  return step as Extract<ExchangeStep, { type: 'continue' }>;
}

/** The whole exchange; the client checks the server's proof. */
function login(server: ScramSha256, client: ScramClient): ExchangeStep {
  const { data, next } = challenge(server.begin(client.first));
  const end = next(client.final(data));
  if (end.type === 'allowed') assert.ok(client.trusts(end.data));
  return end;
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

describe('SCRAM-SHA-256', () => {
  it('says what the example of RFC 7677 says', () => {
    const { server } = serverWith([['user', pencil]], () => '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0');
    const { data, next } = challenge(server.begin(Buffer.from('n,,n=user,r=rOprNGfwEbeRWgbNEkqO')));
    const nonce = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
    assert.equal(text(data), `r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`);
    const end = next(Buffer.from(`c=biws,r=${nonce},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`));
    assert.ok(end.type === 'allowed');
    assert.equal(end.identity, 'user');
    assert.equal(text(end.data), 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
  });

  it('lets in who knows the password, also where the client could bind to a channel, or names itself twice', () => {
    const { server } = serverWith([['a,b=c', pencil]]);
    assert.equal(login(server, new ScramClient('a,b=c', 'pencil')).type, 'allowed');
    assert.equal(login(server, new ScramClient('a,b=c', 'pencil', { header: 'y,,' })).type, 'allowed');
    assert.equal(login(server, new ScramClient('a,b=c', 'pencil', { header: 'n,a=a=2Cb=3Dc,' })).type, 'allowed');
  });

  it('compares names as SASLprep makes them', () => {
    const { server } = serverWith([['IX', pencil]]);
    const end = login(server, new ScramClient('I\u00adX', 'pencil'));
    assert.ok(end.type === 'allowed');
    assert.equal(end.identity, 'IX');
  });

  it('refuses a wrong password, saying who it was about', () => {
    const { server } = serverWith([['user', pencil]]);
    assert.deepEqual(login(server, new ScramClient('user', 'pen')), { type: 'refused', claimed: 'user' });
  });

  it('never repeats a nonce', () => {
    const { server } = serverWith([['user', pencil]]);
    const client = new ScramClient('user', 'pencil');
    assert.notEqual(text(challenge(server.begin(client.first)).data), text(challenge(server.begin(client.first)).data));
  });

  it('refuses an answer to another challenge', () => {
    const { server } = serverWith([['user', pencil]]);
    const client = new ScramClient('user', 'pencil');
    const answer = client.final(challenge(server.begin(client.first)).data);
    assert.equal(challenge(server.begin(client.first)).next(answer).type, 'refused');
  });

  it('refuses an answer that repeats another nonce, though it is proven', () => {
    const { server } = serverWith([['user', pencil]]);
    const client = new ScramClient('user', 'pencil');
    const { data, next } = challenge(server.begin(client.first));
    assert.equal(next(client.final(data, client.nonce)).type, 'refused');
  });

  it('refuses a header that changed on the way', () => {
    const { server } = serverWith([['user', pencil]]);
    const stripped = new ScramClient('user', 'pencil', { nonce: 'n' });
    const { data, next } = challenge(server.begin(Buffer.from('y,,n=user,r=n')));
    assert.equal(next(stripped.final(data)).type, 'refused');
  });

  it('refuses a user who was taken away, or given another password, meanwhile', async () => {
    const { server, records } = serverWith([['user', pencil]]);
    const client = new ScramClient('user', 'pencil');
    const { data, next } = challenge(server.begin(client.first));
    records.set('user', (await deriveScramCredential('pencil', LEAST_ITERATIONS))!);
    assert.equal(next(client.final(data)).type, 'refused');
  });

  for (const [what, message] of [
    ['a channel binding', 'p=tls-unique,,n=user,r=n'],
    ['an extension that must be understood', 'n,,m=x,n=user,r=n'],
    ['another identity', 'n,a=admin,n=user,r=n'],
    ['no name', 'n,,n=,r=n'],
    ['an escape that is none', 'n,,n=us=er,r=n'],
    ['a name that SASLprep forbids', 'n,,n=us\u0007er,r=n'],
    ['no nonce', 'n,,n=user,r='],
    ['a name without end', `n,,n=${'u'.repeat(2000)},r=n`],
    ['nothing', ''],
  ] as const)
    it(`refuses ${what}`, () => {
      const { server } = serverWith([['user', pencil]]);
      assert.equal(server.begin(Buffer.from(message)).type, 'refused');
    });

  it('refuses what is not UTF-8, and an answer that is none', () => {
    const { server } = serverWith([['user', pencil]]);
    assert.equal(
      server.begin(Buffer.from([0x6e, 0x2c, 0x2c, 0x6e, 0x3d, 0xff, 0x2c, 0x72, 0x3d, 0x61])).type,
      'refused',
    );
    const client = new ScramClient('user', 'pencil');
    for (const answer of ['', 'c=biws', 'c=biws,r=n,p=AAAA', 'e=other-error'])
      assert.equal(challenge(server.begin(client.first)).next(Buffer.from(answer)).type, 'refused');
  });
});

describe('a name that is nobody’s', () => {
  it('is challenged like a user’s: always the same salt, iterations that some user has, and no proof fits', () => {
    const { server } = serverWith([['user', { ...pencil, iterations: 5000 }]]);
    const said = (name: string): string[] => {
      const { data } = challenge(server.begin(new ScramClient(name, '').first));
      return text(data).split(',').slice(1);
    };
    assert.deepEqual(said('nobody'), said('nobody'));
    assert.notDeepEqual(said('nobody'), said('somebody'));
    assert.equal(said('nobody')[1], 'i=5000');
    assert.equal(said('nobody')[0]?.length, said('user')[0]?.length);
    assert.deepEqual(login(server, new ScramClient('nobody', 'pencil')), { type: 'refused', claimed: 'nobody' });
  });

  it('is challenged also where there are no users at all', () => {
    const { server } = serverWith([]);
    assert.equal(login(server, new ScramClient('nobody', 'pencil')).type, 'refused');
  });
});
