import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cheapLine } from '../../src/broker/auth/testing/cheap-hash.ts';
import { signWithSecret } from '../../src/broker/auth/testing/jwt-signer.ts';
import { ReasonCode } from '../../src/mqtt/reason-code.ts';
import { TestAuthority } from '../support/certificates.ts';
import { RawClient } from '../support/raw-client.ts';
import { type Settings, TestDirectory } from '../support/test-settings.ts';
import { type ConnectingOptions, connectOver } from '../support/transports.ts';
import { TracedBroker } from './traces/support/traced-broker.ts';

const SECRET = 'a secret that is long enough to be one';
const { success, badUserNameOrPassword: wrong } = ReasonCode;

const both = (files: TestDirectory): Settings => ({
  'authentication.password_file': files.write('passwords', cheapLine('alice', 'alice')),
  'authentication.jwt.secret_file': files.write('secret', SECRET),
  'authentication.failure_delay_ms': 0,
});

/** What the CONNACK says. */
async function signIn(port: number, clientId: string, userName: string, password: string): Promise<ReasonCode> {
  await using client = await RawClient.open(port);
  client.sendConnect({ clientId, userName, password: Buffer.from(password) });
  return (await client.expect('connack')).reasonCode;
}

describe('a chain of authenticators', () => {
  test('goes from one to the next, and shows in the trace who was asked, who decided and how long each took', async () => {
    await using files = await TestDirectory.create();
    await using traced = await TracedBroker.start({ settings: both(files) });
    const token = await signWithSecret(SECRET, { sub: 'bob' });
    const forged = await signWithSecret(SECRET.toUpperCase(), { sub: 'bob' });
    for (const [clientId, user, password, reason, method, verdicts] of [
      ['token', 'alice', token, success, 'jwt', ['jwt allowed']],
      ['forged', 'alice', forged, wrong, 'jwt', ['jwt refused']],
      ['password', 'alice', 'alice', success, 'password', ['jwt ignored', 'password allowed']],
      ['guess', 'alice', 'guess', wrong, 'password', ['jwt ignored', 'password refused']],
      ['unknown', 'mallory', 'alice', wrong, 'none', ['jwt ignored', 'password ignored']],
    ] as const) {
      assert.equal(await signIn(traced.port, clientId, user, password), reason, clientId);
      const connect = await traced.span('mqtt/connect', { 'mqtt.client_id': clientId });
      const spans = await traced.trace(connect.traceId, ['auth/validate', ...verdicts.map(() => 'auth/backend')]);
      const validate = spans.find(({ name }) => name === 'auth/validate')!;
      assert.equal(validate.attributes['robustmq.auth.method'], method);
      assert.deepEqual(
        validate.attributes['robustmq.auth.chain'],
        verdicts.map((verdict) => verdict.split(' ')[0]),
      );
      const backends = spans.filter(({ parentSpanId }) => parentSpanId === validate.spanId);
      assert.deepEqual(
        backends.map(
          ({ attributes }) => `${attributes['robustmq.auth.method']} ${attributes['robustmq.auth.verdict']}`,
        ),
        verdicts,
      );
    }
  });

  test('is each listener’s own', async () => {
    await using files = await TestDirectory.create();
    await using traced = await TracedBroker.start({
      settings: {
        ...both(files),
        'listeners.0.authentication': '["password"]',
        'listeners.1.name': 'devices',
        'listeners.1.port': 0,
        'listeners.1.authentication': '["jwt"]',
        'listeners.2.name': 'open',
        'listeners.2.port': 0,
        'listeners.2.authentication': '["jwt"]',
        'listeners.2.allow_anonymous': true,
      },
    });
    const token = await signWithSecret(SECRET, { sub: 'bob' });
    const answers = async (listener: string) => {
      const port = traced.broker.portOfListener(listener);
      return [await signIn(port, 'a', 'alice', 'alice'), await signIn(port, 'b', 'bob', token)];
    };
    assert.deepEqual(await answers('default'), [success, wrong]);
    assert.deepEqual(await answers('devices'), [wrong, success]);
    assert.deepEqual(
      await answers('open'),
      [wrong, success],
      'a claim is not believed even where strangers are welcome',
    );
    await using stranger = await RawClient.connect({ port: traced.broker.portOfListener('open') });
    await stranger.expectNothing();
  });
});

test('a client certificate is its bearer’s name, in rules too; without one a password serves', async () => {
  await using files = await TestDirectory.create();
  const authority = await TestAuthority.create();
  const server = await authority.issue('CN=localhost', { names: [{ type: 'ip', value: '127.0.0.1' }] });
  const meter = await authority.issue('CN=meter-7');
  await using traced = await TracedBroker.start({
    settings: {
      'authentication.password_file': files.write('passwords', cheapLine('alice', 'alice')),
      'authentication.failure_delay_ms': 0,
      'authorization.acl_file': files.write('acl', 'pattern readwrite of/%u/#\n'),
      'listeners.0.transport': 'tls',
      'listeners.0.tls.certificate_file': files.write('server.crt', server.certificate),
      'listeners.0.tls.key_file': files.write('server.key', server.key),
      'listeners.0.tls.client_certificates': 'optional',
      'listeners.0.tls.client_ca_file': files.write('ca.crt', authority.certificate),
    },
  });
  const open = async (identity: ConnectingOptions = {}): Promise<RawClient> =>
    RawClient.over(await connectOver('tls', traced.port, { ca: authority.certificate, ...identity }));
  const certified = { cert: meter.certificate, key: meter.key };

  await using device = await (await open(certified)).handshake({ clientId: 'device', userName: 'alice' });
  assert.equal(await device.publish('of/meter-7/x', 'x', { qos: 1 }), ReasonCode.noMatchingSubscribers);
  assert.equal(await device.publish('of/alice/x', 'x', { qos: 1 }), ReasonCode.notAuthorized);
  await using person = await open();
  await person.handshake({ clientId: 'person', userName: 'alice', password: Buffer.from('alice') });
  assert.equal(await person.publish('of/alice/x', 'x', { qos: 1 }), ReasonCode.noMatchingSubscribers);
  await using nobody = await open();
  nobody.sendConnect({ clientId: 'nobody' });
  assert.equal((await nobody.expect('connack')).reasonCode, ReasonCode.notAuthorized);
  await traced.span('auth/validate', { 'robustmq.auth.method': 'certificate', 'robustmq.auth.cached': false });
  await traced.span('auth/validate', { 'robustmq.auth.method': 'password', 'robustmq.auth.cached': false });
});
