import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { allowsAnonymous, authenticationOf } from './access-consistency.ts';
import { ConfigError } from './config-error.ts';
import { loadConfig } from './load-config.ts';

const load = (...set: string[]) => loadConfig({ environment: {}, flags: { set } });
const chainOf = (...set: string[]) => {
  const config = load(...set);
  return authenticationOf(config, config.listeners[0]!);
};
const refused = (message: RegExp, ...set: string[]): void =>
  assert.throws(
    () => load(...set),
    (error) => error instanceof ConfigError && message.test(error.message),
  );

const TLS = ['listeners.0.transport=tls', 'listeners.0.tls.certificate_file=crt', 'listeners.0.tls.key_file=key'];
const ASKING = ['listeners.0.tls.client_certificates=optional', 'listeners.0.tls.client_ca_file=ca'];

describe('the authenticators of a listener', () => {
  test('are all that are configured, certificates first and passwords last', () => {
    assert.deepEqual(chainOf(), []);
    assert.deepEqual(chainOf('authentication.password_file=p'), ['password']);
    const all = ['authentication.password_file=p', 'authentication.jwt.jwks_file=k', 'authentication.scram_file=s'];
    assert.deepEqual(chainOf(...all), ['scram', 'jwt', 'password']);
    assert.deepEqual(chainOf(...all, ...TLS, ...ASKING), ['certificate', 'scram', 'jwt', 'password']);
    assert.deepEqual(chainOf(...TLS, 'listeners.0.allow_anonymous=true'), []);
  });

  test('are those it names, in its order', () => {
    const set = ['authentication.password_file=p', 'authentication.jwt.secret_file=s'];
    assert.deepEqual(chainOf(...set, 'listeners.0.authentication=["password","jwt"]'), ['password', 'jwt']);
    assert.deepEqual(chainOf(...set, 'listeners.0.authentication=["jwt"]'), ['jwt']);
  });

  test('must be configured, and named once', () => {
    const named = (method: string) => `listeners.0.authentication=["${method}"]`;
    refused(/names "password", which is not configured: set authentication\.password_file/, named('password'));
    refused(/names "jwt", .* set one of secret_file/, named('jwt'));
    refused(/names "scram", .* set authentication\.scram_file/, named('scram'));
    refused(/names "certificate", .* tls\.client_certificates/, named('certificate'), 'authentication.password_file=p');
    refused(/named twice/, 'authentication.password_file=p', 'listeners.0.authentication=["password","password"]');
  });

  test('shut strangers out by themselves, of whatever kind they are', () => {
    for (const source of ['password_file=p', 'scram_file=s', 'jwt.secret_file=s', 'jwt.jwks_url=https://issuer/keys']) {
      const config = load(`authentication.${source}`, 'listeners.0.address=0.0.0.0');
      assert.equal(allowsAnonymous(config, config.listeners[0]!), false, source);
    }
    const open = load('authentication.password_file=p', 'listeners.0.allow_anonymous=true');
    assert.equal(allowsAnonymous(open, open.listeners[0]!), true);
  });
});

describe('keys of tokens', () => {
  test('have one source', () => {
    refused(/authentication\.jwt has 2 sources/, 'authentication.jwt.secret_file=s', 'authentication.jwt.jwks_file=k');
  });

  test('are there when claims are to be checked', () => {
    refused(/checks claims but has no keys/, 'authentication.jwt.issuer=us');
  });

  test('come by HTTP where they have a URL, and the message does not show it', () => {
    for (const url of ['ftp://user:secret@issuer/keys', 'https://user:secret@issuer/keys', 'keys.json'])
      refused(/^(?!.*secret).*jwks_url must be a URL/s, `authentication.jwt.jwks_url=${url}`);
  });
});

test('a refusal is told before the time for CONNECT is over', () => {
  refused(
    /failure_delay_ms = 10000: must be less than mqtt\.connect_timeout_ms \(10000\)/,
    'authentication.failure_delay_ms=10000',
  );
});
