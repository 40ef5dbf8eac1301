import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { type CertificateAndKey, TestAuthority } from '../../../test/support/certificates.ts';
import { TestDirectory } from '../../../test/support/test-settings.ts';
import { ConfigError } from '../../config/config-error.ts';
import { loadConfig } from '../../config/load-config.ts';
import { readTlsMaterials } from './tls-material.ts';

let authority: TestAuthority;
let server: CertificateAndKey;
before(async () => {
  authority = await TestAuthority.create();
  server = await authority.issueForServer();
});

type Files = Readonly<Record<'certificate_file' | 'key_file' | 'client_ca_file' | 'crl_file', string | undefined>>;

async function goodFiles(): Promise<Files> {
  return {
    certificate_file: server.certificate,
    key_file: server.key,
    client_ca_file: authority.certificate,
    crl_file: await authority.revoke(),
  };
}

/** Reads files that hold these texts, for listener 0; those without text do not exist. */
async function read(files: Files) {
  await using directory = await TestDirectory.create();
  const set = Object.entries(files).map(([key, text]) => {
    const path = text === undefined ? `${directory.path}/none` : directory.write(key, text);
    return `listeners.0.tls.${key}=${path}`;
  });
  set.push('listeners.0.transport=tls', 'listeners.0.tls.client_certificates=required');
  return await readTlsMaterials(loadConfig({ environment: {}, flags: { set } }));
}

describe('certificate files', () => {
  it('are read for listeners with TLS', async () => {
    const material = (await read(await goodFiles())).get('default')!;
    assert.equal(material.certificate, server.certificate);
    assert.equal(material.clientAuthorities.length, 1);
    assert.equal(material.revocations.length, 1);
    assert.equal((await readTlsMaterials(loadConfig({ environment: {} }))).size, 0);
  });

  it('may hold several authorities and several lists', async () => {
    const other = await TestAuthority.create('CN=Other');
    const material = await read({
      ...(await goodFiles()),
      client_ca_file: `The first:\n${authority.certificate}\nThe second:\n${other.certificate}\n`,
      crl_file: `${await authority.revoke()}\n${await other.revoke()}\n`,
    });
    const { clientAuthorities, revocations } = material.get('default')!;
    assert.deepEqual([clientAuthorities.length, revocations.length], [2, 2]);
  });

  const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  const wrong: readonly (readonly [string, keyof Files, () => string | undefined | Promise<string>, RegExp])[] = [
    ['a certificate that is missing', 'certificate_file', () => undefined, /cannot be read: ENOENT/],
    ['a key that is missing', 'key_file', () => undefined, /cannot be read: ENOENT/],
    ['authorities that are missing', 'client_ca_file', () => undefined, /cannot be read: ENOENT/],
    ['a revocation list that is missing', 'crl_file', () => undefined, /cannot be read: ENOENT/],
    ['a certificate that is none', 'certificate_file', () => server.key, /must be a PEM file with the certificate/],
    ['a broken certificate', 'certificate_file', () => broken, /must be a PEM file with the certificate/],
    ['a key that is none', 'key_file', () => server.certificate, /must be a PEM file with a private key/],
    [
      'the key of another certificate',
      'key_file',
      async () => (await authority.issueForServer()).key,
      /must be the key of the certificate in ".*certificate_file"/,
    ],
    ['authorities that are none', 'client_ca_file', () => 'nothing', /at least one CERTIFICATE/],
    ['a broken authority', 'client_ca_file', () => broken, /must be a PEM file with certificates/],
    ['a revocation list that is none', 'crl_file', () => authority.certificate, /at least one X509 CRL/],
    [
      'a broken revocation list',
      'crl_file',
      () => broken.replaceAll('CERTIFICATE', 'X509 CRL'),
      /must be a PEM file with certificate revocation lists/,
    ],
  ];
  for (const [what, key, text, message] of wrong)
    it(`refuses ${what}, naming key and file`, async () => {
      const files = { ...(await goodFiles()), [key]: await text() };
      await assert.rejects(read(files), (error: unknown) => {
        assert.ok(error instanceof ConfigError);
        assert.deepEqual(
          error.problems.map((problem) => problem.key),
          [`listeners.0.tls.${key}`],
        );
        assert.match(error.message, message);
        assert.match(error.message, new RegExp(`listeners\\.0\\.tls\\.${key} = "/`));
        assert.doesNotMatch(error.message, /PRIVATE/);
        return true;
      });
    });

  it('are refused all at once', async () => {
    const files = { ...(await goodFiles()), certificate_file: undefined, crl_file: 'nothing' };
    await assert.rejects(read(files), (error: ConfigError) => error.problems.length === 2);
  });
});
