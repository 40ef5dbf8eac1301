import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { before, describe, it } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { type CertificateAndKey, TestAuthority } from '../../../test/support/certificates.ts';
import { TransportServer } from '../../../test/support/transport-server.ts';
import { CLOSE_REASONS } from '../connection/close-reason.ts';
import type { TlsMaterial } from './tls-material.ts';

let authority: TestAuthority;
let server: CertificateAndKey;
let device: CertificateAndKey;
let material: TlsMaterial;
before(async () => {
  authority = await TestAuthority.create();
  server = await authority.issueForServer();
  device = await authority.issue('CN=device-1,OU=sensors,O=Example');
  material = { ...server, clientAuthorities: [authority.certificate], revocations: [] };
});

const openServer = (tls: Parameters<typeof TransportServer.open>[0]['tls'], using = material) =>
  TransportServer.open({ transport: 'tls', tls: tls ?? {} }, using);

/** A client that speaks as soon as it may, and how it failed. */
class Client implements AsyncDisposable {
  readonly socket: TLSSocket;
  readonly closed: Promise<string>;

  constructor(port: number, options: ConnectionOptions = {}) {
    let failure = '';
    this.socket = connect({ host: '127.0.0.1', port, ca: authority.certificate, ...options });
    this.socket.on('error', (error: NodeJS.ErrnoException) => {
      failure ||= `${error.code} ${error.message}`;
    });
    this.socket.resume().write('!');
    this.closed = new Promise((resolve) => this.socket.once('close', () => resolve(failure)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }
}

const withCertificate = ({ certificate, key }: CertificateAndKey): ConnectionOptions => ({ cert: certificate, key });

describe('versions of TLS', () => {
  for (const [minimumVersion, spoken, refused] of [
    ['1.2', ['TLSv1.2', 'TLSv1.3'], ['TLSv1.1']],
    ['1.3', ['TLSv1.3'], ['TLSv1.1', 'TLSv1.2']],
  ] as const) {
    for (const version of spoken)
      it(`from ${minimumVersion} on: ${version} is spoken`, async () => {
        await using listener = await openServer({ minimumVersion });
        await using client = new Client(listener.port, { minVersion: version, maxVersion: version });
        await (await listener.accepted()).bytes(1);
        assert.equal(client.socket.getProtocol(), version);
      });

    for (const version of refused)
      it(`from ${minimumVersion} on: ${version} is refused, with the alert for it`, async () => {
        await using listener = await openServer({ minimumVersion });
        // OpenSSL offers so old a version only at security level 0.
        const ciphers = 'DEFAULT@SECLEVEL=0';
        await using client = new Client(listener.port, { minVersion: version, maxVersion: version, ciphers });
        assert.equal(await listener.failure(), 'protocol_version');
        assert.match(await client.closed, /alert protocol version/);
      });
  }
});

describe('client certificates', () => {
  for (const clientCertificates of ['optional', 'required'] as const)
    for (const [identity, expected] of [
      ['common_name', 'device-1'],
      ['subject', 'O=Example,OU=sensors,CN=device-1'],
    ] as const)
      it(`${clientCertificates}: say who the client is, by ${identity}`, async () => {
        await using listener = await openServer({ clientCertificates, identity });
        await using _client = new Client(listener.port, withCertificate(device));
        const accepted = await listener.accepted();
        await accepted.bytes(1);
        assert.equal(accepted.transport.certificateIdentity, expected);
      });

  it('none: are not asked for, so that one says nothing', async () => {
    await using listener = await openServer({ clientCertificates: 'none' });
    await using _client = new Client(listener.port, withCertificate(device));
    const accepted = await listener.accepted();
    await accepted.bytes(1);
    assert.equal(accepted.transport.certificateIdentity, undefined);
  });

  it('optional: may be missing', async () => {
    await using listener = await openServer({ clientCertificates: 'optional' });
    await using _client = new Client(listener.port);
    const accepted = await listener.accepted();
    await accepted.bytes(1);
    assert.equal(accepted.transport.certificateIdentity, undefined);
  });

  it('required: may not be missing, and the client is told by the alert for it', async () => {
    await using listener = await openServer({ clientCertificates: 'required' });
    await using client = new Client(listener.port);
    assert.equal(await listener.failure(), 'no_certificate');
    assert.match(await client.closed, /alert certificate required/);
    assert.equal((await (await listener.accepted()).ended()).label, 'handshake_failed');
  });

  for (const clientCertificates of ['optional', 'required'] as const) {
    it(`${clientCertificates}: those of another authority are refused`, async () => {
      const other = await TestAuthority.create();
      await using listener = await openServer({ clientCertificates });
      await using client = new Client(listener.port, withCertificate(await other.issue('CN=device-1')));
      assert.equal(await listener.failure(), 'untrusted_certificate');
      await client.closed;
      assert.equal((await listener.accepted()).receivedBytes, 0);
    });

    it(`${clientCertificates}: those that have expired are refused`, async () => {
      await using listener = await openServer({ clientCertificates });
      const expired = await authority.issue('CN=device-1', { days: -1 });
      await using _client = new Client(listener.port, withCertificate(expired));
      assert.equal(await listener.failure(), 'untrusted_certificate');
    });

    it(`${clientCertificates}: those on the revocation list are refused, and no others`, async () => {
      const lost = await authority.issue('CN=device-2');
      const revocations = [await authority.revoke(lost)];
      await using listener = await openServer({ clientCertificates }, { ...material, revocations });
      await using _refused = new Client(listener.port, withCertificate(lost));
      assert.equal(await listener.failure(), 'revoked_certificate');
      assert.equal((await (await listener.accepted()).ended()).label, 'handshake_failed');
      await using _client = new Client(listener.port, withCertificate(device));
      await (await listener.accepted()).bytes(1);
    });
  }

  it('with two common names, or none, name nobody', async () => {
    await using listener = await openServer({ clientCertificates: 'required' });
    for (const subject of ['CN=alice,CN=admin', 'O=Example']) {
      await using _client = new Client(listener.port, withCertificate(await authority.issue(subject)));
      const accepted = await listener.accepted();
      await accepted.bytes(1);
      assert.equal(accepted.transport.certificateIdentity, undefined);
    }
  });
});

describe('new certificates', () => {
  it('are for new connections; open ones stay', async () => {
    await using listener = await openServer({});
    await using before = new Client(listener.port);
    const open = await listener.accepted();
    await open.bytes(1);
    const renewed = await authority.issueForServer('CN=renewed');
    listener.engine.replace({ ...material, ...renewed });
    await using after = new Client(listener.port);
    await (await listener.accepted()).bytes(1);
    assert.equal(after.socket.getPeerCertificate().subject.CN, 'renewed');
    assert.equal(before.socket.getPeerCertificate().subject.CN, 'localhost');
    before.socket.write('?');
    assert.equal(String(await open.bytes(2)), '!?');
  });

  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const)
    it(`are not passed by resuming a session of before: ${maxVersion}`, async () => {
      await using listener = await openServer({ clientCertificates: 'required' });
      const options = { ...withCertificate(device), maxVersion };
      await using first = new Client(listener.port, options);
      const [session] = (await once(first.socket, 'session')) as [Buffer];
      await using resumed = new Client(listener.port, { ...options, session });
      await (await listener.accepted()).bytes(1);
      await (await listener.accepted()).bytes(1);
      assert.ok(resumed.socket.isSessionReused());
      listener.engine.replace({ ...material, revocations: [await authority.revoke(device)] });
      await using _refused = new Client(listener.port, { ...options, session });
      assert.equal(await listener.failure(), 'revoked_certificate');
    });
});

describe('a handshake', () => {
  it('that is none fails', async () => {
    await using listener = await openServer({});
    for (const bytes of [
      Buffer.from([0x10, 13, 0, 4, 0x4d, 0x51, 0x54, 0x54]),
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    ]) {
      const client = connectTcp(listener.port, '127.0.0.1');
      client.on('error', () => undefined);
      client.resume().write(bytes);
      assert.equal(await listener.failure(), 'not_tls');
      client.destroy();
    }
  });

  it('that the client breaks off fails', async () => {
    await using listener = await openServer({});
    const client = connectTcp(listener.port, '127.0.0.1');
    await once(client, 'connect');
    const accepted = await listener.accepted();
    client.destroy();
    assert.equal(await listener.failure(), 'client_closed');
    assert.equal((await accepted.ended()).label, 'handshake_failed');
  });

  it('that does not end is ended by the time a connection has for its CONNECT, and counted once', async () => {
    await using listener = await openServer({});
    const client = connectTcp(listener.port, '127.0.0.1');
    client.on('error', () => undefined);
    client.resume();
    const accepted = await listener.accepted();
    accepted.transport.close(CLOSE_REASONS.connectTimeout);
    await once(client, 'close');
    assert.deepEqual(listener.failures, ['timeout']);
  });

  it('that the client gives up, since it does not trust the server, is known as that', async () => {
    await using listener = await openServer({});
    await using client = new Client(listener.port, { ca: (await TestAuthority.create('CN=Other')).certificate });
    assert.match(await client.closed, /UNABLE_TO_VERIFY|SELF_SIGNED|UNABLE_TO_GET/);
    assert.match(await listener.failure(), /refused_by_client|client_closed/);
  });
});
